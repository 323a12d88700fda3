"""What policies found in a stack, from the engine's events, as SARIF for code hosts and JUnit for CI."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from policies.rules import Rule

MANDATORY = "mandatory"
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True, order=True)
class Violation:
    """One message of one policy about the resource ``urn``; ``level`` is `mandatory` or `advisory`."""

    policy: str
    urn: str
    level: str
    why: str

    @property
    def resource(self) -> str:
        """The resource's name."""
        return self.urn.rpartition("::")[2] or "the stack"


def violations(events: Iterable[str], rules: Sequence[Rule]) -> list[Violation]:
    """Return the violations among the engine's events (a line of JSON each), without the texts that rules repeat."""
    texts = {rule.name: (rule.title, rule.mend) for rule in rules}
    found = set()
    for event in _events(events, "policyEvent"):
        title, mend = texts.get(event["policyName"], ("", ""))
        why = event["message"].strip().removeprefix(title).removesuffix(mend).strip()
        found.add(Violation(event["policyName"], event.get("resourceUrn", ""), event["enforcementLevel"], why))
    return sorted(found)


def errors(events: Iterable[str]) -> list[str]:
    """Return what the engine says went wrong, but for the line that sums up violations."""
    texts = [event["message"].strip() for event in _events(events, "diagnosticEvent") if event["severity"] == "error"]
    return [text for text in texts if text not in {"preview failed", "policy analysis failed"}]


def completed(events: Sequence[str]) -> bool:
    """Whether the policies of the whole stack, which come last, were asked; of a saved state only the end is told."""
    if any(True for _ in _events(events, "policyAnalyzeStackSummaryEvent")):
        return True
    return any(not event["isPreview"] and event.get("PolicyPacks") for event in _events(events, "summaryEvent"))


def sarif(found: Sequence[Violation], rules: Sequence[Rule], file: str) -> str:
    """Return the violations as SARIF 2.1.0, at the stack's settings in ``file``."""
    described = [
        {"id": rule.name, "shortDescription": {"text": rule.title}, "help": {"text": rule.mend}} for rule in rules
    ]
    location = {"physicalLocation": {"artifactLocation": {"uri": file}, "region": {"startLine": 1}}}
    results = [
        {
            "ruleId": each.policy,
            "level": "error" if each.level == MANDATORY else "warning",
            "message": {"text": f"{each.resource}: {each.why}"},
            "locations": [{**location, "logicalLocations": [{"fullyQualifiedName": each.urn or each.resource}]}],
        }
        for each in found
    ]
    run = {"tool": {"driver": {"name": "fleet-policies", "rules": described}}, "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def junit(found: Sequence[Violation], rules: Sequence[Rule]) -> str:
    """Return a test case for each policy as JUnit XML; advice is no failure and stands in the case's output."""
    failed = {each.policy for each in found if each.level == MANDATORY}
    counts = {"tests": str(len(rules)), "failures": str(len(failed))}
    suite = ET.Element("testsuite", {"name": "policies", **counts})
    for rule in rules:
        case = ET.SubElement(suite, "testcase", {"classname": "policies", "name": rule.name})
        own = [each for each in found if each.policy == rule.name]
        if not own:
            continue
        text = "\n".join(f"{each.resource}: {each.why}" for each in own)
        if rule.name in failed:
            ET.SubElement(case, "failure", {"message": rule.title}).text = f"{text}\n{rule.mend}"
        else:
            ET.SubElement(case, "system-out").text = text
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _events(lines: Iterable[str], kind: str) -> Iterable[dict[str, Any]]:
    for line in lines:
        if line.startswith("{") and kind in (event := json.loads(line)):
            yield event[kind]
