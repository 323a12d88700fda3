"""The contract of a cluster, whatever its cloud, with Pulumi's own mocks in place of an engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc

from components.cluster import ClusterArgs, create_cluster, registry
from lab.tools.catalogue import KUBERNETES
from stacks.settings import Cloud, ClusterSettings, LabClusterSettings

_KUBECONFIG = "apiVersion: v1\nkind: Config\n# with a key\n"


class _Mocks(pulumi.runtime.Mocks):
    """Remembers what was registered; a lab cluster gets outputs as its provider gives them."""

    def __init__(self) -> None:
        self.registered: list[pulumi.runtime.MockResourceArgs] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.registered.append(args)
        outputs = dict(args.inputs)
        if args.typ == "lab:index:Cluster":
            outputs |= {"kubeconfig": _KUBECONFIG, "server": "https://127.0.0.1:20000", "caData": "Q0E="}
            outputs |= {"identifier": f"uid-of-{args.name}", "status": "Running", "nodeCount": 3}
        return f"{args.name}-id", outputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"a cluster calls nothing, but called {args.token}")

    def one(self, kind: str) -> pulumi.runtime.MockResourceArgs:
        """The only resource of a type."""
        (found,) = [args for args in self.registered if args.typ == kind]
        return found


@pytest.fixture
def mocks() -> _Mocks:
    mocks = _Mocks()
    pulumi.runtime.set_mocks(mocks, project="fleet", stack="lab")
    return mocks


def _settings(**changes: object) -> LabClusterSettings:
    fields: dict[str, object] = {
        "cloud": "lab",
        "location": "eu-west-1",
        "network": {"name": "eu", "pods": "10.2.0.0/16", "services": "10.102.0.0/16"},
        "nodePools": [{"name": "small", "count": 2, "cpu": "4", "memory": "8Gi", "pods": 50}],
    }
    return LabClusterSettings.model_validate(fields | changes)


def _args(**changes: object) -> ClusterArgs[LabClusterSettings]:
    return ClusterArgs(region="eu", settings=_settings(**changes))


@pulumi.runtime.test  # type: ignore[untyped-decorator]
def test_its_outputs_are_those_of_the_cluster(mocks: _Mocks) -> pulumi.Output[None]:
    cluster = create_cluster("lab-eu", _args())
    assert (cluster.name, cluster.region, cluster.network) == ("lab-eu", "eu", "eu")

    def check(values: Sequence[str]) -> None:
        assert list(values) == ["https://127.0.0.1:20000", "Q0E=", _KUBECONFIG]
        assert mocks.one("fleet:cluster:Lab").name == "lab-eu"

    return pulumi.Output.all(cluster.server, cluster.ca_data, cluster.kubeconfig).apply(check)


@pulumi.runtime.test  # type: ignore[untyped-decorator]
@pytest.mark.usefixtures("mocks")
def test_a_network_that_the_settings_name_is_the_clusters() -> pulumi.Output[None]:
    network = {"name": "atlantic", "pods": "10.2.0.0/16", "services": "10.102.0.0/16"}
    cluster = create_cluster("lab-eu", _args(network=network))
    assert cluster.network == "atlantic"
    return cluster.server.apply(lambda _: None)


@pulumi.runtime.test  # type: ignore[untyped-decorator]
@pytest.mark.usefixtures("mocks")
def test_its_kubeconfig_is_a_secret_and_its_address_is_none() -> pulumi.Output[None]:
    cluster = create_cluster("lab-eu", _args())

    async def secrets() -> list[bool]:
        return [
            await cluster.kubeconfig.is_secret(),
            await cluster.server.is_secret(),
            await cluster.ca_data.is_secret(),
        ]

    def check(values: Sequence[bool]) -> None:
        assert list(values) == [True, False, False]

    found: pulumi.Output[list[bool]] = pulumi.Output.from_input(secrets())
    return found.apply(check)


@pulumi.runtime.test  # type: ignore[untyped-decorator]
def test_its_provider_survives_a_new_kubeconfig_and_finds_what_a_killed_update_made(
    mocks: _Mocks,
) -> pulumi.Output[None]:
    cluster = create_cluster("lab-eu", _args())

    def check(_: object) -> None:
        inputs = mocks.one("pulumi:providers:kubernetes").inputs
        assert inputs["clusterIdentifier"] == "uid-of-lab-eu"
        assert inputs["upsertExistingObjects"] in (True, "true")
        assert inputs["skipUpdateUnreachable"] in (True, "true")
        assert inputs["enablePatchForce"] in (True, "true")
        assert inputs["kubeconfig"] == {rpc._special_sig_key: rpc._special_secret_sig, "value": _KUBECONFIG}

    return cluster.provider.id.apply(check)


@pulumi.runtime.test  # type: ignore[untyped-decorator]
def test_a_lab_cluster_is_made_as_its_settings_say(mocks: _Mocks) -> pulumi.Output[None]:
    cluster = create_cluster("lab-eu", _args(zones=["a", "b"]))

    def check(_: object) -> None:
        inputs = mocks.one("lab:index:Cluster").inputs
        assert {key: value for key, value in inputs.items() if value is not None} == {
            "name": "lab-eu",
            "directory": ".fleet/stacks/lab",
            "version": KUBERNETES.version,
            "region": "eu-west-1",
            "zones": ["a", "b"],
            "nodePools": [{"name": "small", "count": 2, "cpu": "4", "memory": "8Gi", "pods": 50}],
            "podCidr": "10.2.0.0/16",
            "serviceCidr": "10.102.0.0/16",
        }

    return cluster.server.apply(check)


def test_there_is_a_class_for_every_cloud_that_settings_can_name() -> None:
    assert set(registry._CLASSES) == set(Cloud)


def test_settings_of_every_cloud_tell_which_it_is() -> None:
    settings: ClusterSettings = _settings()
    assert settings.cloud is Cloud.LAB
