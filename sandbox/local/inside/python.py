"""Runs a Python source as ``python main.py`` would, inside an interpreter that is already warm."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the C functions: signal.signal goes through enums
import atexit
import builtins
import contextlib
import gc
import importlib
import importlib.machinery
import io
import linecache
import os
import sys
import threading
import traceback
import types
from _sitebuiltins import Quitter
from typing import Any

SCRIPT = "main.py"
_RECURSION_LIMIT = 1000
_OUR_FRAMES = 12

compiled_support: dict[str, types.CodeType] = {}
"""Digest → code of our own helper modules, compiled in the warm interpreter."""


imported_support: dict[tuple[str, ...], dict[str, types.ModuleType]] = {}
"""Digests → those modules, imported in the warm interpreter: forks find them so."""


def import_support(job: dict[str, Any], payload: int, body: int) -> bool:
    """Compile the helper modules that have not been seen before, and import the first. Trusted code only.

    Nothing else of the payload is read: what this interpreter has read once, every later program finds in its memory.
    Returns whether anything was new.
    """
    digests = _digests(job)
    if digests in imported_support:
        return False
    for name, digest, offset, length in job["support"]:
        if digest not in compiled_support:
            source = os.pread(payload, length, body + offset)
            compiled_support[digest] = compile(source, f"<{name}>", "exec", dont_inherit=True)
    finder = _SupportFinder(_codes(job))
    sys.meta_path.insert(0, finder)
    try:
        importlib.import_module(job["support"][0][0])
    except ImportError:
        pass  # it will be said by the job, which imports it in its turn
    finally:
        sys.meta_path.remove(finder)
    imported_support[digests] = {name: sys.modules.pop(name) for name, *_ in job["support"] if name in sys.modules}
    return True


def _digests(job: dict[str, Any]) -> tuple[str, ...]:
    return tuple(digest for _, digest, _, _ in job["support"])


def _codes(job: dict[str, Any]) -> dict[str, types.CodeType]:
    return {name: compiled_support[digest] for name, digest, _, _ in job["support"]}


def run_source(job: dict[str, Any], body: memoryview, scratch: str) -> None:
    """Run the job's source as ``__main__`` and leave the process as an interpreter would. Never returns."""
    offset, length = job["source"]
    source = bytes(body[offset : offset + length])
    main = _make_main(job, scratch, source)
    status = _run(main, source)
    os._exit(_finish(main, source, status))


def _make_main(job: dict[str, Any], scratch: str, source: bytes) -> types.ModuleType:
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    main.__file__ = os.path.join(scratch, SCRIPT)
    sys.modules["__main__"] = main
    sys.argv = [SCRIPT, *job["arguments"]]
    sys.path.insert(0, scratch)
    if job["support"]:
        sys.meta_path.insert(0, _SupportFinder(_codes(job)))
        sys.modules.update(imported_support[_digests(job)])
    for path, _, _ in job["files"]:
        # A module beside the script hides one of the standard library that happens to be warm already.
        name = path.partition("/")[0]
        sys.modules.pop(name[:-3] if name.endswith(".py") else name, None)
    text = source.decode("utf-8", "replace")
    linecache.cache[SCRIPT] = (len(text), None, text.splitlines(keepends=True), SCRIPT)
    return main


def prepare() -> None:
    """In the warm interpreter: what every program finds, made once. The streams' descriptors are a program's later."""
    raw = io.FileIO(0, "r", closefd=False)
    raw.name = "<stdin>"
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(  # type: ignore[misc]
        io.BufferedReader(raw), encoding="utf-8", errors="surrogateescape"
    )
    for number, name, errors in ((1, "stdout", "surrogateescape"), (2, "stderr", "backslashreplace")):
        raw = io.FileIO(number, "w", closefd=False)
        raw.name = f"<{name}>"
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw), encoding="utf-8", errors=errors, line_buffering=name == "stderr"
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    builtins.exit = Quitter("exit", "")
    builtins.quit = Quitter("quit", "")
    sys.setrecursionlimit(_RECURSION_LIMIT + _OUR_FRAMES)
    exec(compile("print(end='')", "<warm>", "exec"), {})  # the compiler's first use makes a hundred classes


def _run(main: types.ModuleType, source: bytes) -> int:
    """The exit status that the main module ends with."""
    try:
        exec(compile(source, SCRIPT, "exec", dont_inherit=True), main.__dict__)
        return 0
    except SystemExit as end:
        return _exit_status(end.code)
    except BaseException:
        _report_exception()
        return 1


def _exit_status(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    with contextlib.suppress(Exception):
        print(code, file=sys.stderr)
    return 1


def _report_exception() -> None:
    kind, error, trace = sys.exc_info()
    while trace is not None and trace.tb_frame.f_code.co_filename != SCRIPT:
        trace = trace.tb_next
    try:
        hook = sys.excepthook
        if hook is sys.__excepthook__:
            traceback.print_exception(kind, error, trace, limit=20)
        else:
            hook(kind, error, trace)  # type: ignore[arg-type]
    except SystemExit:
        raise
    except BaseException:
        if kind is MemoryError:
            os.write(2, b"MemoryError\n")  # there was no room for a traceback


def _finish(main: types.ModuleType, source: bytes, status: int) -> int:
    """Join threads, run exit functions and flush, in the interpreter's order."""
    if len(threading._active) > 1 or threading._threading_atexits:  # type: ignore[attr-defined]
        with contextlib.suppress(BaseException):
            threading._shutdown()  # type: ignore[attr-defined]
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    if b"__del__" in source:
        names = main.__dict__
        for name in [n for n in list(names) if n != "__builtins__"]:
            names[name] = None
        gc.collect()
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):  # a program may have replaced the first two
        try:
            stream.flush()  # type: ignore[union-attr]
        except BaseException:
            status = status or (120 if stream is sys.stdout and not _closed(stream) else 0)
    return status


def _closed(stream: Any) -> bool:
    try:
        return bool(stream.closed)
    except BaseException:
        return True


class _SupportFinder:
    """Finds our helper modules by name."""

    def __init__(self, codes: dict[str, types.CodeType]) -> None:
        self.codes = codes

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(name, self) if name in self.codes else None  # type: ignore[arg-type]

    def create_module(self, spec: object) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        exec(self.codes[module.__name__], module.__dict__)
