"""The same chart today and tomorrow: an exact version, from a repository that was chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policies.objects import Resource, matches, section
from policies.rules import Parameters, ResourceRule

_EXACT = re.compile(r"v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_LOCAL = (".", "/")


def _check(release: Resource, parameters: Parameters) -> Iterator[str]:
    chart = str(release.fields["chart"])
    if chart.startswith(_LOCAL) or chart.endswith(".tgz"):
        return
    version = str(release.fields.get("version", ""))
    if not _EXACT.fullmatch(version):
        yield (
            f"chart {chart} has the version {version!r}, which is not exact"
            if version
            else f"chart {chart} has no version"
        )
    repository = chart if chart.startswith("oci://") else str(section(release.fields, "repositoryOpts").get("repo", ""))
    if not matches(repository, parameters["repositories"]):
        yield f"chart {chart} is from {repository or 'no named repository'}"


RULE = ResourceRule(
    name="supply-charts",
    title="Charts have exact versions and come from named repositories.",
    mend="Pin the chart's version, and take it from one of the repositories in the configuration of the policy.",
    parameters={"repositories": ["https://karmada-io.github.io/*", "https://istio-release.storage.googleapis.com/*"]},
    types=frozenset({"kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v4:Chart"}),
    check=_check,
)
