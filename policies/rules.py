"""What a rule is, and what came of holding a stack against one: violations, and what could not be known yet."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from policies.objects import Object, Resource, Stack, objects
from policies.values import UnknownValueError

Parameters = Mapping[str, Any]
Found = tuple[Resource, str]

EXEMPTIONS = "exemptions"
SYSTEM_NAMESPACES = ["default", "istio-*", "karmada-*", "kube-*", "*-system"]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule: ``title`` says what is to hold, ``mend`` what to do where it does not.

    ``parameters`` are its settings with their usual values; the configuration of an environment changes them.
    """

    name: str
    title: str
    mend: str
    parameters: Parameters = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ResourceRule(Rule):
    """A rule that one resource of ``types`` keeps or breaks; ``check`` says what is wrong."""

    types: frozenset[str]
    check: Callable[[Resource, Parameters], Iterable[str]]


@dataclass(frozen=True, kw_only=True)
class ObjectRule(Rule):
    """A rule that one Kubernetes object of ``kinds`` keeps or breaks, whoever delivers it."""

    kinds: frozenset[str]
    check: Callable[[Object, Parameters], Iterable[str]]


@dataclass(frozen=True, kw_only=True)
class StackRule(Rule):
    """A rule that shows only in the whole stack; ``check`` says what is wrong, and with which resource."""

    check: Callable[[Stack, Parameters], Iterable[Found]]


@dataclass(frozen=True)
class Finding:
    """What is wrong with the resource ``urn``; empty for the stack itself."""

    urn: str
    message: str


@dataclass(frozen=True)
class Report:
    """What came of a rule: ``unknown`` has what it could not judge."""

    violations: list[Finding] = field(default_factory=list)
    unknown: list[Finding] = field(default_factory=list)


def evaluate(rule: Rule, stack: Stack, settings: Parameters, today: datetime.date) -> Report:
    """Hold a stack, or one resource as a stack, against a rule.

    Args:
        rule: the rule.
        stack: what is held against it.
        settings: what the environment says: parameters of the rule, and ``exemptions``, a list of ``resource`` (a URN
            or a name, may have ``*``), ``reason`` and ``until`` (a date, the last day).
        today: the day that exemptions are held against.

    """
    parameters = {**rule.parameters, **settings}
    report = Report()
    for judge in _judgements(rule, stack, parameters, report):
        try:
            for resource, message in judge():
                note = _exempt(resource, parameters.get(EXEMPTIONS, ()), today)
                if note is not None:
                    report.violations.append(Finding(resource.urn, f"{message}{note}"))
        except UnknownValueError as error:
            report.unknown.append(Finding("", str(error)))
    return report


def _judgements(
    rule: Rule, stack: Stack, parameters: Parameters, report: Report
) -> Iterator[Callable[[], Iterable[Found]]]:
    """Yield one judgement for each subject: what is unknown of one does not hide what is wrong with the next."""
    match rule:
        case StackRule():
            yield lambda: rule.check(stack, parameters)
        case ResourceRule():
            for resource in stack.of(*rule.types):
                yield partial(_of_resource, rule, resource, parameters)
        case ObjectRule():
            for resource in stack.resources:
                yield from _objects(rule, resource, parameters, report)


def _of_resource(rule: ResourceRule, resource: Resource, parameters: Parameters) -> Iterator[Found]:
    for text in rule.check(resource, parameters):
        yield resource, text


def _objects(
    rule: ObjectRule, resource: Resource, parameters: Parameters, report: Report
) -> Iterator[Callable[[], Iterable[Found]]]:
    def judge(subject: Object) -> Iterator[Found]:
        if subject.kind in rule.kinds:
            for text in rule.check(subject, parameters):
                yield resource, f"{subject} {text}"

    try:
        for each in objects(resource):
            yield partial(judge, each)
    except UnknownValueError as error:
        report.unknown.append(Finding(resource.urn, str(error)))


def _exempt(resource: Resource, exemptions: Iterable[Mapping[str, Any]], today: datetime.date) -> str | None:
    """Return None if an exemption holds for the resource, else what to add to the message: that one has ended."""
    note = ""
    for each in exemptions:
        pattern = each["resource"]
        if fnmatchcase(resource.urn, pattern) or fnmatchcase(resource.name, pattern):
            if today <= datetime.date.fromisoformat(each["until"]):
                return None
            note = f" (its exemption ended on {each['until']}: {each['reason']})"
    return note
