"""The fleet's health, as the API servers themselves tell it."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import urllib3
import yaml
from kubernetes import client, config
from rich.markup import escape
from rich.table import Table

_TIMEOUT_SECONDS = 5


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
    problem: str | None = None


def look(outputs: Mapping[str, Any]) -> list[ClusterHealth]:
    """Ask every cluster of the stack `outputs` at once."""
    clusters = outputs.get("clusters", {})
    kubeconfigs = outputs.get("kubeconfigs", {})
    with ThreadPoolExecutor() as pool:
        return list(
            pool.map(
                lambda name: _ask(name, clusters[name]["region"], clusters[name]["server"], kubeconfigs[name]), clusters
            )
        )


def table(stack: str, clusters: list[ClusterHealth]) -> Table:
    """The fleet as a table for the terminal."""
    table = Table(title=f"fleet {stack}", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("cluster", "region", "version", "nodes", "tenants", "API server", "health"):
        table.add_column(column, no_wrap=column != "health")
    for cluster in clusters:
        table.add_row(
            cluster.name,
            cluster.region,
            cluster.version,
            f"{cluster.ready_nodes}/{cluster.nodes}",
            str(cluster.tenants),
            cluster.server,
            "[green]ready[/]" if cluster.problem is None else f"[red]{escape(cluster.problem)}[/]",
        )
    table.caption = f"To reach it: ./fleet kubeconfig {stack} -o F; kubectl --kubeconfig F --context …"
    table.caption_justify = "left"
    return table


def _ask(name: str, region: str, server: str, kubeconfig: str) -> ClusterHealth:
    try:
        with config.new_client_from_config_dict(yaml.safe_load(kubeconfig)) as api:
            api.configuration.retries = urllib3.Retry(0)
            core = client.CoreV1Api(api)
            version = client.VersionApi(api).get_code(_request_timeout=_TIMEOUT_SECONDS).git_version
            nodes = core.list_node(_request_timeout=_TIMEOUT_SECONDS).items
            namespaces = core.list_namespace(label_selector="fleet/tenant", _request_timeout=_TIMEOUT_SECONDS).items
    except (client.ApiException, urllib3.exceptions.HTTPError) as error:
        reason = getattr(error, "reason", error)
        return ClusterHealth(name=name, region=region, server=server, problem=f"API server: {reason}")
    ready = sum(_is_ready(node) for node in nodes)
    return ClusterHealth(
        name=name,
        region=region,
        server=server,
        version=version,
        nodes=len(nodes),
        ready_nodes=ready,
        tenants=len({namespace.metadata.labels["fleet/tenant"] for namespace in namespaces}),
        problem=None if ready == len(nodes) else f"{len(nodes) - ready} nodes are not ready",
    )


def _is_ready(node: client.V1Node) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in node.status.conditions or [])
