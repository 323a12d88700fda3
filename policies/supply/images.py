"""The same image today and tomorrow: by a tag that is not `latest`, or by digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policies.objects import Object, section
from policies.rules import ObjectRule, Parameters


def _check(workload: Object, parameters: Parameters) -> Iterator[str]:
    del parameters
    for container in _containers(_pod_spec(workload)):
        image = str(container.get("image", ""))
        name, _, tag = image.rpartition("/")[2].partition(":")
        if "@" not in image and tag in {"", "latest"}:
            yield f"runs {name}:{tag or '(no tag)'} in {container.get('name', 'a container')}"


def _pod_spec(workload: Object) -> Mapping[str, Any]:
    spec = section(workload.manifest, "spec")
    if workload.kind == "Pod":
        return spec
    if workload.kind == "CronJob":
        spec = section(section(spec, "jobTemplate"), "spec")
    return section(section(spec, "template"), "spec")


def _containers(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name in ("containers", "initContainers"):
        yield from spec.get(name, ())


RULE = ObjectRule(
    name="supply-images",
    title="Images have a tag that is not latest, or a digest.",
    mend="Name the image's version, or its digest.",
    kinds=frozenset({"Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"}),
    check=_check,
)
