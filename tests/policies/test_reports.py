"""What the engine said of policies, as the reports of it, and which configuration a stack is held to."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from cli.check import configuration, show
from cli.workspace import ROOT, Workspace
from policies.catalogue import RULES
from policies.reports import Violation, completed, errors, junit, sarif, violations

_URN = "urn:pulumi:lab::fleet::fleet:cluster:Lab$lab:index:Cluster::lab-na"
_RULE = next(rule for rule in RULES if rule.name == "clusters-zones")
_MANDATORY = Violation("clusters-zones", _URN, "mandatory", "has 1 zones; 3 are asked for.")
_ADVISORY = Violation("clusters-regions", "", "advisory", "there are 2 regions; 3 are asked for.")


def _event(kind: str, **fields: object) -> str:
    return json.dumps({"sequence": 1, kind: fields})


def _policy_event() -> str:
    message = f"{_RULE.title}\n{_MANDATORY.why} {_RULE.mend}\n"
    return _event("policyEvent", resourceUrn=_URN, message=message, policyName=_RULE.name, enforcementLevel="mandatory")


def test_a_violation_is_read_without_what_its_rule_says_anyway() -> None:
    assert violations(["not an event", _policy_event(), _policy_event()], RULES) == [_MANDATORY]


def test_an_update_that_failed_on_the_way_is_not_complete_and_says_why() -> None:
    events = [
        _event("diagnosticEvent", message="preview failed\n", severity="error"),
        _event("diagnosticEvent", message="no such plugin\n", severity="error"),
        _event("summaryEvent", isPreview=True, PolicyPacks={"fleet": "0.0.1"}),
    ]
    assert errors(events) == ["no such plugin"]
    assert not completed(events)
    assert completed([*events, _event("policyAnalyzeStackSummaryEvent")])
    assert completed([_event("summaryEvent", isPreview=False, PolicyPacks={"fleet": "0.0.1"})])
    assert not completed([_event("summaryEvent", isPreview=False)])


def test_sarif_has_every_rule_and_a_result_at_the_settings() -> None:
    (run,) = json.loads(sarif([_MANDATORY, _ADVISORY], RULES, "stacks/Pulumi.lab.yaml"))["runs"]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {rule.name for rule in RULES}
    first, second = run["results"]
    assert (first["level"], second["level"]) == ("error", "warning")
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "stacks/Pulumi.lab.yaml"


def test_junit_fails_what_is_mandatory_and_no_more() -> None:
    suite = ET.fromstring(junit([_MANDATORY, _ADVISORY], RULES))  # noqa: S314 - our own text
    assert (suite.get("tests"), suite.get("failures")) == (str(len(RULES)), "1")
    (failed,) = [case for case in suite if case.find("failure") is not None]
    assert failed.get("name") == "clusters-zones"


def test_the_list_has_policy_resource_reason_and_mending() -> None:
    console = Console(record=True, width=200)
    show([_MANDATORY], console)
    text = console.export_text()
    for expected in ("clusters-zones (mandatory)", "lab-na: has 1 zones", _RULE.mend, "1 mandatory violations"):
        assert expected in text


@pytest.mark.parametrize(("environment", "file"), [("lab", "lab.json"), ("prod", "default.json")])
def test_an_environment_without_a_configuration_is_held_to_the_strict_one(environment: str, file: str) -> None:
    assert configuration(Workspace(stack=environment), environment).name == file


@pytest.mark.parametrize("file", sorted((ROOT / "policies" / "config").glob("*.json")), ids=lambda file: file.stem)
def test_configurations_name_policies_that_there_are(file: Path) -> None:
    assert json.loads(file.read_text()).keys() <= {"all", *(rule.name for rule in RULES)}


def test_the_documentation_lists_every_policy() -> None:
    text = (ROOT / "docs" / "policies.md").read_text()
    assert [rule.name for rule in RULES if f"`{rule.name}`" not in text] == []
