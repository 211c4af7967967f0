"""A gold that is a JSON object as text is read like the object."""

from __future__ import annotations

import json
from typing import Any

import pytest

from veritune.plugins import Cause
from veritune.verifiers.math import MathVerifier

OBJECTS: list[Any] = [
    {"target": 4},
    {"answer": "4"},
    {"numbers": [1, 2], "target": 4},
    {"x": "4"},
    {"answer": ["4", "5"]},
    {"x": {"y": 4}},
    {"a b": 4},
]


@pytest.mark.parametrize("gold", OBJECTS, ids=repr)
def test_text_and_object_have_one_verdict(gold: Any) -> None:
    verifier = MathVerifier()
    for said in (r"\boxed{4}", r"\boxed{7}"):
        verdict, textual = verifier.verify(said, gold), verifier.verify(said, json.dumps(gold))
        assert (verdict.correct, verdict.cause) == (textual.correct, textual.cause)
        assert verifier.verify(said, [json.dumps(gold)]).correct == textual.correct


def test_what_is_right_what_says_nothing_and_what_only_looks_like_json() -> None:
    verifier = MathVerifier()
    assert verifier.verify(r"\boxed{4}", ' {"target": 4}').correct is True
    assert verifier.verify(r"\boxed{5}", '{"target": 4}').correct is False
    assert verifier.verify(r"\boxed{4}", '{"x": {"y": 4}}').cause is Cause.INVALID_GOLD
    assert verifier.verify('\\boxed{{"a": 4}}', '{"a": 4}').correct is True
    for odd in ('{"a', '{"a": ' * 3000, '{"a": ' + "9" * 6000 + "}", "{1, 2}", "{}"):
        verifier.verify(r"\boxed{4}", odd)
