"""The graders that can be measured: one line each here, one small file each beside this one.

A file has ``grade(completion, gold, prompt)``, and imports its peer at the top: it is loaded in the process where the
grader is asked, and nowhere else. Each side is given to a peer in the form that the peer needs (``forms``).
"""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from veritune import __version__
from veritune.plugins.errors import ParameterError, did_you_mean


@dataclass(frozen=True, slots=True)
class Entry:
    """One grader that we know."""

    name: str
    distribution: str
    """On PyPI; "" where it comes by a folder alone."""
    about: str
    install: str = ""
    """What else the user has to do; by default the ``pip install`` of the distribution."""

    @property
    def module(self) -> str:
        """Where its ``grade`` is."""
        return f"{__name__}.{self.name.replace('-', '_')}"

    @property
    def how(self) -> str:
        """How it is had."""
        return self.install or f"pip install {self.distribution}"


TABLE = (
    Entry("veritune", "veritune", "MathVerifier, its memory off"),
    Entry("math-verify", "math-verify", "parse and verify", "pip install 'math-verify[antlr4_13_2]'"),
    Entry("trl", "trl", "accuracy_reward"),
    Entry("verl-gsm8k", "verl", "reward_score.gsm8k, strict: a number behind ####"),
    Entry("verl-math", "verl", "reward_score.math_reward: the last box, as text"),
    Entry("inspect-ai", "inspect-ai", "the scorer math()"),
    Entry("lighteval", "lighteval", "the extractive match of its LaTeX tasks"),
    Entry("evalscope", "evalscope", "compare_answers on a model's output"),
    Entry("mathruler", "mathruler", "grade_answer on the boxed content"),
    Entry("reward-doctor", "reward-doctor", "robust_match"),
    Entry(
        "qwen",
        "",
        "math_equal of Qwen2.5-Math's evaluation",
        "git clone https://github.com/QwenLM/Qwen2.5-Math, then qwen=Qwen2.5-Math/evaluation",
    ),
)
ALL = "all"
BY_NAME = {entry.name: entry for entry in TABLE}


@dataclass(frozen=True, slots=True)
class Choice:
    """A grader that was asked for, and where it comes from."""

    name: str
    module: str
    version: str = ""
    folders: tuple[str, ...] = ()
    argument: str = ""
    missing: str = ""
    """Why it cannot run here; "" where nothing speaks against it."""

    @property
    def label(self) -> str:
        """Its name and version."""
        return f"{self.name} {self.version}".rstrip()


def installed() -> list[Choice]:
    """Every grader of the table; those that are not installed say so in ``missing``."""
    return [_choice(entry, ()) for entry in TABLE]


def chosen(names: Sequence[str]) -> list[Choice]:
    """Graders by name, by ``NAME=FOLDER`` (where the peer is imported from; several folders as in ``PYTHONPATH``), by
    ``file.py:function``, or ``all`` that are installed. What is named twice is taken as it was named last. Raises
    ParameterError for a name that there is not."""
    found: dict[str, Choice] = {}
    for text in names:
        for choice in installed() if text == ALL else [_read(text)]:
            found[choice.argument or choice.name] = choice
    return list(found.values())


def _read(text: str) -> Choice:
    name, _, where = text.partition("=")
    if name in BY_NAME:
        return _choice(BY_NAME[name], tuple(_folder(part) for part in where.split(os.pathsep) if part))
    file, _, function = text.rpartition(":")
    if file and function:
        path = str(Path(file).expanduser().resolve()) if file.endswith(".py") else file
        return Choice(f"{Path(file).name}:{function}", f"{__name__}.yours", argument=f"{path}:{function}")
    raise ParameterError(
        f"no grader {text!r}.{did_you_mean(name, BY_NAME)} Graders: {', '.join(BY_NAME)}; all; or file.py:function."
    )


def _folder(text: str) -> str:
    path = Path(text).expanduser().resolve()
    if not path.is_dir():
        raise ParameterError(f"{text!r} is no folder (looked for {path})")
    return str(path)


def _choice(entry: Entry, folders: tuple[str, ...]) -> Choice:
    if not entry.distribution:
        return Choice(entry.name, entry.module, folders=folders, missing="" if folders else entry.how)
    version = _version(entry.distribution, folders)
    return Choice(entry.name, entry.module, version or "", folders, missing="" if version or folders else entry.how)


def _version(distribution: str, folders: tuple[str, ...]) -> str | None:
    if distribution == "veritune":
        return __version__
    for found in importlib.metadata.distributions(name=distribution, path=list(folders)) if folders else ():
        return found.version
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
