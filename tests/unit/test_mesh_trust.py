"""Who signs in the mesh: what istiod gets, verified as proxies do, also while roots and intermediates are rotated."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import pulumi
import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from components.mesh.trust import Trust, TrustArgs
from providers.pki.issuing import read_certificates, read_key
from stacks.settings import Settings
from tests.unit.mesh_samples import MeshRecorder, SampleCluster, decoded, fleet, is_secret, plain
from tests.unit.pki_samples import START, authority, inputs, issuer, make

IDENTITY = "spiffe://cluster.local/ns/shop/sa/web"


def cacerts(recorder: MeshRecorder, settings: Settings) -> dict[str, dict[str, str]]:
    """Make the trust of a fleet; what is in each region's Secret, by region."""

    def program() -> pulumi.Resource:
        clusters = {region: SampleCluster(region, settings) for region in settings.regions}
        meshes = {region: cluster.mesh for region, cluster in settings.regions.items()}
        args = TrustArgs(settings=settings.mesh.trust, regions=meshes, clusters=clusters, namespaces=clusters)
        return Trust("lab", args)

    recorder.run(program)
    found = {
        name.removeprefix("lab-").removesuffix("-cacerts"): {key: decoded(text) for key, text in each["data"].items()}
        for name, each in recorder.of("kubernetes:core/v1:Secret").items()
    }
    assert found.keys() <= set(settings.regions)
    return found


@dataclass(frozen=True)
class Workload:
    """What a proxy has from an istiod: its own chain, and the roots that it believes."""

    chain: tuple[x509.Certificate, ...]
    roots: tuple[x509.Certificate, ...]

    def believes(self, other: Workload) -> bool:
        """Whether it takes the other for whom its certificate says."""
        leaf, *above = other.chain
        policy = PolicyBuilder().store(Store(list(self.roots))).time(START)
        try:
            verified = policy.build_client_verifier().verify(leaf, above)
        except VerificationError:
            return False
        return [name.value for name in verified.subjects or []] == [IDENTITY]


def workload(files: dict[str, str]) -> Workload:
    """Have an istiod with these files sign for a workload, as it does with `ca-cert.pem` and `ca-key.pem`."""
    signer = {"chain": files["ca-cert.pem"], "privateKey": files["ca-key.pem"]}
    leaf = make(
        inputs(dnsNames=[], uris=[IDENTITY], usages=["client"], validityHours=24.0, renewBeforeHours=12.0)
        | {"issuer": issuer(signer)}
    )
    chain = read_certificates(leaf["certificate"]) + read_certificates(files["cert-chain.pem"])
    return Workload(chain, tuple(x509.load_pem_x509_certificates(files["root-cert.pem"].encode())))


def test_each_region_signs_with_an_intermediate_of_its_own_below_one_root() -> None:
    found = cacerts(MeshRecorder(), fleet())
    assert set(found) == {"eu", "na", "sea"}
    assert {frozenset(files) for files in found.values()} == {
        frozenset({"ca-cert.pem", "ca-key.pem", "root-cert.pem", "cert-chain.pem"})
    }
    authorities = {region: read_certificates(files["ca-cert.pem"])[0] for region, files in found.items()}
    keys = {region: read_key(files["ca-key.pem"]).public_key() for region, files in found.items()}
    assert keys == {region: each.public_key() for region, each in authorities.items()}
    assert len({each.serial_number for each in authorities.values()}) == 3
    assert len({each.subject for each in authorities.values()}) == 3
    assert len({files["ca-key.pem"] for files in found.values()}) == 3
    (root,) = {files["root-cert.pem"] for files in found.values()}
    for each in authorities.values():
        each.verify_directly_issued_by(read_certificates(root)[0])
        assert each.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(
            ca=True, path_length=0
        )
    constraints = read_certificates(root)[0].extensions.get_extension_for_class(x509.BasicConstraints).value
    assert constraints == x509.BasicConstraints(ca=True, path_length=1)


def test_workloads_of_all_regions_believe_each_other_and_nobody_of_another_mesh() -> None:
    ours = [workload(files) for files in cacerts(MeshRecorder(), fleet()).values()]
    theirs = workload(cacerts(MeshRecorder(), fleet())["eu"])
    assert all(one.believes(other) for one, other in product(ours, ours))
    assert not any(one.believes(theirs) or theirs.believes(one) for one in ours)


def test_lifetimes_are_those_of_the_settings_and_a_root_is_never_renewed() -> None:
    recorder = MeshRecorder()
    cacerts(recorder, fleet(mesh={"trust": {"rootDays": 400, "intermediateDays": 90}}))
    made = recorder.of("pki:index:Certificate")
    root, intermediate = made["lab-root-1"], made["lab-eu-intermediate-1"]
    assert (root["validityHours"], root["renewBeforeHours"]) == (400 * 24, 0)
    assert (intermediate["validityHours"], intermediate["renewBeforeHours"]) == (90 * 24, 30 * 24)


def test_every_step_of_a_roots_rotation_keeps_old_and_new_workloads_trusted() -> None:
    recorder = MeshRecorder()
    steps = [cacerts(recorder, fleet(mesh={"trust": {"roots": roots}})) for roots in ([1], [1, 2], [2, 1], [2])]
    for before, after in pairwise(steps):
        old, new = ([workload(files) for files in step.values()] for step in (before, after))
        assert all(one.believes(other) for one, other in product([*old, *new], repeat=2))
    first, last = workload(steps[0]["eu"]), workload(steps[-1]["eu"])
    assert not first.believes(last)
    assert not last.believes(first)


def test_each_step_is_one_that_istiod_takes_at_run_time() -> None:
    """It takes other roots only if they contain its own, or its own contain them."""
    recorder = MeshRecorder()
    steps = [cacerts(recorder, fleet(mesh={"trust": {"roots": roots}}))["eu"] for roots in ([1], [1, 2], [2, 1], [2])]
    roots = [set(x509.load_pem_x509_certificates(files["root-cert.pem"].encode())) for files in steps]
    assert [len(each) for each in roots] == [1, 2, 2, 1]
    assert all(before <= after or after <= before for before, after in pairwise(roots))


def test_a_skipped_step_would_not_be_trusted() -> None:
    recorder = MeshRecorder()
    old = workload(cacerts(recorder, fleet(mesh={"trust": {"roots": [1]}}))["eu"])
    new = workload(cacerts(recorder, fleet(mesh={"trust": {"roots": [2, 1]}}))["na"])
    assert not old.believes(new)


def test_an_intermediate_rotated_has_a_new_key_and_leaves_all_trusted() -> None:
    recorder = MeshRecorder()
    before = cacerts(recorder, fleet())
    after = cacerts(recorder, fleet(eu={"mesh": {"intermediate": 2}}))
    assert before["eu"]["ca-key.pem"] != after["eu"]["ca-key.pem"]
    assert before["na"] == after["na"]
    both = [workload(files) for step in (before, after) for files in step.values()]
    assert all(one.believes(other) for one, other in product(both, both))
    everywhere = cacerts(recorder, fleet(mesh={"trust": {"intermediate": 3}}))
    assert len({files["ca-key.pem"] for step in (after, everywhere) for files in step.values()}) == 6


def test_what_an_istiod_signs_with_is_a_secret_also_as_files() -> None:
    settings = fleet()
    seen: list[pulumi.Output[dict[str, str]]] = []

    def program() -> pulumi.Resource:
        clusters = {region: SampleCluster(region, settings) for region in settings.regions}
        meshes = {region: cluster.mesh for region, cluster in settings.regions.items()}
        args = TrustArgs(settings=settings.mesh.trust, regions=meshes, clusters=clusters, namespaces=clusters)
        trust = Trust("lab", args)
        seen.extend(trust.files.values())
        return trust

    MeshRecorder().run(program)
    assert len(seen) == 3
    assert all(asyncio.run(_is_secret(each)) for each in seen)


async def _is_secret(output: pulumi.Output[dict[str, str]]) -> bool:
    return await output.is_secret()


def test_keys_are_secrets_from_birth() -> None:
    recorder = MeshRecorder()
    cacerts(recorder, fleet())
    secrets = [each for each in recorder.created if each.typ == "kubernetes:core/v1:Secret"]
    assert len(secrets) == 3
    for each in secrets:
        assert is_secret(each.inputs["data"])
        assert (each.inputs["metadata"]["name"], each.inputs["metadata"]["namespace"]) == ("cacerts", "istio-system")
        assert f"::{each.name.removesuffix('-cacerts')}-kubernetes::" in (each.provider or "")
    for each in recorder.created:
        if each.typ == "pki:index:Certificate" and "issuer" in each.inputs:
            assert is_secret(each.inputs["issuer"])


def provided(*, chained: bool) -> dict[str, Any]:
    """Return authorities of somebody's own, with or without one between root and intermediates."""
    root = make(authority(commonName="their root"))
    above = make(authority(commonName="between", issuer=issuer(root))) if chained else root
    intermediates = {
        region: make(authority(commonName=region, issuer=issuer(above), pathLength=0.0))
        for region in ("eu", "na", "sea")
    }
    chain = {"chain": above["certificate"]} if chained else {}
    return {
        "roots": root["certificate"],
        "regions": {
            region: {"certificate": each["certificate"], "privateKey": each["privateKey"], **chain}
            for region, each in intermediates.items()
        },
    }


@pytest.mark.parametrize("chained", [False, True])
def test_provided_authorities_sign_and_are_believed(monkeypatch: pytest.MonkeyPatch, *, chained: bool) -> None:
    monkeypatch.setattr("stacks.authorities.problems", lambda *_: iter(()))  # they begin only when these tests are
    recorder = MeshRecorder()
    given = provided(chained=chained)
    found = cacerts(recorder, fleet(mesh={"trust": {"provided": given}}))
    assert not recorder.of("pki:index:Certificate")
    workloads = [workload(files) for files in found.values()]
    assert all(one.believes(other) for one, other in product(workloads, workloads))
    assert {region: files["ca-key.pem"] for region, files in found.items()} == {
        region: each["privateKey"] for region, each in given["regions"].items()
    }
    secrets = [each.inputs["data"] for each in recorder.created if each.typ == "kubernetes:core/v1:Secret"]
    assert all(is_secret(each) for each in secrets)
    assert plain(secrets[0]).keys() == {"ca-cert.pem", "ca-key.pem", "root-cert.pem", "cert-chain.pem"}


def test_a_region_without_its_cluster_is_refused() -> None:
    settings = fleet()
    meshes = {region: cluster.mesh for region, cluster in settings.regions.items()}
    with pytest.raises(ValueError, match="there is no cluster for eu, na, sea"):
        TrustArgs(settings=settings.mesh.trust, regions=meshes, clusters={}, namespaces={})
