"""What each region's istiod says of the mesh: whom it knows, how long its certificates last, where its gateways are."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import urllib3
from cryptography import x509
from kubernetes import client
from rich.table import Table

from cli.health import UNANSWERED, connect, refusal

_SYSTEM = "istio-system"
_TIMEOUT_SECONDS = 5
_SYNCED = "synced"
_CLUSTERS = "/debug/clusterz"
_THROUGH_SERVICE = f"/api/v1/namespaces/{_SYSTEM}/services/http:istiod:15014/proxy{_CLUSTERS}"
_GATEWAYS = ("istio-eastwestgateway", "istio-ingressgateway")
_FEW_DAYS = 30
_NOT_FOUND = 404


@dataclass(frozen=True, kw_only=True)
class RegionalMesh:
    """A region in the mesh; `problem` is None where all is well."""

    name: str
    peers: Mapping[str, str] = field(default_factory=dict)
    """The clusters that its istiod knows, itself too, each with how far it is with it: `synced`, or not yet."""
    days: Mapping[str, int] = field(default_factory=dict)
    """Days that are left of its intermediate, and of the root that ends first; nothing with an external authority."""
    gateways: Mapping[str, str] = field(default_factory=dict)
    """Address of each gateway; empty where it has none yet."""
    problem: str | None = None


def look(outputs: Mapping[str, Any]) -> list[RegionalMesh]:
    """Ask every region of the stack `outputs` at once; the manager is in no mesh."""
    urls: Mapping[str, str] = outputs.get("mesh") or {}
    kubeconfigs: Mapping[str, str] = outputs.get("kubeconfigs", {})
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda name: _ask(name, kubeconfigs[name], urls[name]), urls))
    return [_judged(each, set(urls)) for each in found]


def table(stack: str, regions: list[RegionalMesh]) -> Table:
    """The mesh as a table for the terminal."""
    table = Table(title=f"mesh of {stack}", title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for column in ("cluster", "synced", "intermediate", "root", "east-west", "ingress", "health"):
        table.add_column(column, no_wrap=True)
    for each in regions:
        synced = sum(state == _SYNCED for state in each.peers.values())
        table.add_row(
            each.name,
            f"{synced}/{len(regions)}",
            *(f"{each.days[what]} days" if what in each.days else "" for what in ("intermediate", "root")),
            *(each.gateways.get(gateway, "") for gateway in _GATEWAYS),
            "[green]ready[/]" if each.problem is None else "[red]not ready[/]",
        )
    return table


def problems(regions: list[RegionalMesh]) -> list[str]:
    """A line for each region where something is amiss, with what."""
    return [f"{each.name}: {each.problem}" for each in regions if each.problem is not None]


def _ask(name: str, kubeconfig: str, url: str) -> RegionalMesh:
    try:
        with connect(kubeconfig) as api:
            core = client.CoreV1Api(api)
            found = RegionalMesh(name=name, days=_days(core), gateways=_gateways(core))
            return replace(found, peers=_peers(api, url))
    except UNANSWERED as error:
        return RegionalMesh(name=name, problem=refusal(error))


def _judged(found: RegionalMesh, clusters: set[str]) -> RegionalMesh:
    if found.problem is not None:
        return found
    amiss = [
        f"its istiod has not synced {', '.join(missing)}"
        for missing in [sorted(each for each in clusters if found.peers.get(each) != _SYNCED)]
        if missing
    ]
    amiss += [f"{name} has no address" for name, address in found.gateways.items() if not address]
    amiss += [
        f"its {what} certificate ends in {days} days: docs/mesh.md tells how to rotate it"
        for what, days in found.days.items()
        if days < _FEW_DAYS
    ]
    return replace(found, problem="; ".join(amiss) or None)


def _days(core: client.CoreV1Api) -> dict[str, int]:
    try:
        data = core.read_namespaced_secret("cacerts", _SYSTEM, _request_timeout=_TIMEOUT_SECONDS).data
    except client.ApiException as error:
        if error.status != _NOT_FOUND:
            raise
        return {}
    now = datetime.now(UTC)

    def shortest(file: str) -> int:
        certificates = x509.load_pem_x509_certificates(b64decode(data[file]))
        return min((each.not_valid_after_utc - now).days for each in certificates)

    return {"intermediate": shortest("ca-cert.pem"), "root": shortest("root-cert.pem")}


def _gateways(core: client.CoreV1Api) -> dict[str, str]:
    services = core.list_namespaced_service(_SYSTEM, _request_timeout=_TIMEOUT_SECONDS).items
    return {each.metadata.name: _address(each) for each in services if each.metadata.name in _GATEWAYS}


def _address(service: client.V1Service) -> str:
    ingress = next(iter(service.status.load_balancer.ingress or ()), None)
    return str(ingress.ip or ingress.hostname) if ingress else ""


def _peers(api: client.ApiClient, url: str) -> dict[str, str]:
    """What istiod says at `url`, or where that is empty by way of the API server and its Service."""
    if url:
        text = urllib3.request("GET", f"{url}{_CLUSTERS}", timeout=_TIMEOUT_SECONDS, retries=False).data
    else:
        text = api.call_api(
            _THROUGH_SERVICE,
            "GET",
            auth_settings=["BearerToken"],
            _preload_content=False,
            _request_timeout=_TIMEOUT_SECONDS,
        )[0].data
    return {each["id"]: each["syncStatus"] for each in json.loads(text)}
