"""The fleet's health, as the API servers themselves tell it."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import urllib3
import yaml
from kubernetes import client, config
from rich.table import Table

_TIMEOUT_SECONDS = 5
_READY = "ready"
UNANSWERED = (client.ApiException, urllib3.exceptions.HTTPError)
"""What a client raises for an API server that is not well."""


@dataclass(frozen=True, kw_only=True)
class ClusterHealth:
    """What a cluster's API server said, or why it did not; `problem` is None for a cluster that is well."""

    name: str
    region: str
    server: str
    version: str = ""
    nodes: int = 0
    ready_nodes: int = 0
    tenants: int = 0
    member: str = ""
    """Whether Karmada finds the cluster ready; empty where it is no member."""
    problem: str | None = None


def look(outputs: Mapping[str, Any]) -> list[ClusterHealth]:
    """Ask every cluster of the stack `outputs` at once, and Karmada what it thinks of them."""
    clusters: Mapping[str, Any] = outputs.get("clusters", {})
    karmada: Mapping[str, Any] = outputs.get("federation", {})
    kubeconfigs = outputs.get("kubeconfigs", {})
    with ThreadPoolExecutor() as pool:
        members = [pool.submit(_ask_members, name, each["server"], kubeconfigs[name]) for name, each in karmada.items()]
        found = list(
            pool.map(
                lambda name: _ask(name, clusters[name]["region"], clusters[name]["server"], kubeconfigs[name]), clusters
            )
        )
    for answer in members:
        control_plane, by_name = answer.result()
        found = [*(_as_member(cluster, by_name) for cluster in found), control_plane]
    return found


def table(stack: str, clusters: list[ClusterHealth]) -> Table:
    """The fleet as a table for the terminal."""
    table = Table(title=f"fleet {stack}", title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for column in ("cluster", "region", "version", "nodes", "tenants", "member", "API server", "health"):
        table.add_column(column, no_wrap=True)
    for cluster in clusters:
        table.add_row(
            cluster.name,
            cluster.region,
            cluster.version,
            f"{cluster.ready_nodes}/{cluster.nodes}" if cluster.nodes else "",
            str(cluster.tenants),
            cluster.member,
            cluster.server.removeprefix("https://"),
            "[green]ready[/]" if cluster.problem is None else "[red]not ready[/]",
        )
    return table


def problems(clusters: list[ClusterHealth]) -> list[str]:
    """A line for each cluster that is not well, with why."""
    return [f"{cluster.name}: {cluster.problem}" for cluster in clusters if cluster.problem is not None]


def _ask(name: str, region: str, server: str, kubeconfig: str) -> ClusterHealth:
    try:
        with connect(kubeconfig) as api:
            core = client.CoreV1Api(api)
            version = _version(api)
            nodes = core.list_node(_request_timeout=_TIMEOUT_SECONDS).items
            tenants = _tenants(core)
    except UNANSWERED as error:
        return ClusterHealth(name=name, region=region, server=server, problem=refusal(error))
    ready = sum(_is_ready(node) for node in nodes)
    return ClusterHealth(
        name=name,
        region=region,
        server=server,
        version=version,
        nodes=len(nodes),
        ready_nodes=ready,
        tenants=tenants,
        problem=None if ready == len(nodes) else f"{len(nodes) - ready} nodes are not ready",
    )


def _ask_members(name: str, server: str, kubeconfig: str) -> tuple[ClusterHealth, dict[str, str]]:
    """How Karmada is, and for each of its members "ready", or why it is not."""
    control_plane = ClusterHealth(name=name, region="all", server=server)
    try:
        with connect(kubeconfig) as api:
            listing = client.CustomObjectsApi(api).list_cluster_custom_object(
                "cluster.karmada.io", "v1alpha1", "clusters", _request_timeout=_TIMEOUT_SECONDS
            )
            control_plane = replace(control_plane, version=_version(api), tenants=_tenants(client.CoreV1Api(api)))
    except UNANSWERED as error:
        return replace(control_plane, problem=refusal(error)), {}
    return control_plane, {each["metadata"]["name"]: _readiness(each) for each in listing["items"]}


def _as_member(cluster: ClusterHealth, members: Mapping[str, str]) -> ClusterHealth:
    found = members.get(cluster.name)
    if found in {None, _READY}:
        return replace(cluster, member=found or "")
    reasons = [reason for reason in (cluster.problem, f"Karmada: {found}") if reason]
    return replace(cluster, member="not ready", problem="; ".join(reasons))


def _readiness(member: Mapping[str, Any]) -> str:
    conditions = member.get("status", {}).get("conditions", [])
    ready = next((each for each in conditions if each["type"] == "Ready"), None)
    if ready is None:
        return "not seen yet"
    return _READY if ready["status"] == "True" else f"{ready['reason']}: {ready['message']}"


def connect(kubeconfig: str) -> client.ApiClient:
    """A client that asks once: who does not answer at once is not well."""
    api = config.new_client_from_config_dict(yaml.safe_load(kubeconfig))
    api.configuration.retries = urllib3.Retry(0)
    return api


def _version(api: client.ApiClient) -> str:
    version: str = client.VersionApi(api).get_code(_request_timeout=_TIMEOUT_SECONDS).git_version
    return version


def _tenants(core: client.CoreV1Api) -> int:
    namespaces = core.list_namespace(label_selector="fleet/tenant", _request_timeout=_TIMEOUT_SECONDS).items
    return len({namespace.metadata.labels["fleet/tenant"] for namespace in namespaces})


def refusal(error: Exception) -> str:
    """Why an API server did not answer as it should."""
    return f"API server: {getattr(error, 'reason', error)}"


def _is_ready(node: client.V1Node) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in node.status.conditions or [])
