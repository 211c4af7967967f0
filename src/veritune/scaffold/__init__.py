"""New rewards and plugins from templates: a reward with its tests and golden cases, alone or as a package."""

from __future__ import annotations

import keyword
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from veritune.plugins import ConfigError, reward_names

__all__ = ["PLUGIN", "REWARD", "render", "write"]

REWARD: Mapping[str, str] = {
    "@name@.py": "reward.py",
    "test_@name@.py": "test.py",
    "@name@_cases.jsonl": "cases.jsonl",
}
"""File → template of ``veritune new reward NAME``."""

PLUGIN: Mapping[str, str] = {
    "pyproject.toml": "plugin_pyproject.toml",
    "README.md": "plugin_README.md",
    "src/veritune_@name@/__init__.py": "plugin_init.py",
    "src/veritune_@name@/rewards.py": "reward.py",
    "tests/test_@name@.py": "test.py",
    "tests/cases.jsonl": "cases.jsonl",
}
"""File → template of ``veritune new plugin NAME``, inside the package's folder."""


def check_name(name: str) -> str:
    """The reward's name as Python takes it. Raises ConfigError for one that cannot be, or that is taken."""
    made = name.replace("-", "_")
    if not made.isidentifier() or not made.isascii() or keyword.iskeyword(made) or made.startswith("_"):
        raise ConfigError(f"{name!r} is no name for a reward: letters, digits and _ are expected, a letter first")
    if made in reward_names():
        raise ConfigError(f"there is a reward called {made!r} already (from {reward_names()[made]}); choose another")
    if made in sys.stdlib_module_names:
        raise ConfigError(f"{made!r} is a module of Python's own, which a file {made}.py would hide; choose another")
    return made


def render(layout: Mapping[str, str], name: str) -> dict[str, str]:
    """The files of a layout for a reward of this name: path → text."""
    plugin = layout is PLUGIN
    words = {
        "@use@": name if plugin else f"{name}.py:{name}",
        "@cases@": "cases.jsonl" if plugin else f"{name}_cases.jsonl",
        "@dist@": name.replace("_", "-"),
        "@name@": name,
    }
    return {_filled(path, words): _filled(_template(template), words) for path, template in layout.items()}


def write(layout: Mapping[str, str], name: str, folder: Path) -> list[Path]:
    """Write the files into ``folder``. Raises ConfigError, before anything is written, where one of them exists."""
    made = {folder / path: text for path, text in render(layout, name).items()}
    there = [str(path) for path in made if path.exists()]
    if there:
        raise ConfigError(f"{', '.join(there)}: there already; nothing was written")
    try:
        for path, text in made.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {error.filename!r}: {error.strerror or error}") from None
    return list(made)


def _template(name: str) -> str:
    return (files("veritune.scaffold") / "templates" / f"{name}.txt").read_text(encoding="utf-8")


def _filled(text: str, words: Mapping[str, str]) -> str:
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text
