"""What languages are called: in rows, in code fences, by contest sites. One name for each, and the version apart."""

from __future__ import annotations

import re

_NAMES: dict[str, tuple[str, ...]] = {
    "python": ("py", "cpython", "pypy", "pypy3-64"),
    "cpp": ("c++", "cxx", "cc", "g++", "gnu++", "gnu c++", "gnu cpp", "gnu g++", "clang++"),
    "c": ("gcc", "gnu c", "ansi c"),
    "javascript": ("js", "node", "nodejs", "node.js", "javascript v8", "v8", "ecmascript"),
    "bash": ("sh", "shell", "zsh"),
    "java": ("openjdk",),
    "rust": ("rs",),
    "go": ("golang",),
    # Known by name only, so that a block or a row of one is not taken for another.
    "python2": (),
    "typescript": ("ts",),
    "csharp": ("c#", "cs", "mono c#", ".net core c#"),
    "kotlin": ("kt", "kts"),
    "ruby": ("rb",),
    "haskell": ("hs",),
    "perl": ("pl",),
    "markdown": ("md",),
}
"""Language → its other names, without versions."""

_CANONICAL = {name: language for language, others in _NAMES.items() for name in (language, *others)}
_VERSION = re.compile(r"(?P<name>.*?[^\d\s.\-])[ \-]?v?(?P<version>\d[\w.]*)(?: [\d.]+)?")
_ALIKE = {"0x": "11", "1y": "14", "1z": "17", "2a": "20", "2b": "23", "2c": "26", "1x": "11", "2x": "23"}


def canonical(name: str) -> str:
    """The one name of a language (``GNU C++20 (64)`` is ``cpp``); a name that is not known, in lower case."""
    return split_version(name)[0]


def split_version(name: str) -> tuple[str, str]:
    """(canonical name, version or ``""``): ``c++2a`` is ``("cpp", "20")``, ``PyPy 3.10`` is ``("python", "3.10")``."""
    text = " ".join(re.sub(r"\([^()]*\)?", " ", name[:80]).casefold().split())
    if text in _CANONICAL:
        return _CANONICAL[text], "2" if text == "python2" else ""
    found = _VERSION.fullmatch(text)
    if found is None:
        return text, ""
    base, version = _CANONICAL.get(found["name"]), _ALIKE.get(found["version"], found["version"])
    if base is None:
        return text, ""
    if base == "python" and version.startswith("2"):
        return "python2", version
    return base, version


def aliases(language: str) -> tuple[str, ...]:
    """The other names of a language."""
    return _NAMES.get(language, ())
