"""Certificates as plain `pulumi up`, `refresh` and `destroy` see them, through the provider and the language host."""

from __future__ import annotations

import json

import pytest
from cryptography import x509

from tests.lab.conftest import REPOSITORY, Project
from tests.unit.pki_samples import verify

_PROGRAM = """
import pulumi
from providers.pki import Certificate, CertificateArgs, Usage

config = pulumi.Config()
root = Certificate("root", CertificateArgs(
    common_name="root",
    is_certificate_authority=True,
    validity_hours=config.get_int("root") or 87600,
    renew_before_hours=17520,
))
server = Certificate("server", CertificateArgs(
    common_name="api",
    dns_names=["api.example.com"],
    usages=[Usage.SERVER],
    validity_hours=2160,
    renew_before_hours=720,
    issuer=root.as_issuer,
))
for certificate in (root, server):
    pulumi.export(certificate._name, {
        "privateKey": certificate.private_key,
        "certificate": certificate.certificate,
        "chain": certificate.chain,
        "notBefore": certificate.not_before,
    })
"""


@pytest.fixture
def project(empty_project: Project) -> Project:
    plugin = REPOSITORY / "providers" / "plugins" / "pki"
    (empty_project.root / "Pulumi.yaml").write_text(
        f"name: test\nruntime: python\nplugins:\n  providers:\n  - name: pki\n    path: {plugin}\n"
    )
    (empty_project.root / "__main__.py").write_text(_PROGRAM)
    return empty_project


def _outputs(project: Project) -> dict[str, dict[str, str]]:
    outputs: dict[str, dict[str, str]] = json.loads(project.run("stack", "output", "--json", "--show-secrets"))
    return outputs


def _verify(outputs: dict[str, dict[str, str]]) -> None:
    begin = x509.load_pem_x509_certificate(outputs["server"]["certificate"].encode()).not_valid_before_utc
    verify(outputs["server"], outputs["root"], x509.DNSName("api.example.com"), begin)


def test_up_makes_a_chain_once_and_keeps_its_keys_out_of_sight(project: Project) -> None:
    project.run("up", "--yes")
    made = _outputs(project)
    _verify(made)
    project.run("up", "--yes", "--skip-preview", "--expect-no-changes")
    project.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert _outputs(project) == made

    state = project.run("stack", "export")
    assert "PRIVATE KEY" not in state
    for outputs in made.values():
        assert outputs["privateKey"].splitlines()[1] not in state
    project.run("destroy", "--yes", "--skip-preview")


def test_a_changed_root_renews_what_it_signed_in_the_same_up(project: Project) -> None:
    project.run("up", "--yes", "--skip-preview")
    before = _outputs(project)
    project.configure(root="90000")
    preview = project.run("preview", "--diff")
    assert preview.count("pki:index:Certificate: (update)") == 2
    assert "PRIVATE KEY" not in preview

    project.run("up", "--yes", "--skip-preview")
    after = _outputs(project)
    _verify(after)
    for name in ("root", "server"):
        assert after[name]["certificate"] != before[name]["certificate"]
        assert after[name]["privateKey"] == before[name]["privateKey"]
