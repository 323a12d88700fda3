"""Whatever is wrong with a settings file, it is one line that names the file; tenants can have files of their own."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from stacks.settings import SettingsError, from_file
from tests.unit.settings_samples import config, tenant

FILES: list[tuple[bytes, str]] = [
    (b"", "is empty; it should hold a mapping"),
    (b"# nothing\n", "is empty; it should hold a mapping"),
    (b"- a\n", "does not hold a mapping"),
    (b"text", "does not hold a mapping"),
    (b"a: [1\n", "line 2: expected ',' or ']', but got '<stream end>'; make it valid YAML"),
    (b"a: 1\n\tb: 2\n", "line 2: found character '\\t' that cannot start any token; make it valid YAML"),
    (b"a: 1\nb: 2\na: 3\n", "line 3: `a` is written twice, first in line 1; keep one"),
    (b"x: {a: 1, a: 2}\n", "line 1: `a` is written twice, first in line 1; keep one"),
    (b"a: 1\n---\nb: 2\n", "line 2: but found another document; make it valid YAML"),
    (b"a: !!python/object:os.system {}\n", "line 1: could not determine a constructor for the tag"),
    (b"a: !!int x\n", "invalid literal for int() with base 10: 'x'; make it valid YAML"),
    (b"a: *nobody\n", "line 1: found undefined alias"),
    (b"? [a]\n: 1\n", "line 1: found unhashable key; make it valid YAML"),
    (b"1: 2\n", "the key 1 should be text"),
    (b"a: \xff\n", "is not UTF-8 text (byte 3); save it as UTF-8"),
    (b"a: \x00\n", "unacceptable character"),
    (b"[" * 5000, "is nested too deeply to be settings"),
]


def errors_of_file(path: Path, root: Path) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        from_file(path, root=root)
    return caught.value.errors


def stack_file(root: Path, **changes: object) -> Path:
    """Write a stack file; return its path."""
    (root / "stacks").mkdir(exist_ok=True)
    path = root / "stacks" / "Pulumi.lab.yaml"
    values = {f"fleet:{key}": value for key, value in config(**changes).items()}
    path.write_text(yaml.safe_dump({"config": values, "encryptionsalt": "v1:x"}), encoding="utf-8")
    return path


def with_folder(root: Path, **files: object) -> Path:
    """Write a stack file that names a folder, and in it a file for each tenant; return the stack file's path."""
    (root / "tenants").mkdir()
    for name, content in files.items():
        (root / "tenants" / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return stack_file(root, tenantsFolder="tenants")


@pytest.mark.parametrize(("content", "text"), FILES, ids=[text for _, text in FILES])
def test_a_bad_file_is_one_line(tmp_path: Path, content: bytes, text: str) -> None:
    stack = tmp_path / "Pulumi.bad.yaml"
    stack.write_bytes(content)
    (line,) = errors_of_file(stack, tmp_path)
    assert line.startswith(f"Pulumi.bad.yaml: {text}")
    assert "\n" not in line


@pytest.mark.parametrize(("content", "text"), FILES, ids=[text for _, text in FILES])
def test_a_bad_tenant_file_is_one_line_beside_the_others(tmp_path: Path, content: bytes, text: str) -> None:
    stack = with_folder(tmp_path, a=tenant("a", ownr="x"))
    (tmp_path / "tenants" / "bad.yml").write_bytes(content)
    first, second = errors_of_file(stack, tmp_path)
    assert first.startswith(f"tenants/bad.yml: {text}")
    assert second == "tenants/a.yaml: ownr: is not a known field; did you mean `owner`?"


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    assert errors_of_file(tmp_path / "Pulumi.x.yaml", tmp_path) == ["Pulumi.x.yaml: there is no such file"]


def test_a_folder_in_place_of_a_file_is_one_line(tmp_path: Path) -> None:
    assert errors_of_file(tmp_path, tmp_path.parent) == [f"{tmp_path.name}: cannot be read: is a directory"]


def test_a_file_without_permission_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    path = stack_file(tmp_path)
    monkeypatch.setattr(Path, "read_text", refuse)
    assert errors_of_file(path, tmp_path) == ["stacks/Pulumi.lab.yaml: cannot be read: permission denied"]


CONFIGS: list[tuple[str, str]] = [
    ("config: 3\n", "Pulumi.lab.yaml: config: should be a mapping, is 3"),
    ("confg: {}\n", "Pulumi.lab.yaml: confg: is not a known field of a stack file; did you mean `config`?"),
    ("config: {regions: {}}\n", "Pulumi.lab.yaml: config: the key 'regions' has no namespace; write fleet:regions"),
    ("config: {fleet:regionz: {}}\n", "fleet:regionz: is not a known setting; did you mean `regions`?"),
    ("config:\n", "fleet:regions: is missing"),
]


@pytest.mark.parametrize(("content", "start"), CONFIGS, ids=[start for _, start in CONFIGS])
def test_a_stack_file_has_known_fields_and_namespaced_keys(tmp_path: Path, content: str, start: str) -> None:
    stack = tmp_path / "Pulumi.lab.yaml"
    stack.write_text(content, encoding="utf-8")
    assert [line for line in errors_of_file(stack, tmp_path) if line.startswith(start)]


def test_other_namespaces_and_the_keys_of_the_secrets_provider_are_let_be(tmp_path: Path) -> None:
    path = stack_file(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace("config:", "config:\n  aws:region: x"), encoding="utf-8")
    assert from_file(path, root=tmp_path).environment == "lab"


def test_yaml_means_what_it_means_to_pulumi(tmp_path: Path) -> None:
    path = stack_file(tmp_path)
    text = path.read_text(encoding="utf-8").replace("    na:\n", "    no:\n")
    extra = "\n  fleet:tenants: [{name: on, owner: yes, quota: {limits.cpu: 1e1, pods: 0x10, count/secrets: 1_000}}]"
    path.write_text(text.replace("  fleet:tenants: []", extra), encoding="utf-8")
    settings = from_file(path, root=tmp_path)
    (tenant_on,) = settings.tenants
    assert sorted(settings.regions) == ["eu", "no"]
    assert (tenant_on.name, tenant_on.owner) == ("on", "yes")
    assert [tenant_on.quota[key] for key in ("limits.cpu", "pods", "count/secrets")] == ["10", "16", "1000"]


def test_merged_keys_may_be_written_again(tmp_path: Path) -> None:
    path = stack_file(tmp_path)
    extra = "\n  fleet:tenants: [&a {name: a, owner: x}, {<<: *a, name: b}]"
    path.write_text(path.read_text(encoding="utf-8").replace("  fleet:tenants: []", extra), encoding="utf-8")
    assert [(each.name, each.owner) for each in from_file(path, root=tmp_path).tenants] == [("a", "x"), ("b", "x")]


def test_tenants_come_from_the_stack_file_and_from_a_folder(tmp_path: Path) -> None:
    with_folder(tmp_path, b=tenant("b"), a=tenant("a", regions=["eu"]))
    (tmp_path / "tenants" / "README.md").write_text("not a tenant", encoding="utf-8")
    (tmp_path / "tenants" / ".hidden.yaml").write_text("not: a tenant", encoding="utf-8")
    path = stack_file(tmp_path, tenantsFolder="tenants", tenants=[tenant("inline")])
    settings = from_file(path, root=tmp_path)
    assert [each.name for each in settings.tenants] == ["inline", "a", "b"]
    assert settings.tenants_folder == "tenants"


def test_a_tenant_is_the_same_wherever_it_is_written(tmp_path: Path) -> None:
    what = tenant("shop", regions=["eu"], quota={"pods": 5})
    in_folder = from_file(with_folder(tmp_path, shop=what), root=tmp_path).tenants
    assert in_folder == from_file(stack_file(tmp_path, tenants=[what]), root=tmp_path).tenants


WRONG: list[tuple[Callable[[Path], Path], str]] = [
    (
        lambda root: with_folder(root, a=tenant("a", quota={"pods": 0})),
        "tenants/a.yaml: quota.pods: should be more than 0",
    ),
    (
        lambda root: with_folder(root, a=tenant("a"), b=tenant("a")),
        "tenants/b.yaml: name: 'a' is already the name of the",
    ),
    (
        lambda root: with_folder(root, a=tenant("a", namespaces=["b"]), b=tenant("a-b")),
        "tenants/b.yaml: the namespace a-b is also that of tenant a at tenants/a.yaml; rename one",
    ),
]


@pytest.mark.parametrize(("make", "start"), WRONG, ids=[start for _, start in WRONG])
def test_an_error_in_a_folder_names_the_file(tmp_path: Path, make: Callable[[Path], Path], start: str) -> None:
    (line,) = errors_of_file(make(tmp_path), tmp_path)
    assert line.startswith(start)


def test_a_name_in_the_stack_file_and_in_the_folder_is_refused(tmp_path: Path) -> None:
    with_folder(tmp_path, shop=tenant("shop"))
    (line,) = errors_of_file(stack_file(tmp_path, tenantsFolder="tenants", tenants=[tenant("Shop".lower())]), tmp_path)
    assert line.startswith("tenants/shop.yaml: name: 'shop' is already the name of the tenant at fleet:tenants[shop]")


def test_hundreds_of_tenants_are_read(tmp_path: Path) -> None:
    names = [f"team-{number:03}" for number in range(300)]
    path = with_folder(tmp_path, **{name: tenant(name) for name in names})
    assert [each.name for each in from_file(path, root=tmp_path).tenants] == names
