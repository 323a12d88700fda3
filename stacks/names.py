"""Names that Kubernetes, the fleet or a setting gives a meaning to: what is a valid one, and which are taken."""

import re
from collections.abc import Callable, Hashable, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Strict, WithJsonSchema

LABEL_PATTERN = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
LONGEST_LABEL = 63
LONGEST_CLUSTER_NAME = 48
"""Karmada's limit for the name of a member (its pkg/util/validation)."""

MANAGER = "manager"
KARMADA = "karmada"
RESERVED_REGIONS = {MANAGER, KARMADA}

_RESERVED_NAMESPACES = {
    "argocd",
    "cert-manager",
    "default",
    "fleet",
    "flux-system",
    "istio",
    "karmada",
    "kiali",
    "kube",
    "local-path-storage",
    "logging",
    "monitoring",
    "observability",
}
_RESERVED_PREFIXES = ("fleet-", "gke-", "istio-", "karmada-", "kube-")
_RESERVED_SUFFIX = "-system"


def why_not_label(name: str) -> str | None:
    """Return why ``name`` is no DNS label (RFC 1123), with the nearest that is one; None if it is one."""
    if re.fullmatch(LABEL_PATTERN, name):
        return None
    if len(name) > LONGEST_LABEL:
        return f"has {len(name)} characters; at most {LONGEST_LABEL} fit in a DNS label"
    nearest = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    hint = f", such as {nearest}" if nearest else ""
    return f"{name!r} is not a DNS label; use lower-case letters, digits and inner dashes{hint}"


def why_reserved(namespace: str) -> str | None:
    """Return why a tenant may not have this namespace; None if it may."""
    if namespace in _RESERVED_NAMESPACES:
        return f"`{namespace}` is reserved for the system; choose another name"
    for prefix in _RESERVED_PREFIXES:
        if namespace.startswith(prefix):
            return f"`{namespace}` is reserved for the system, as all of {prefix}*; choose another name"
    if namespace.endswith(_RESERVED_SUFFIX):
        return f"`{namespace}` is reserved for the system, as all of *{_RESERVED_SUFFIX}; choose another name"
    return None


def namespace_names(tenant: str, suffixes: Sequence[str]) -> tuple[str, ...]:
    """Return the full names of a tenant's namespaces: ``<tenant>-<suffix>`` each, or one called like the tenant."""
    return tuple(f"{tenant}-{suffix}" for suffix in suffixes) or (tenant,)


def _label(value: str) -> str:
    if problem := why_not_label(value):
        raise ValueError(problem)
    return value


def _label_value(value: str) -> str:
    if not re.fullmatch(_LABEL_VALUE_PATTERN, value):
        raise ValueError(
            f"{value[:80]!r} cannot be a node label; use up to 63 letters, digits, dots, dashes, underscores"
        )
    return value


def _line(value: str) -> str:
    if not value or value != value.strip() or not value.isprintable() or len(value) > _LONGEST_LINE:
        raise ValueError(f"should be one line of text, up to {_LONGEST_LINE} characters, without spaces around it")
    return value


def why_repeated(what: str, keys: Sequence[Hashable]) -> str | None:
    """Return that a list has some keys more than once; None if it has not."""
    twice = sorted({str(key) for key in keys if keys.count(key) > 1})
    return f"names {what} {', '.join(twice)} more than once; keep one" if twice else None


def unique(what: str, key: Callable[[Any], Hashable] = lambda item: item) -> AfterValidator:
    """Return a validator that refuses a list in which two items have the same key."""

    def check(items: Sequence[Any]) -> Sequence[Any]:
        if problem := why_repeated(what, [key(item) for item in items]):
            raise ValueError(problem)
        return items

    return AfterValidator(check)


_LABEL_VALUE_PATTERN = r"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
_LONGEST_LINE = 253

Label = Annotated[str, AfterValidator(_label), WithJsonSchema({"type": "string", "pattern": LABEL_PATTERN})]
LabelValue = Annotated[
    str, AfterValidator(_label_value), WithJsonSchema({"type": "string", "pattern": _LABEL_VALUE_PATTERN})
]
Line = Annotated[
    str, AfterValidator(_line), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": _LONGEST_LINE})
]
Whole = Annotated[int, Strict()]
