"""What a reward *is*, hashed: its name, parameters in force, code, library versions and data files.

Two scores with one identity were computed by the same thing. The hash stands in every run and log line, so that a score
can be said to be old, and rescored.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import platform
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from veritune.plugins import Reward
from veritune.plugins.secrets import shown

ROOMS = ("plugins", "rewards", "sandbox", "verifiers")
"""Where a verdict of ours comes from."""
LIBRARIES = ("math-verify", "latex2sympy2_extended", "sympy", "langdetect")
"""Packages that take part in one."""
WHOLE = 64 << 20
"""Bytes of a data file that are hashed whole; of a larger one its size, head and tail."""
MOST_FILES = 400
IDENTITY = "rewards.json"
"""In a run's folder."""

Identity = dict[str, Any]


def digest(value: Any) -> str:
    """Sixteen hexadecimal digits of any plain value."""
    text = json.dumps(plain(value, 12), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def reward_identity(reward: Reward) -> Identity:
    """Of one reward: ``use``, ``params`` in force (limits and deadlines are parameters; never a password in an
    address), ``compat``, ``columns``, the hash of its ``code``, ``versions`` and, by parameter, of the ``files``
    that it reads."""
    values = reward.resolved
    files = {name: found for name, value in values.items() if (found := _files_of(value)) is not None}
    mine = reward.function.__module__.startswith("veritune.")
    return {
        "use": _portable(reward.source),
        "params": {name: plain(shown(value)) for name, value in sorted(values.items())},
        "compat": reward.compat_mode,
        "columns": dict(reward.columns),
        "code": own_code() if mine else _code(reward.function),
        "versions": own_versions() if mine else _versions([reward.function.__module__.partition(".")[0]]),
        "files": files,
    }


def identity_json(name: str, identity: Identity) -> str:
    """The text of :data:`IDENTITY`."""
    return json.dumps({"hash": name, "identity": plain(identity, 12)}, ensure_ascii=False, indent=1) + "\n"


def read_identity(folder: Path) -> tuple[str, Identity] | None:
    """The hash of a run's rewards and what it stands for; None where the run has none."""
    try:
        found = json.loads((folder / IDENTITY).read_text(encoding="utf-8"))
        return str(found["hash"]), dict(found["identity"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def differences(old: Mapping[str, Any], new: Mapping[str, Any], where: str = "") -> list[str]:
    """The places in which two identities differ, as ``rewards.accuracy.params.deadline: 1.0 → 2.0``."""
    found = []
    for key in dict.fromkeys([*old, *new]):
        place, before, after = f"{where}.{key}".lstrip("."), plain(old.get(key), 12), plain(new.get(key), 12)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found += differences(before, after, place)
        elif before != after:
            found.append(f"{place}: {_short(before)} → {_short(after)}")
    return found


@lru_cache(maxsize=1)
def own_code() -> str:
    """The hash of veritune's own code that verdicts come from."""
    base = Path(inspect.getfile(Reward)).parent  # the room of plugins
    rooms = [base if room == "plugins" else _room(room) for room in ROOMS]
    return _hash_files(sorted((room.parent, path) for room in rooms for path in room.rglob("*.py")))


def _room(name: str) -> Path:
    module = __import__(f"veritune.{name}", fromlist=["__file__"])
    return Path(str(module.__file__)).parent


@lru_cache(maxsize=1)
def own_versions() -> dict[str, str]:
    """Of veritune, of what it asks, and of Python."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python, **_versions(("veritune", *LIBRARIES))}


def _code(function: Any) -> str:
    try:
        return code_of(function)
    except OSError:  # the file is gone, or may not be read
        return _text_of(function)


def code_of(function: Any) -> str:
    """The hash of the file that a function stands in and of those beside it that it imports; where there is no file (a
    notebook), of the function's own text."""
    module = sys.modules.get(function.__module__)
    file = getattr(module, "__file__", None)
    if file is None or not Path(file).is_file():
        return _text_of(function)
    path = Path(file).resolve()
    depth = function.__module__.count(".") + (path.name == "__init__.py")
    by_path = function.__module__.startswith("veritune_file_")
    root = path.parent if by_path else path.parents[min(depth, len(path.parents) - 1)]
    return _hash_files([(root, each) for each in sorted(_with_imports(path, root))])


def _text_of(function: Any) -> str:
    with suppress(OSError, TypeError):
        return digest(inspect.getsource(function))
    code = getattr(function, "__code__", None)
    return digest([code.co_code.hex(), repr(code.co_names), repr(code.co_consts)] if code else repr(type(function)))


def _with_imports(file: Path, root: Path) -> set[Path]:
    """A file and, of those below ``root``, all that it imports, directly or not."""
    found: set[Path] = set()
    ahead = [file]
    while ahead and len(found) < MOST_FILES:
        path = ahead.pop()
        if path in found:
            continue
        found.add(path)
        with suppress(SyntaxError, ValueError, OSError):
            names = _imported(ast.parse(path.read_bytes()), path, root)
            ahead += [near for name in names for near in _modules(root, name)]
    return found


def _imported(tree: ast.AST, file: Path, root: Path) -> Iterable[str]:
    package = list(file.relative_to(root).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (base, *(f"{base}.{alias.name}".lstrip(".") for alias in node.names))


def _modules(root: Path, name: str) -> list[Path]:
    base = root.joinpath(*name.split("."))
    return [path for path in (base.with_name(f"{base.name}.py"), base / "__init__.py") if name and path.is_file()]


def _hash_files(files: Iterable[tuple[Path, Path]]) -> str:
    """Over names below a root and contents, the same whatever the end of a line is."""
    whole = hashlib.sha256()
    for root, path in files:
        content = path.read_bytes().replace(b"\r\n", b"\n")
        whole.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()[:16]


def _portable(source: str) -> str:
    """A path reward without the folder, which is another one on every machine."""
    where, colon, attribute = source.rpartition(":")
    return f"{Path(where).name}{colon}{attribute}" if where.endswith(".py") else source


def _versions(packages: Iterable[str]) -> dict[str, str]:
    found = {}
    for package in packages:
        with suppress(metadata.PackageNotFoundError, ValueError):
            found[package] = metadata.version(package)
    return found


def _files_of(value: Any) -> Any:
    """The hash of a file that a parameter names, or of the files in such a folder; None where it names none."""
    if isinstance(value, list | tuple):
        found = [each for each in map(_files_of, value) if each is not None]
        return found or None
    if not isinstance(value, str | Path) or not 0 < len(str(value)) < 4096 or "\0" in str(value):
        return None
    path = Path(value).expanduser()
    try:
        if path.is_file():
            return file_hash(path)
        if path.is_dir() and (isinstance(value, Path) or "/" in value):
            inside = sorted(p for p in path.iterdir() if p.is_file())[:MOST_FILES]
            return digest({p.name: file_hash(p) for p in inside})
    except OSError:
        pass
    return None


def file_hash(path: Path, whole: int = WHOLE) -> str:
    """Of a file's content; of one above ``whole`` bytes of its size, head and tail."""
    size = path.stat().st_size
    found = hashlib.sha256()
    with path.open("rb") as stream:
        if size <= whole:
            while chunk := stream.read(1 << 20):
                found.update(chunk)
        else:
            found.update(f"{size}".encode() + stream.read(1 << 20))
            stream.seek(-(1 << 20), 2)
            found.update(stream.read())
    return found.hexdigest()[:16]


def plain(value: Any, depth: int = 6) -> Any:
    """Any parameter as JSON has words for it, the same in every process; of objects in objects the outer ``depth``."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if depth == 0:
        return type(value).__qualname__
    if isinstance(value, Mapping):
        return {str(key): plain(each, depth - 1) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = [plain(each, depth - 1) for each in value]
        return sorted(items, key=repr) if isinstance(value, set | frozenset) else items
    if isinstance(value, Reward):
        return reward_identity(value)
    if callable(value):
        return f"{getattr(value, '__module__', '')}:{getattr(value, '__qualname__', type(value).__qualname__)}"
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(), depth - 1)
    if hasattr(value, "__dict__") and " at 0x" in repr(value):
        return {type(value).__qualname__: plain(vars(value), depth - 1)}
    return repr(value)


def _short(value: Any) -> str:
    text = "–" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:59]}…"
