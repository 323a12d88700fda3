"""The rules as policies of Pulumi's.

In a preview the engine tells a policy of the whole stack nothing about a resource whose provider is not configured yet.
It has told the policies of single resources all of its inputs before, though: so the pack remembers those.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi_policy
from pulumi_policy.proxy import UNKNOWN_OBJECT_VALUE, UnknownValueError

from policies.catalogue import RULES
from policies.objects import Resource, Stack
from policies.rules import EXEMPTIONS, Report, Rule, StackRule, evaluate

_OF_PULUMI = ("pulumi:pulumi:", "pulumi:providers:", "fleet:")
_TEXT = {"type": "string"}
_EXEMPTIONS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"resource": _TEXT, "reason": {**_TEXT, "minLength": 1}, "until": {**_TEXT, "format": "date"}},
        "required": ["resource", "reason", "until"],
        "additionalProperties": False,
    },
}


class Memory:
    """The inputs of every resource of the update, by URN."""

    def __init__(self) -> None:
        self._inputs: dict[str, Mapping[str, Any]] = {}

    def resource(self, args: Any) -> Resource:  # noqa: ANN401 - pulumi-policy's own classes, for one resource
        """Return a resource with its inputs, and remember them."""
        self._inputs[args.urn] = _raw(args.props)
        return _resource(args, self._inputs[args.urn])

    def stack(self, args: Any) -> Stack:  # noqa: ANN401 - pulumi-policy's own classes, for a stack
        """Return all resources: a component with its outputs, any other with its inputs."""
        return Stack([_resource(each, self._properties(each)) for each in args.resources])

    def _properties(self, resource: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as above
        outputs: Mapping[str, Any] = _raw(resource.props)
        if resource.resource_type.startswith(_OF_PULUMI):
            return outputs
        known = {**outputs, **self._inputs.get(resource.urn, {})}
        return known or dict.fromkeys(("manifests", "metadata"), UNKNOWN_OBJECT_VALUE)


def policies() -> list[Any]:
    """Return a policy for each rule."""
    memory = Memory()
    return [_policy(rule, memory) for rule in RULES]


def _policy(rule: Rule, memory: Memory) -> Any:  # noqa: ANN401 - either of two classes of pulumi-policy
    of_stack = isinstance(rule, StackRule)
    kind = pulumi_policy.StackValidationPolicy if of_stack else pulumi_policy.ResourceValidationPolicy

    def validate(args: Any, report: Callable[[str, str | None], None]) -> None:  # noqa: ANN401 - as above
        stack = memory.stack(args) if of_stack else Stack([memory.resource(args)])
        today = datetime.datetime.now(datetime.UTC).date()
        _tell(rule, evaluate(rule, stack, args.get_config(), today), report)

    return kind(
        name=rule.name,
        description=rule.title,
        validate=validate,
        enforcement_level=pulumi_policy.EnforcementLevel.MANDATORY,
        config_schema=pulumi_policy.PolicyConfigSchema(properties=_schema(rule)),
        remediation_steps=rule.mend,
    )


def _tell(rule: Rule, report: Report, violation: Callable[[str, str | None], None]) -> None:
    """Report what is wrong; what is unknown is told as advice by pulumi-policy, when it is raised."""
    for finding in report.violations:
        violation(f"{finding.message}. {rule.mend}", finding.urn or None)
    if report.unknown:
        raise UnknownValueError(UNKNOWN_OBJECT_VALUE, [finding.message for finding in report.unknown])


def _schema(rule: Rule) -> dict[str, Any]:
    parameters = {
        name: {"type": "array", "items": _TEXT, "default": value}
        if isinstance(value, list)
        else {"type": "number" if isinstance(value, int | float) else "string", "default": value}
        for name, value in rule.parameters.items()
    }
    return {**parameters, EXEMPTIONS: _EXEMPTIONS}


def _resource(args: Any, properties: Mapping[str, Any]) -> Resource:  # noqa: ANN401 - as above
    return Resource(
        urn=args.urn,
        type=args.resource_type,
        name=args.name,
        props=properties,
        provider=args.provider.name if args.provider else "",
        protect=args.opts.protect,
    )


def _raw(value: Any) -> Any:  # noqa: ANN401 - any part of a resource
    """Return what pulumi-policy has wrapped: where it would raise, the value that stands for an unknown one."""
    if isinstance(value, Mapping):
        return {key: _raw(_get(value, key)) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_raw(_get(value, index)) for index in range(len(value))]
    return value


def _get(container: Any, key: Any) -> Any:  # noqa: ANN401 - as above
    try:
        return container[key]
    except UnknownValueError as error:
        return error.unknown_type_sentinel
