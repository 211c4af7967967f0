"""Runs the tests, in a sandbox that the program cannot reach. The answers are here and never leave.

Reads its task from stdin; the last line of stdout is the task's token and the findings as JSON.
"""

from __future__ import annotations

import builtins
import importlib
import json
import os
import sys
import traceback
import types
import typing
from typing import Any

from _veritune_codec import Channel, Handles, Refused, decode  # type: ignore[import-not-found]
from _veritune_counting import Counter  # type: ignore[import-not-found]
from _veritune_hooks import install  # type: ignore[import-not-found]
from _veritune_modules import Imports  # type: ignore[import-not-found]
from _veritune_running import Code  # type: ignore[import-not-found]
from _veritune_same import same, shown  # type: ignore[import-not-found]
from _veritune_stubs import (  # type: ignore[import-not-found]
    Function,
    Gone,
    Link,
    Missing,
    Stopped,
    Unsendable,
    export,
    stands_in,
)
from _veritune_surroundings import Surroundings  # type: ignore[import-not-found]

MODULE = "__tests__"
"""The name of the module in which test code is executed."""
_leave_process = os._exit


class _Run:
    """One task and its findings: a line for every test that was run."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task
        self.found: list[list[Any]] = []
        self.abstain: str | None = None
        self.broken: str | None = None
        self.gone: str | None = None
        self.planned = 0
        self.link: Link | None = None
        self.names: dict[str, Any] = {}
        self.program: types.ModuleType | None = None
        """The program itself, where it runs in this process."""

    def record(self, state: str, problem: BaseException | str | None = None) -> bool:
        """Add a test's finding. False where there is no going on."""
        self.found.append([state, "" if problem is None else _said(problem)])
        return state != "failed" or not self.task["stop_early"]

    def check_link(self) -> None:
        """Raise Gone where the program is, though a test caught everything."""
        if self.link is not None and self.link.gone is not None:
            raise Gone(self.link.gone)

    def absent(self) -> str | None:
        """What the tests asked for and the program does not define."""
        return self.link.absent if self.link is not None else None

    def asked(self) -> int:
        """How often the program was asked for something."""
        return self.link.requests if self.link is not None else 1

    def from_program(self, problem: BaseException | None) -> bool:
        """Did the program raise this?"""
        return self.link is not None and problem is not None and self.link.raised is problem

    def candidates(self) -> list[Any]:
        """What ``check(candidate)`` is about: the row's entry, else what the program defines, likeliest first."""
        if self.task.get("entry"):
            return [self.names["candidate"]]
        if self.link is None:
            own = [v for v in self.names.values() if isinstance(v, types.FunctionType)]
            return [v for v in own if v.__code__.co_filename == "solution.py"][::-1][:_CANDIDATES]
        found = self.link.request("defined")
        names = [name for name in found if type(name) is str] if type(found) is list else []
        return [Function(self.link, name) for name in names[:_CANDIDATES]]

    def leave(self) -> None:
        findings = {
            "found": self.found,
            "gone": self.gone,
            "abstain": self.abstain,
            "broken": self.broken,
            "asked": self.link.asked if self.link is not None else 0,
            "planned": self.planned,
        }
        line = f"\n{self.task['token']} {json.dumps(findings)}\n"
        data = line.encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(1, data) :]
        _leave_process(0)


_CANDIDATES = 5
"""How many of a program's functions are tried where the row does not say which one is meant."""


def _said(problem: BaseException | str) -> str:
    if isinstance(problem, str):
        return problem[:300]
    text = " ".join(traceback.format_exception_only(type(problem), problem)[-1].split())
    frames = [f for f in traceback.extract_tb(problem.__traceback__) if f.filename == "tests.py"]
    where = f" in {frames[-1].line!r}" if frames and frames[-1].line else ""
    return f"{text[:200]}{where[:120]}"


def main() -> None:
    """Run the task on stdin against the program on the channel. Never returns."""
    task = json.loads(sys.stdin.buffer.read())
    run = _Run(task)
    os.write(1, f"{task['token']} began\n".encode())  # all of ours is loaded: what fails from here on is not ours
    sys.stdin = open(os.devnull)  # noqa: SIM115
    try:
        same = task.get("program") is not None
        module = _same_process(run) if same else _connect(run)
        if module is not None:
            (_calls if task["kind"] == "calls" else _code)(run, module)
    except Gone as problem:
        run.gone = str(problem)
    except Unsendable as problem:
        run.abstain = str(problem)
    except Refused as problem:
        run.gone = f"the program's message cannot be read: {problem}"
    run.leave()


def _connect(run: _Run) -> types.ModuleType | None:
    """The module that the tests run in: trusted helpers, then the program's names. None where it did not load."""
    task = run.task
    run.link = link = Link(Channel(3), frozenset(task["classes"]))
    try:
        loaded = link.channel.receive()
    except EOFError:
        run.gone = "the program ended while it was loaded"
        return None
    if loaded.get("loaded") is not None:
        error = loaded["loaded"] if type(loaded["loaded"]) is dict else {}
        run.broken = f"the program does not load: {error.get('name')}: {str(error.get('text'))[:200]}"
        return None
    module = types.ModuleType(MODULE)
    names = run.names = vars(module)
    subjects = set(task["subjects"])
    if task["kind"] != "calls":
        _surround(link, task)
    found = export(link, set(task["names"]) | subjects)
    for name in task["names"]:
        names[name] = found[name] if name in found else _fallback(link, name)
    names.update(_imported(task))
    _execute(task.get("prelude"), names)
    for name in subjects:
        known = found.get(name)
        names[name] = known if isinstance(known, type) else (Function if name in found else Missing)(link, name)
    if task.get("entry"):
        names["candidate"] = names[task["entry"]]
    link.requests = sum(map(_tells, found.values()))
    return module


def _fallback(link: Link, name: str) -> Any:
    """What a name is that the program does not define: of ``typing``, or a function that it fails to define."""
    return getattr(typing, name) if name in typing.__all__ else Missing(link, name)


def _same_process(run: _Run) -> types.ModuleType | None:
    """A module with the program's own names: nothing is kept from it, and the verdict says so.

    Its built-ins are the tests' own all the same: a program that defines ``sum`` must not decide what tests compute.
    """
    program = run.program = types.ModuleType("solution")
    names = vars(program)
    sys.modules["solution"] = program
    try:
        _execute(run.task.get("prelude"), names)
        exec(compile(run.task["program"], "solution.py", "exec", dont_inherit=True), names)
    except BaseException as problem:
        run.broken = f"the program does not load: {_said(problem)}"
        return None
    module = types.ModuleType(MODULE)
    run.names = vars(module)
    for name in run.task["names"]:
        run.names.update({name: getattr(typing, name)} if name in typing.__all__ else {})
    run.names.update(_imported(run.task))
    mine = {*run.task["subjects"], *run.task["names"]}
    theirs = {*dir(builtins), *run.task["imports"], *vars(module)} - mine
    run.names.update((name, value) for name, value in names.items() if name not in theirs)
    entry = run.task.get("entry")
    if entry:
        run.names["candidate"] = names.get(entry) or getattr(names.get("Solution", object)(), entry, None)
    return module


def _imported(task: dict[str, Any]) -> dict[str, Any]:
    """Modules, and helpers of modules, that the tests use as if they had imported them."""
    found: dict[str, Any] = {}
    for name, (origin, attribute) in task["imports"].items():
        try:
            value = importlib.import_module(origin)
        except ImportError:
            continue
        found[name] = getattr(value, attribute) if attribute else value
    return found


def _find(run: _Run, name: str, missing: Any) -> Any:
    """The program's own ``name``, for tests that import it."""
    if run.link is None:
        return getattr(run.program, name, missing)
    if name == run.task.get("entry"):
        return run.names["candidate"]
    requests = run.link.requests
    found = export(run.link, {name})
    run.link.requests = requests + sum(map(_tells, found.values()))
    return found[name] if name in found else _library_module(run.link, name, missing)


def _tells(value: Any) -> bool:
    """Does a value say something of the program by itself? A constant does, and what an exception derives from."""
    return not stands_in(value) or (isinstance(value, type) and issubclass(value, BaseException))


def _library_module(link: Link, name: str, missing: Any) -> Any:
    """A module of the standard library that the program has under this name: for tests that patch it there."""
    kind = link.request("names", names=[name]).get(name) or [""]
    known = sys.modules.get(str(kind[-1])) if kind[0] == "module" else None
    in_library = str(kind[-1]).partition(".")[0] in sys.stdlib_module_names
    return known if known is not None and in_library else missing


def _surround(link: Link, task: dict[str, Any]) -> None:
    """What tests do besides calling: streams, files, patches, questions to the standard library."""
    text = "\n".join([*task["tests"], task.get("setup") or ""])
    link.around = Surroundings(link, text)
    install(link, text)


def _execute(source: str | None, names: dict[str, Any]) -> None:
    if source:
        exec(compile(source, "prelude.py", "exec", dont_inherit=True), names)


def _code(run: _Run, module: types.ModuleType) -> None:
    """Test code of any form."""
    patch = None if run.link is None else run.link.patch
    imports = Imports(run.task, lambda name, missing: _find(run, name, missing), patch, run.program)
    counter = Counter(run.asked, run.from_program, Stopped)
    counter.always = run.asked() > 0
    Code(run, module, counter, imports.prepare).run_all()


def _calls(run: _Run, module: types.ModuleType) -> None:
    """``entry(*args)`` against the expected value, with the values' own equality, tuples being lists."""
    function, task = run.names["candidate"], run.task
    for args, expected in decode(task["tests"], Handles())[task["start"] :]:
        try:
            value = function(*args)
            if not same(value, expected, task["tolerance"]):
                raise AssertionError(f"{shown(value)} instead of {shown(expected)}")
        except (Gone, Unsendable):
            raise
        except BaseException as problem:
            going = run.record("failed", problem)
        else:
            going = run.record("passed")
        run.check_link()
        if not going:
            return
