"""The real Karmada chart, rendered by the real helm with the values of the program."""

from __future__ import annotations

import os
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.federation.chart import NAMESPACE, POST_RENDERER, RELEASE, chart_values
from tests.unit.karmada_chart_samples import ARGUMENTS, certificates, settings

REPOSITORY = Path(__file__).resolve().parents[2]

# The chart takes two templates from a library chart that is fetched on installation. These do the same with the values
# that are used here: an image's full name, and no pull secrets.
_LIBRARY = """
{{- define "common.images.image" -}}
{{ .global.imageRegistry | default .imageRoot.registry }}/{{ .imageRoot.repository }}:{{ .imageRoot.tag }}
{{- end -}}
{{- define "common.images.pullSecrets" -}}
{{- end -}}
"""
_LIBRARY_CHART = "apiVersion: v2\nname: common\nversion: 2.31.4\ntype: library\n"


@dataclass(frozen=True)
class Rendered:
    """The chart's objects."""

    objects: list[dict[str, Any]]

    def all(self, *kinds: str) -> list[dict[str, Any]]:
        return [each for each in self.objects if each["kind"] in kinds]

    def one(self, kind: str, name: str) -> dict[str, Any]:
        """The object of a kind with a name."""
        (found,) = [each for each in self.all(kind) if each["metadata"]["name"] == name]
        return found

    def secret(self, name: str) -> dict[str, str]:
        """What is in a Secret, decoded."""
        data = self.one("Secret", name)["data"]
        return {key: b64decode(value).decode() for key, value in data.items()}

    def command(self, deployment: str) -> list[str]:
        """The command of a Deployment's container."""
        command: list[str] = self.one("Deployment", deployment)["spec"]["template"]["spec"]["containers"][0]["command"]
        return command


def _chart() -> Path | None:
    """Where the chart is: in the folder that is named for it, or with the programs that were built from its module."""
    program = shutil.which("karmada-controller-manager") or ""
    named = os.environ.get("FLEET_KARMADA_CHART", "")
    folder = Path(named) if named else Path(program).resolve().parent / "karmada-chart"
    return folder if (folder / "Chart.yaml").exists() else None


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the chart's folder, with the library that it needs."""
    given = _chart()
    if given is None:
        pytest.skip("no Karmada chart beside karmada-controller-manager on PATH; `./fleet test` gets it")
    if shutil.which("helm") is None:
        pytest.skip("not on PATH: helm; `./fleet test` builds what is missing")
    folder = tmp_path_factory.mktemp("chart") / "karmada"
    shutil.copytree(given, folder)
    library = folder / "charts" / "common"
    (library / "templates").mkdir(parents=True)
    (library / "Chart.yaml").write_text(_LIBRARY_CHART)
    (library / "templates" / "_images.tpl").write_text(_LIBRARY)
    return folder


def render(
    chart: Path,
    arguments: Mapping[str, Sequence[str]] = ARGUMENTS,
    **changes: Any,  # noqa: ANN401
) -> Rendered:
    """Render the chart as the release does, hooks and all, for settings with the changes and flags by program."""
    values = chart_values(settings(**changes), certificates(), arguments)
    command = ["helm", "template", RELEASE, str(chart), "--namespace", NAMESPACE, "--kube-version", "1.36.3"]
    answer = subprocess.run(
        [*command, "--values", "-", "--post-renderer", POST_RENDERER],
        input=yaml.safe_dump(values),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    return Rendered([each for each in yaml.safe_load_all(answer.stdout) if each])


@pytest.fixture(scope="session")
def rendered(chart: Path) -> Rendered:
    """The chart, rendered for production."""
    return render(chart)
