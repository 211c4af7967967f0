"""One line in the table, one file in the room; what is not installed says how it is had."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from veritune.bench import graders
from veritune.bench.graders import forms, yours
from veritune.bench.loading import load
from veritune.plugins.errors import ParameterError

ROOM = Path(graders.__file__).parent


def test_every_line_of_the_table_has_a_file_with_a_grade() -> None:
    files = {path.stem for path in ROOM.glob("*.py")} - {"__init__", "forms", "yours"}
    assert {entry.module.rpartition(".")[2] for entry in graders.TABLE} == files
    for name in files:
        tree = ast.parse((ROOM / f"{name}.py").read_text(encoding="utf-8"))
        grade = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "grade")
        assert [a.arg for a in grade.args.args] == ["completion", "gold", "prompt"], name


def test_what_is_not_installed_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graders, "_version", lambda distribution, folders: None)
    missing = {choice.name: choice.missing for choice in graders.installed()}
    assert missing["trl"] == "pip install trl"
    assert "Qwen2.5-Math" in missing["qwen"]


def test_a_grader_may_come_from_a_folder(tmp_path: Path) -> None:
    (choice,) = graders.chosen([f"qwen={tmp_path}"])
    assert (choice.missing, choice.folders) == ("", (str(tmp_path.resolve()),))


def test_all_are_those_that_are_installed_and_the_last_word_counts(tmp_path: Path) -> None:
    found = graders.chosen(["all", f"qwen={tmp_path}", "veritune"])
    assert [choice.name for choice in found] == [entry.name for entry in graders.TABLE]
    assert next(choice for choice in found if choice.name == "qwen").folders


@pytest.mark.parametrize(
    ("text", "said"),
    [("mathverify", "Did you mean 'math-verify'"), ("qwen=/no/such/folder", "no folder"), ("grader.py", "no grader")],
)
def test_a_mistake_is_named(text: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        graders.chosen([text])


@pytest.mark.parametrize(
    ("value", "found"),
    [(True, True), (False, False), (1, True), (0.0, False), (-1, False), ({"score": 1.0}, True), (None, None)],
)
def test_what_a_users_grader_gives_back_is_read(value: Any, found: bool | None) -> None:
    assert yours.read(value)[0] is found


def test_nan_is_undecided_and_a_word_is_no_verdict() -> None:
    assert yours.read(float("nan")) == (None, "NaN")
    with pytest.raises(TypeError, match="bool"):
        yours.read("yes")


def test_a_reward_is_a_grader_too(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from veritune import reward\n\n@reward\ndef same(completion: str, gold: str) -> float:\n"
        "    return float(completion == gold)\n"
    )
    (choice,) = graders.chosen([f"{file}:same"])
    grade = load(choice.module, choice.folders, choice.argument)
    assert [grade("4", gold, "?")[0] for gold in ("4", "5")] == [True, False]


@pytest.mark.parametrize("name", ["veritune", "math-verify"])
def test_the_plain_right_and_wrong_are_told_apart(name: str) -> None:
    if name != "veritune" and importlib.util.find_spec("math_verify") is None:
        pytest.skip("math-verify is not installed")
    (choice,) = graders.chosen([name])
    grade = load(choice.module)
    assert grade(r"So it is \boxed{\frac{1}{2}}.", "0.5", "")[0] is True
    assert grade(r"So it is \boxed{\frac{1}{3}}.", "0.5", "")[0] is False


def test_bare_answers_are_marked_for_the_peers_and_sentences_are_not() -> None:
    assert forms.delimited("2 1/3") == r"$\boxed{2 1/3}$"
    assert forms.boxed(r"\frac{1}{2} \text{ cm}") == r"\boxed{\frac{1}{2} \text{ cm}}"
    assert forms.delimited(r"so $x=3$") == r"so $x=3$"
    for sentence in ("The answer is definitely not 42.", "The answer is 42.", "It isn't 42.", "Final answer: 42"):
        assert forms.delimited(sentence) == sentence
    assert forms.delimited_gold(r"\frac12") == r"$\frac12$"
