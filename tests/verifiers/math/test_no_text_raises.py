"""No text raises: whatever a completion or a gold is, it is read and compared; a fault of ours is internal_error."""

from __future__ import annotations

import ast
import random
import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from veritune import get_reward
from veritune.plugins import faults
from veritune.plugins.types import Cause
from veritune.verifiers.choice import ChoiceVerifier
from veritune.verifiers.math import MathVerifier
from veritune.verifiers.math.cascade import decide
from veritune.verifiers.math.extraction.extract import extract
from veritune.verifiers.math.gold import read_golds
from veritune.verifiers.math.options import DEFAULT
from veritune.verifiers.math.reading import prepare_gold

Rows = Callable[[str], list[dict[str, Any]]]

ROOT = Path(__file__).resolve().parents[3]
CATEGORIES = sorted({unicodedata.category(chr(code)) for code in range(0, sys.maxunicode + 1, 7)} | {"Cs"})
DIGIT_LIKE = [c for c in map(chr, range(sys.maxunicode + 1)) if c.isdigit() and not c.isdecimal()]
"""Characters that str.isdigit() takes for digits and int() refuses."""
PLACES = [
    *("{c} 4", "4{c}", "91{c}", "The answer is {c}5.", "Final answer: 4{c}", "#### {c}", "<answer>{c}</answer>"),
    *(r"\boxed{4{c}}", r"\boxed{x_{c}}", r"\boxed{x^{c}}", r"\boxed{0.{c}(3)}", r"\boxed{1,{c}00}", r"\boxed{{c}:00}"),
    *(r"\boxed{1011_{c}}", r"\boxed{2 {c}/3}", r"\boxed{0.\dot{{c}}}", r"\boxed{1e{c}}", r"\boxed{\text{{c}}}"),
    *("答案是{c}", "三{c}分之一", "{c}%", "({c}) 12", "${c}$", '{"answer": "{c}"}', "**{c}**", r"\boxed{5{c}th}"),
    *(r"\boxed{3^\circ 2{c}'}", "x = {c} or x = 2", r"\boxed{C_{c}^2}", r"\boxed{[1,{c})}", r"\boxed{5 {c}m}", "{c}"),
    *(r"\boxed{\sqrt[{c}]{2}}", "<think>{c}</think>{c}3", r"\boxed{\begin{pmatrix}{c}\\1\end{pmatrix}}", "3:{c}0 p.m."),
]
GOLDS = ("7", r"\frac{1}{3}", "x=5", r"\{1,2\}", "B", "5 cm", "3:30", "[2,5)", "1011_2", "无解", "44%", "1,234", "two")


def read_and_compare(text: str, golds: Sequence[str] = GOLDS) -> None:
    """What the verifier does with a text, without the boundary that would hide a fault."""
    found = extract(text)
    read_golds(text, DEFAULT)
    for gold in golds:
        if found.answer is not None:
            decide(found.answer, prepare_gold(gold))
        decide(gold, prepare_gold(text[:500]))


@pytest.mark.parametrize("place", PLACES)
def test_characters_that_only_look_like_digits_are_no_digits(place: str) -> None:
    for c in DIGIT_LIKE:
        read_and_compare(place.replace("{c}", c), GOLDS[:3])


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_character_of_any_category_in_any_place(place: str, data: st.DataObject) -> None:
    category: Any = data.draw(st.sampled_from(CATEGORIES))
    text = data.draw(st.text(st.characters(categories=[category]), min_size=1, max_size=3))
    read_and_compare(place.replace("{c}", text), GOLDS[data.draw(st.integers(0, 4)) :: 5])


def listed(text: str) -> list[str]:
    return text.split()


PIECES = listed(
    r"\frac \sqrt \boxed \text \left \right \begin{pmatrix} \end{pmatrix} \begin{cases} \overline \dot \pm \cup \in { "
    r"} \mathbb{R} \sum \int \lim "
    r"\binom \log \circ \infty \le \pmod \mathrm \sin \\ \, \% \$ \{ \} ( ) [ ] | ^ _ ! ' % "
    r"& = < > + - * / : , . ; ~ $ 0 1 7 12 0.5 1,000 x y n C e i cm th pi or and ° √ ½ ² ₂ ≤ 三 分之 百 度 负 点 根号"
)


@settings(max_examples=80, deadline=None)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=20), depth=st.integers(0, 90), cut=st.integers(0, 200))
def test_truncated_and_nested_latex(pieces: list[str], depth: int, cut: int) -> None:
    opening = pieces[0] + "{" if pieces else "("
    text = rf"\boxed{{{opening * depth}{''.join(pieces)}{'}' * depth}}}"
    for tried in (text, text[:cut], text[cut:], text[:-1]):
        read_and_compare(tried, GOLDS[1:3])


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=120))
def test_any_text_as_a_completion_and_as_a_gold(text: str) -> None:
    read_and_compare(text, GOLDS[::4])


@pytest.mark.parametrize("text", [r"\boxed{{1 \boxed e}", r"\boxed2 and }}", r"\boxed7}", r"\fbox x}}}"])
def test_boxes_without_braces_before_stray_ones(text: str) -> None:
    read_and_compare(text)


def test_mutations_of_real_completions(shared_rows: Rows) -> None:
    rng = random.Random(7)
    real = [row["prediction"] for row in shared_rows("math_equivalence/dev_sample.jsonl")]
    real += [row["response"] for row in shared_rows("labelled_responses/gaokao_mcq_gpt4_zh.jsonl")]
    real += [row["response"] for row in shared_rows("labelled_responses/gsm8k_model_solutions.jsonl")[::40]]
    for _ in range(400):
        text = rng.choice(real)[-800:]
        for _ in range(3):
            at, size = rng.randint(0, len(text)), rng.randint(0, 30)
            changed = rng.choice(("", text[at : at + size] * 2, rng.choice(PIECES), rng.choice(DIGIT_LIKE), "\ud800"))
            text = text[:at] + changed + text[at + size :]
        read_and_compare(text, [rng.choice(GOLDS)])


def test_no_room_asks_isdigit() -> None:
    """str.isdigit() is true of characters that int() refuses; str.isdecimal() is not."""
    for path in [*(ROOT / "verifiers").rglob("*.py"), *(ROOT / "rewards").rglob("*.py")]:
        names = {node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)}
        assert "isdigit" not in names, path


# The boundary: a fault that slips through is undecided, kept, and never a zero


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(faults.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def broken(*_: Any, **__: Any) -> None:
    raise KeyError("a bug of ours")


@pytest.mark.parametrize("place", ["verifier.extract", "verifier.read_golds"])
def test_a_fault_while_reading_is_internal_error(place: str, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"veritune.verifiers.math.{place}", broken)
    verdict = MathVerifier().verify(r"\boxed{7}", "7")
    assert verdict.correct is None
    assert verdict.cause is Cause.INTERNAL_ERROR
    assert "a bug of ours" in verdict.reason


def test_a_fault_in_this_process_is_left_to_the_worker(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veritune.verifiers.math.batch.decide", broken)
    verdict = MathVerifier().verify(r"\boxed{\frac12}", "7")
    assert verdict.correct is False, "the worker has no such bug, and decides"


def test_a_fault_of_a_built_in_reward_costs_its_sample_alone(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reward = get_reward("cosine", max_len=100)
    real = reward.function.__globals__["math_verdicts"]

    def sometimes(completions: Sequence[str], *rest: Any, **more: Any) -> Any:
        return broken() if any("fault" in text for text in completions) else real(completions, *rest, **more)

    monkeypatch.setitem(reward.function.__globals__, "math_verdicts", sometimes)
    values = reward(completions=[r"\boxed{7}", "a fault", r"\boxed{8}"], gold=["7"] * 3, prompts=["p"] * 3)
    assert [value is None for value in values] == [False, True, False]
    (path,) = kept.glob("*.json")
    assert "a bug of ours" in path.read_text("ascii")


def test_a_fault_of_the_choice_verifier_is_internal_error(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChoiceVerifier, "letters", broken)
    assert ChoiceVerifier().verify("B", "B").cause is Cause.INTERNAL_ERROR


REWARDS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("accuracy", {}, {"gold": "7"}),
    ("reasoning_accuracy", {}, {"gold": "7"}),
    ("cosine", {"max_len": 100}, {"gold": "7"}),
    ("length", {}, {"gold": "7"}),
    ("choice", {}, {"gold": "B"}),
    ("countdown", {}, {"nums": [1, 2, 3], "target": 6}),
    ("exact_answer", {}, {"gold": "7"}),
    ("exact_match", {}, {"gold": "7"}),
    ("f1", {}, {"gold": "seven or 7"}),
    ("contains", {}, {"gold": "seven"}),
    ("tool_calls", {}, {"gold": [{"f": {"x": [7]}}]}),
    ("rubric", {}, {"rubrics": [{"title": "said", "use": "exact_match", "columns": {"gold": "7"}}]}),
    ("digit", {}, {}),
    ("format", {}, {}),
    ("tag_count", {}, {}),
    ("repetition_penalty", {}, {}),
    ("reasoning_steps", {}, {}),
    ("soft_overlong_punishment", {"max_completion_len": 100, "soft_punish_cache": 20}, {}),
]


@pytest.mark.parametrize(("name", "params", "columns"), REWARDS, ids=[row[0] for row in REWARDS])
def test_no_text_raises_in_a_built_in_reward(
    name: str, params: dict[str, Any], columns: dict[str, Any], kept: Path
) -> None:
    reward = get_reward(name, **params)
    texts = [c + " 4" for c in DIGIT_LIKE[::9]] + ["\ud800", "", "\x00", "<answer>⑴</answer>", r"\boxed{", "<think>❶"]
    texts += [f"<answer>1 + 2 + 3 = {c}</answer>" for c in DIGIT_LIKE[::12]]
    for text in texts:
        score = reward.score(text, prompt="How many?", completion_ids=[1, 2], **columns)
        assert score.cause is not Cause.INTERNAL_ERROR, (text, score.reason)
    assert not list(kept.glob("*.json"))
