"""What the settings of a Karmada control plane by its chart refuse, and with what hint."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from stacks.karmada_chart import KarmadaChart
from tests.unit.karmada_chart_samples import settings


def test_what_is_right_is_taken() -> None:
    assert settings(sourceRanges=["198.51.100.0/24", "2001:db8::/32"]).source_ranges[1] == "2001:db8::/32"
    assert settings(address=None).address is None


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"hostname": "Karmada.example.com"}, "lower case"),
        ({"hostname": "karmada"}, "with a domain"),
        ({"hostname": "*.example.com"}, "karmada.example.com"),
        ({"address": "203.0.113"}, "no IP address"),
        ({"sourceRanges": []}, "at least 1"),
        ({"sourceRanges": ["0.0.0.0/0"]}, "lets everybody"),
        ({"sourceRanges": ["::/0"]}, "lets everybody"),
        ({"sourceRanges": ["198.51.100.0"]}, "CIDR"),
        ({"storageClass": ""}, "one line"),
        ({"storageSize": "0"}, "more than 0"),
        ({"replicas": 1}, "not permitted"),
    ],
)
def test_what_is_wrong_is_refused(change: dict[str, Any], hint: str) -> None:
    with pytest.raises(ValidationError, match=hint):
        settings(**change)


@pytest.mark.parametrize("field", ["hostname", "sourceRanges", "storageClass"])
def test_what_nobody_can_guess_has_to_be_said(field: str) -> None:
    fields = settings().model_dump(by_alias=True)
    del fields[field]
    with pytest.raises(ValidationError, match=field):
        KarmadaChart.model_validate(fields)
