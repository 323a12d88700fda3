"""The post-renderer adds the flags that a pod annotation names, and changes nothing else."""

from __future__ import annotations

import yaml

from components.federation.post_renderer import render

_PLAIN = """
# Source: karmada/templates/a.yaml
apiVersion: v1
kind: ConfigMap
data:
  answer: yes
  text: |
    --- no end
"""


def _workload(flags: str) -> str:
    pod = {
        "metadata": {"annotations": {"fleet/flags": flags}},
        "spec": {"containers": [{"name": "a", "command": ["a", "--b"]}, {"name": "c", "command": ["c"]}]},
    }
    return f"\n{yaml.safe_dump({'kind': 'Deployment', 'spec': {'replicas': 3, 'template': pod}})}"


def test_flags_go_to_the_end_of_the_first_container_s_command() -> None:
    rendered = render(f"---{_workload('--d=1 --e=2')}---{_PLAIN}")
    workload, _ = [each for each in yaml.safe_load_all(rendered) if each]
    expected = yaml.safe_load(_workload("--d=1 --e=2"))
    expected["spec"]["template"]["spec"]["containers"][0]["command"] = ["a", "--b", "--d=1", "--e=2"]
    assert workload == expected


def test_what_asks_for_no_flags_passes_letter_by_letter() -> None:
    manifests = f"---{_PLAIN}---{_PLAIN}"
    assert render(manifests) == manifests
    assert _PLAIN in render(f"---{_PLAIN}---{_workload('--d')}")


def test_no_flags_are_no_change() -> None:
    workload = yaml.safe_load(render(f"---{_workload('')}").removeprefix("---"))
    assert workload == yaml.safe_load(_workload(""))
