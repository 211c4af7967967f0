"""Every error the user can meet.

VerituneError
├── ConfigError                  a config or a command line is wrong; nothing has run yet (exit status 2)
│   ├── UnknownNameError         no reward, verifier, sandbox or preset of that name
│   ├── ParameterError           unknown, missing or ill-typed parameter
│   └── ColumnError              a dataset column that a reward needs is not there
├── PluginError                  a plugin does not import or breaks the contract
├── MissingExtraError            an optional package is not installed (also an ImportError)
├── DataError                    a file or row cannot be read (exit status 2)
└── RewardError                  an exception inside a reward: a bug, never a zero; carries the sample
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

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
    "UnknownNameError",
    "VerituneError",
    "did_you_mean",
]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` or the empty string."""
    close = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""


class VerituneError(Exception):
    """Base of every error raised on purpose."""


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


class RewardError(VerituneError):
    """An exception inside a reward. It stops the run: a bug must not train as a zero.

    ``reward`` is the reward's name, ``sample`` the sample that raised (None where the whole batch did).
    """

    def __init__(self, reward: str, message: str, sample: Sample | None = None) -> None:
        text = f"reward {reward!r}: {message}"
        if sample is not None:
            text += f"\n  completion: {_shorten(sample.text)!r}"
            if sample.columns:
                columns = ", ".join(f"{k}={_shorten(v)!r}" for k, v in list(sample.columns.items())[:8])
                text += f"\n  columns: {columns}"
        super().__init__(text)
        self.reward = reward
        self.message = message
        self.sample = sample

    def __reduce__(self) -> tuple[type[RewardError], tuple[str, str, Sample | None]]:
        return type(self), (self.reward, self.message, self.sample)


def _shorten(value: object, limit: int = 300) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
