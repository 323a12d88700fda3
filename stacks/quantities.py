"""Kubernetes quantities (``500m``, ``1.5Gi``, ``1e3``): read exactly, and written as the API server writes them.

The grammar and the canonical form are those of the Kubernetes API reference, "Quantity". Values are fractions, so that
nothing is rounded before it is compared.
"""

import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_QUANTITY = re.compile(
    r"(?P<sign>[+-]?)(?P<number>[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE](?P<exponent>[+-]?[0-9]+)|(?P<suffix>[KMGTPE]i|[numkMGTPE]?))",
    re.ASCII,
)
_BINARY_FROM = 1024
_LONGEST_NUMBER = 40
_LARGEST = 2**63 - 1

JSON_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "pattern": r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+|[KMGTPE]i|[numkMGTPE]?)$"},
        {"type": "number", "minimum": 0},
    ]
}
"""What a quantity is in a stack file, for editors."""


def parse(text: str) -> Fraction:
    """Return the value of a quantity, exactly.

    Raises:
        ValueError: ``text`` is no quantity, or more than Kubernetes can hold (2^63 - 1).

    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a quantity; write a number and a unit, such as 500m, 2, 512Mi or 10Gi")
    exponent = int(match["exponent"] or 0) if len(match["exponent"] or "") < _LONGEST_NUMBER else _LONGEST_NUMBER
    if len(match["number"]) > _LONGEST_NUMBER or abs(exponent) >= _LONGEST_NUMBER:
        raise ValueError(f"{text[:_LONGEST_NUMBER]!r} is too large or too fine for a quantity")
    suffix = match["suffix"] or ""
    unit = Fraction(2) ** _BINARY[suffix] if suffix in _BINARY else Fraction(10) ** (_DECIMAL[suffix] + exponent)
    value = Fraction(Decimal(match["number"])) * unit * (-1 if match["sign"] == "-" else 1)
    if abs(value) > _LARGEST:
        raise ValueError(f"{text!r} is more than Kubernetes can hold")
    return value


def canonical(text: str) -> str:
    """Return the quantity as the API server stores it: no fraction, the largest unit of its own kind that leaves none.

    What is finer than a billionth is rounded up, as the API server does.

    Raises:
        ValueError: as ``parse``.

    """
    return written_like(parse(text), text)


def written_like(value: Fraction, text: str) -> str:
    """Return a value in the canonical form of the kind of units (binary, decimal, exponent) that ``text`` has."""
    sign, size = ("-", -value) if value < 0 else ("", value)
    # Below one Ki, and where bytes are not whole, the API server writes decimal units.
    if text[-1] == "i" and size >= _BINARY_FROM and size.denominator == 1:
        power = max(power for power in (0, *_BINARY.values()) if size.numerator % 2**power == 0)
        unit = next((suffix for suffix, known in _BINARY.items() if known == power), "")
        return f"{sign}{size.numerator >> power}{unit}"
    billionths = math.ceil(size * 10**9)
    if billionths == 0:
        return "0"
    scale = max(scale for scale in _DECIMAL.values() if billionths % 10 ** (scale + 9) == 0)
    number = billionths // 10 ** (scale + 9)
    if re.search(r"[eE][+-]?[0-9]", text):
        return f"{sign}{number}e{scale}" if scale else f"{sign}{number}"
    return sign + str(number) + next(suffix for suffix, known in _DECIMAL.items() if known == scale)


def from_setting(value: object) -> str:
    """Return a quantity as text from what YAML gave for it: text, or a plain number.

    Raises:
        ValueError: ``value`` is neither, or no quantity.

    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("should be a quantity, such as 500m, 2, 512Mi or 10Gi")  # noqa: TRY004 (pydantic takes ValueError)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a quantity; write a number and a unit, such as 500m, 2, 512Mi or 10Gi")
        value = int(value) if value.is_integer() else format(Decimal(repr(value)), "f")
    text = str(value)
    parse(text)
    return text
