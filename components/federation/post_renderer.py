"""Gives containers the flags that a chart has no value for: a post-renderer of Helm, from manifests to manifests.

A workload whose pods are annotated `fleet/flags` gets the flags named there, apart by spaces, at the end of its first
container's command. So they are in the chart's values (`podAnnotations`), and a change of them is a change of the
release. All other documents pass as they are.
"""

from __future__ import annotations

import re
import sys

import yaml

FLAGS = "fleet/flags"


def render(manifests: str) -> str:
    """Return the manifests with the flags that they ask for."""
    documents = re.split(r"^---[ \t]*$", manifests, flags=re.MULTILINE)
    return "---".join(_with_flags(document) if FLAGS in document else document for document in documents)


def _with_flags(document: str) -> str:
    workload = yaml.safe_load(document)
    pod = workload["spec"]["template"]
    pod["spec"]["containers"][0]["command"] += pod["metadata"]["annotations"][FLAGS].split()
    return f"\n{yaml.safe_dump(workload, sort_keys=False)}"


if __name__ == "__main__":
    sys.stdout.write(render(sys.stdin.read()))
