"""Every error the user can meet.

VerituneError
├── ConfigError                  a config or a command line is wrong; nothing has run yet (exit status 2)
│   ├── UnknownNameError         no reward, verifier, sandbox or preset of that name
│   ├── ParameterError           unknown, missing or ill-typed parameter
│   └── ColumnError              a dataset column that a reward needs is not there
├── PluginError                  a plugin does not import or breaks the contract
├── MissingExtraError            an optional package is not installed (also an ImportError)
├── DataError                    a file or row cannot be read (exit status 2)
├── RunError                     a run that had begun could not go on (exit status 1)
└── RewardError                  an exception inside a reward: a bug, never a zero; carries the sample (exit status 1)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from veritune.plugins.types import Sample

__all__ = [
    "ColumnError",
    "ConfigError",
    "DataError",
    "MissingExtraError",
    "ParameterError",
    "PluginError",
    "RewardError",
    "RunError",
    "UnknownNameError",
    "VerituneError",
    "did_you_mean",
]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` or the empty string."""
    lower = {str(k).lower(): str(k) for k in known}
    close = difflib.get_close_matches(str(name).lower(), lower, n=1, cutoff=0.5)
    return f" Did you mean {lower[close[0]]!r}?" if close else ""


class VerituneError(Exception):
    """Base of every error raised on purpose."""

    status: ClassVar[int] = 2
    """The exit status of a command that it ends: 2 for a user's mistake, 1 for what failed while it ran."""


class ConfigError(VerituneError, ValueError):
    """Something the user wrote is wrong, found before anything runs."""


class UnknownNameError(ConfigError):
    """Nothing of that name is registered."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        known = sorted(known)
        message = f"unknown {kind} {name!r}.{did_you_mean(name, known)} Known: {', '.join(known) or 'none'}."
        super().__init__(f"{message} {hint}".rstrip())
        self.args_for_pickle = (kind, name, known, hint)

    def __reduce__(self) -> tuple[type[UnknownNameError], tuple[str, str, list[str], str]]:
        return type(self), self.args_for_pickle


class ParameterError(ConfigError):
    """A parameter is unknown, missing or of the wrong type."""


class ColumnError(ConfigError):
    """A dataset column is missing."""


class DataError(VerituneError, ValueError):
    """A file or a row of the user's cannot be read."""


class PluginError(VerituneError):
    """A plugin does not import or breaks the contract."""


class MissingExtraError(VerituneError, ImportError):
    """An optional dependency is missing."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}, which is not installed. Run: pip install 'veritune[{extra}]'")
        self.args_for_pickle = (package, extra, purpose)

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str, str]]:
        return type(self), self.args_for_pickle


class RunError(VerituneError):
    """A run that had begun could not go on: an environment raised, the disk is full, memory ran out."""

    status: ClassVar[int] = 1


class RewardError(VerituneError):
    """An exception inside a reward. It stops the run: a bug must not train as a zero.

    ``reward`` is the reward's name, ``sample`` the sample that raised (None where the whole batch did), ``place`` the
    file, line and function of the user's code, ``message`` all that the exception said and ``trace`` the whole
    traceback (``place`` and ``trace`` empty where nothing was raised).
    """

    status: ClassVar[int] = 1

    def __init__(
        self, reward: str, message: str, sample: Sample | None = None, place: str = "", trace: str = ""
    ) -> None:
        text = f"reward {reward!r}: {on_one_screen(message)}"
        if place:
            text += f"\n  at {place}"
        if sample is not None:
            text += f"\n  completion: {_shorten(sample.text)!r}"
            if sample.columns:
                columns = ", ".join(f"{k}={_shown(v)}" for k, v in list(sample.columns.items())[:8])
                text += f"\n  columns: {columns}"
        super().__init__(text)
        self.reward = reward
        self.message = message
        self.sample = sample
        self.place = place
        self.trace = trace

    def __reduce__(self) -> tuple[type[RewardError], tuple[str, str, Sample | None, str, str]]:
        return type(self), (self.reward, self.message, self.sample, self.place, self.trace)


def words_of(error: BaseException) -> str:
    """What an exception says; somebody's own may not even be able to."""
    try:
        return str(error)
    except Exception as other:
        return f"(its message cannot be shown: __str__ raised {type(other).__name__})"


def on_one_screen(text: str, most_lines: int = 12, most: int = 1500) -> str:
    """A long message with its middle left out, which says how much that was."""
    lines = text.splitlines()
    if len(lines) > most_lines:
        half = most_lines // 2
        lines = [*lines[:half], f"… ({len(lines) - most_lines} more lines) …", *lines[-half:]]
        text = "\n".join(lines)
    if len(text) > most:
        text = f"{text[: most // 2]} … ({len(text) - most} more characters) … {text[-(most // 2) :]}"
    return text


def _shown(value: object) -> str:
    return repr(_shorten(value)) if isinstance(value, str) else _shorten(repr(value))


def _shorten(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
