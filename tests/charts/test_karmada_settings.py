"""What the settings of the federation ask of Karmada is in the real chart, and what comes beside it has a way in."""

from __future__ import annotations

from pathlib import Path

import yaml

from components.federation.chart import KUBECONFIG, TOOLS, image
from components.federation.come_home import come_home_manifests
from components.federation.flags import control_plane_flags
from stacks.federation import FederationSettings
from tests.charts.conftest import Rendered, render


def test_every_flag_of_the_settings_is_the_last_word_of_its_program(chart: Path) -> None:
    written = {"failover": {"unreachableSeconds": 17}, "rates": {"parallelSyncs": 30}}
    flags = control_plane_flags(FederationSettings.model_validate(written))
    rendered = render(chart, flags)
    for program, wanted in flags.items():
        assert rendered.command(program)[-len(wanted) :] == wanted
    assert "--cluster-failure-threshold=17s" in rendered.command("karmada-controller-manager")


def test_what_brings_replicas_home_has_a_way_in_and_an_image_of_the_chart(rendered: Rendered) -> None:
    name = image(None, TOOLS["repository"], TOOLS["tag"])
    manifests = come_home_manifests(
        FederationSettings().failover,
        namespace="karmada-system",
        kubeconfig_secret=KUBECONFIG,
        kubeconfig_key="kubeconfig",
        image=name,
    )
    secret = rendered.one("Secret", KUBECONFIG)
    assert secret["metadata"]["namespace"] == "karmada-system"
    kubeconfig = yaml.safe_load(secret["stringData"]["kubeconfig"])
    current = kubeconfig["current-context"]
    assert current in [each["name"] for each in kubeconfig["contexts"]], "the script asks by the current context"
    (deployment,) = [each for each in manifests if each["kind"] == "Deployment"]
    used = [each["image"] for each in deployment["spec"]["template"]["spec"]["containers"]]
    jobs = rendered.all("Job")
    of_the_chart = {each["image"] for job in jobs for each in job["spec"]["template"]["spec"]["containers"]}
    assert set(used) <= of_the_chart
    taken = {(each["kind"], each["metadata"]["name"]) for each in rendered.objects}
    assert not taken & {(each["kind"], each["metadata"]["name"]) for each in manifests}
