"""A small data file, a file with rewards, and a way to run the command line in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from veritune.cli.app import app

REWARDS = '''
from veritune import Cause, Score, reward

@reward
def same(completion: str, gold: str, *, right: float = 1.0) -> float:
    """`right` where the completion is the gold."""
    return right * (completion == gold)

@reward
def patient(completion: str) -> Score:
    """Undecided for the word `stuck`."""
    if completion == "stuck":
        return Score.none("the checker starved", Cause.TIMEOUT)
    return Score(0.5, "[looked] at it")

@reward
def buggy(completion: str) -> float:
    """Fails on 5."""
    return 1.0 / (int(completion) - 5)

@reward(batch=True)
def crowd(completions: list[str], prompts: list[str]) -> list[float]:
    """How many share the prompt in this call."""
    return [float(prompts.count(p)) for p in prompts]

@reward
def interrupted(completion: str) -> float:
    """The user loses patience."""
    raise KeyboardInterrupt
'''


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs ``veritune ARGS…``."""
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: object, text: str | bytes | None = None) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=text, prog_name="veritune")

    return invoke


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(REWARDS)
    return path


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes rows as JSONL."""

    def as_jsonl(rows: list[Any], name: str = "rows.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return as_jsonl


@pytest.fixture
def rows(write: Callable[..., Path]) -> Path:
    return write(
        [
            {"question": "2+2", "response": "4", "answer": "4", "good": True},
            {"question": "2+3", "response": "6", "answer": "5", "good": False},
            {"question": "2+4", "response": "stuck", "answer": "6", "good": True},
        ]
    )
