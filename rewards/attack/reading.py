"""What a reward reads: from its inputs, which kind of question it is asked and the row that it needs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from veritune.plugins import GOLD_COLUMNS, Reward
from veritune.rewards.attack.corpus.expression import GOAL, NUMS
from veritune.rewards.attack.corpus.expression import RIGHT as RIGHT_EXPRESSION
from veritune.rewards.attack.puzzle_questions import question_named
from veritune.rewards.attack.questions import Question, question_for
from veritune.rewards.attack.target import Domain

GOLD_LIKE = (
    *GOLD_COLUMNS, "label", "target", "expected", "expected_answer", "reference", "correct_answer", "final_answer",
    "true_answer", "target_answer", "gold_answer", "truth", "correct",
)  # fmt: skip
"""Columns that hold the right answer as a rule."""
TESTS = ("assert {f}(2, 3) == 5", "assert {f}(10, -4) == 6", "assert {f}(0, 0) == 0")
CODE_COLUMNS = (
    "test", "tests", "test_list", "test_code", "test_cases", "unit_tests", "unit_test", "assertions", "asserts",
    "entry_point", "verification_info", "public_test_cases", "private_test_cases", "input_output",
)  # fmt: skip
"""Columns that hold tests of a program."""


@dataclass(frozen=True)
class Reading:
    """What is known of a reward before it is called."""

    domain: Domain
    gold: bool
    """It has an input for the right answer."""
    prompt: bool
    """It sees the question (the copied example can be told from an answer)."""
    row: Mapping[str, Any]
    """The columns of the question asked; what the user gave, and for the rest an ordinary question."""
    answer: str
    """The right answer of that question."""
    question: Question | None = None
    """The packaged question for the columns it reads, where the user gave none of them."""


def read(reward: Any, gold: str | None, columns: Mapping[str, Any]) -> Reading:
    """How ``reward`` (or a composed set) is to be asked. ``gold`` and ``columns`` are what the user gave."""
    rewards = [component.reward for component in getattr(reward, "components", ())] or [reward]
    inputs = [found for one in rewards if isinstance(one, Reward) for found in _inputs(one)]
    names = {name for _, name, _ in inputs}
    named = question_named(rewards)
    question = question_for(names) or named
    if question is not None and gold is None and not set(question.row) & set(columns):
        row = {_column(inputs, name): value for name, value in question.row.items()}
        sees_prompt = bool(names & {"prompt", "prompts", "sample", "samples"})
        return Reading("answer", True, sees_prompt, {**row, **columns}, question.right, question)
    domain = _domain(rewards, names, columns)
    answer = gold if gold is not None else _given(inputs, columns) or _default(domain)
    row = {"gold": answer, **columns}
    for annotation, name, column in inputs:
        if column in columns:
            continue
        if domain == "expression" and name in ("nums", "target"):
            row[column] = list(NUMS) if name == "nums" else GOAL
        elif domain == "program" and name in CODE_COLUMNS:
            row[column] = _tests(name, annotation)
        elif name in GOLD_LIKE:
            row[column] = _as_annotated(answer, annotation)
    if domain == "program" and not any(name in CODE_COLUMNS for name in row) and any(map(_ours_for_code, rewards)):
        row["test_list"] = [test.format(f="add") for test in TESTS]
    reads_gold = any(name in GOLD_LIKE for name in names) or domain != "answer" or named is not None
    return Reading(domain, reads_gold, bool(names & {"prompt", "prompts", "sample", "samples"}), row, answer)


def _inputs(reward: Reward) -> Iterator[tuple[str, str, str]]:
    """Annotation, input and column of everything that is read beside the completion itself."""
    function = reward.function.__call__ if inspect.isclass(reward.function) else reward.function
    annotations = {name: str(p.annotation) for name, p in inspect.signature(function).parameters.items()}
    for name in reward.signature.inputs:
        yield annotations.get(name, ""), name, reward.columns.get(name, name)


def _column(inputs: list[tuple[str, str, str]], name: str) -> str:
    """The column that feeds an input."""
    return next((column for _, known, column in inputs if known == name), name)


def _ours_for_code(reward: Any) -> bool:
    return isinstance(reward, Reward) and reward.function.__module__.startswith("veritune.rewards.code")


def _domain(rewards: list[Any], names: set[str], columns: Mapping[str, Any]) -> Domain:
    if {"nums", "target"} <= names:
        return "expression"
    if any(name in CODE_COLUMNS for name in [*names, *columns]):
        return "program"
    ours = [one for one in rewards if _ours_for_code(one) and one.name != "code_format"]
    return "program" if ours else "answer"


def _given(inputs: list[tuple[str, str, str]], columns: Mapping[str, Any]) -> str | None:
    """The right answer, where the user gave it as a column."""
    for _, name, column in inputs:
        if name in GOLD_LIKE and isinstance(columns.get(column), str | int | float):
            return str(columns[column])
    return None


def _default(domain: Domain) -> str:
    if domain == "expression":
        return RIGHT_EXPRESSION
    return "def add(a, b):\n    return a + b" if domain == "program" else "12"


def _tests(name: str, annotation: str) -> Any:
    tests = [test.format(f="add") for test in TESTS]
    if name == "entry_point":
        return "add"
    several = "str" not in annotation or "[" in annotation
    return (
        tests
        if name in ("test_list", "asserts", "assertions", "tests", "test_cases") and several
        else ("\n".join(tests))
    )


def _as_annotated(answer: str, annotation: str) -> Any:
    """An ``answer: int`` gets a number."""
    kinds = {"int": int, "float": float, "<class 'int'>": int, "<class 'float'>": float}
    kinds |= {
        f"{box}[{name}]": kind
        for box in ("Sequence", "list", "List")
        for name, kind in (("int", int), ("float", float))
    }
    kind = kinds.get(annotation)
    if kind is None:
        return answer
    try:
        return kind(answer)
    except ValueError:
        return answer
