"""Regions and authorities for tests of the mesh with Pulumi mocks: certificates are really issued."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
from pulumi.runtime import MockResourceArgs, set_mocks

from components.cluster import Cluster, ClusterArgs
from stacks.settings import Settings
from tests.unit.pki_samples import at_start, make, update
from tests.unit.settings_samples import cluster, loaded
from tests.unit.test_tenancy_delivery import Recorder

_SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - what marks a secret on Pulumi's wire
LOCATIONS = {"eu": "eu-west-1", "na": "us-east-1", "sea": "ap-southeast-1"}


def regions(**changes: Mapping[str, object]) -> dict[str, Any]:
    """Return three regions in locations of their own, some changed."""
    names = enumerate(LOCATIONS, start=1)
    return {name: cluster(at, location=LOCATIONS[name], **changes.get(name, {})) for at, name in names}


def fleet(*tenants: object, mesh: object = None, **changes: Mapping[str, object]) -> Settings:
    """Return the settings of a fleet in three regions; `changes` are of regions."""
    return loaded(*tenants, regions=regions(**changes), mesh=mesh or {})


class SampleCluster(Cluster):
    """A cluster called `lab-<region>` that nothing runs in."""

    def __init__(self, region: str, settings: Settings) -> None:
        super().__init__("Sample", f"lab-{region}", ClusterArgs(region=region, settings=settings.regions[region]))
        text = pulumi.Output.from_input
        self.finish(
            resource=self,
            kubeconfig=text("key"),
            server=text(f"https://{region}.example.com:6443"),
            ca_data=text(encoded(f"CA of {region}")),
            identifier=text(region),
        )


class MeshRecorder(Recorder):
    """Issues certificates as the provider `pki` does, and fills in tokens as an API server does.

    What it has issued stays from one program to the next, as in Pulumi's state.
    """

    def __init__(self) -> None:
        super().__init__()
        self.issued: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        identity, state = super().new_resource(args)
        if args.typ == "pki:index:Certificate":
            inputs = plain(args.inputs)
            before = self.issued.get(args.name)
            if before is None:
                after = make(inputs)
            else:
                after = before if before["inputs"] == inputs else update(inputs, before, at_start)
            self.issued[args.name] = {**after, "inputs": inputs}
            state = {**state, **after}
        elif args.typ == "kubernetes:core/v1:Secret" and args.inputs.get("type"):
            state = {**state, "data": {"token": encoded(f"{args.inputs['metadata']['name']} in {args.name}")}}
        return identity, state

    def run(self, program: Callable[[], pulumi.Resource]) -> None:
        """Run a program that returns a component, until everything in it is made."""
        self.created.clear()
        set_mocks(self, project="fleet", stack="lab")

        @pulumi.runtime.test  # type: ignore[untyped-decorator]
        def run() -> pulumi.Output[None]:
            return program().urn.apply(lambda _: None)

        run()
        set_mocks(Recorder())

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Inputs of all that was made of a type, by name, with secrets as plain values."""
        return {each.name: plain(each.inputs) for each in self.created if each.typ == kind}


def plain(value: Any) -> Any:  # noqa: ANN401 - any input
    """Return inputs with secrets as plain values."""
    if isinstance(value, dict):
        return plain(value["value"]) if _SECRET in value else {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def is_secret(value: object) -> bool:
    """Whether an input is marked as a secret."""
    return isinstance(value, dict) and _SECRET in value


def encoded(text: str) -> str:
    """Base64 of a text, as Secrets have it."""
    return base64.b64encode(text.encode()).decode()


def decoded(text: str) -> str:
    """The text in base64."""
    return base64.b64decode(text).decode()
