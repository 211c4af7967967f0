"""Compiled programs: the compile step's limits, and a cache of what compilers made."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from veritune.sandbox.interface import CompileOutcome, Limits, Program
from veritune.sandbox.languages import Language, Toolchain, java_main_class
from veritune.sandbox.local.wire import Step

_MOST_ENTRIES = 512
_MOST_BYTES = 512 << 20
_SOURCES = (".c", ".cc", ".cpp", ".cxx")


@dataclass
class Compiled:
    """The finding of a compile step; ``artifact`` is a read-only descriptor owned by the cache."""

    outcome: CompileOutcome
    artifact: int | None
    size: int = 0


def compile_step(language: Language, chain: Toolchain, program: Program, limits: Limits, standard: str) -> Step:
    """The step that runs the compiler, under limits of its own."""
    source, units = program.source, program.units
    name = language.file_for(source)
    bounds = replace(
        limits,
        cpu_s=limits.compile_cpu_s,
        wall_s=limits.compile_wall_s,
        idle_s=None,
        patience_s=None if limits.patience_s is None else max(limits.patience_s, limits.compile_wall_s),
        memory_mb=limits.compile_memory_mb,
        processes=max(limits.processes, 16, language.processes),
        file_mb=max(limits.file_mb, 64),
        scratch_mb=max(limits.scratch_mb, 128),
        inodes=max(limits.inodes, 4096),
    )
    return Step(
        bounds,
        argv=compile_command(language, chain, {"file": name, "standard": standard}, program),
        environment=_environment(language, chain),
        files={each: text.encode("utf-8", "surrogatepass") for each, text in {**units, name: source}.items()},
        stack_mb=language.stack_mb,
        sparse_mb=language.sparse_mb,
        collect=language.artifact,
    )


def run_step(
    language: Language, chain: Toolchain, source: str, arguments: tuple[str, ...], limits: Limits, artifact: int | None
) -> Step:
    """The step that runs the program itself; streams, files and channel are filled in by the caller."""
    files: dict[str, bytes] = {}
    binary = None
    if language.artifact is None:
        name = language.file_for(source)
        files[name] = source.encode("utf-8", "surrogatepass")
    elif language.artifact[0] == "jar":
        assert artifact is not None
        name = "main.jar"
        files[name] = os.pread(artifact, _MOST_BYTES, 0)
    else:
        name = "a.out"
        binary = artifact
    values = {"file": name, "memory": str(int(limits.memory_mb))}
    if language.name == "java":
        values["main"] = java_main_class(source)
    bounds = replace(
        limits,
        memory_mb=limits.memory_mb + language.runtime_mb,
        processes=limits.processes + language.processes,
        scratch_mb=limits.scratch_mb + (sum(map(len, files.values())) >> 20) + 1,
        file_mb=max(limits.file_mb, (max(map(len, files.values()), default=0) >> 20) + 1),
    )
    return Step(
        bounds,
        argv=[*(expand(language.run, chain, values) if language.run else ["./a.out"]), *arguments],
        environment=_environment(language, chain),
        files=files,
        stack_mb=language.stack_mb,
        sparse_mb=language.sparse_mb,
        binary=binary,
    )


def _environment(language: Language, chain: Toolchain) -> dict[str, str]:
    """The language's own, and where the loader finds a tool's libraries: it cannot ask /proc."""
    origin = os.path.dirname(chain.tools[language.tools[0]])
    return {**language.environment, "LD_ORIGIN_PATH": origin}


def expand(command: tuple[str, ...], chain: Toolchain, values: dict[str, str]) -> list[str]:
    """A command of the language table with its ``{names}`` filled in."""
    known = {**chain.tools, **values}
    words = []
    for word in command:
        for name, value in known.items():
            word = word.replace("{" + name + "}", value)
        words.append(word)
    return words


def compile_command(language: Language, chain: Toolchain, values: dict[str, str], program: Program) -> list[str]:
    """The compiler's command line, with the sources among a program's units behind its own."""
    argv = expand(language.compile, chain, values)
    position = argv.index(values["file"]) + 1
    argv[position:position] = [*(unit for unit in program.units if unit.endswith(_SOURCES)), *program.options]
    return argv


class CompileCache:
    """Source → what the compiler made of it. Least recently used entries go first; two askers compile once."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._entries: OrderedDict[str, Compiled] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Lock] = {}

    def get(self, step: Step, make: Callable[[], Compiled]) -> Compiled:
        """The cached finding, or what ``make`` finds. Findings that hang on our limits or luck are not kept."""
        key = self._key(step)
        with self._lock:
            turn = self._busy.setdefault(key, threading.Lock())
        with turn:
            with self._lock:
                entry = self._entries.get(key)
                if entry is not None:
                    self._entries.move_to_end(key)
                    cached = replace(entry.outcome, cached=True, cpu_s=0.0, wall_s=0.0)
                    return Compiled(cached, _duplicate(entry.artifact), entry.size)
            made = make()
            with self._lock:
                self._busy.pop(key, None)
                if made.outcome.limit_hit is None:
                    self._store(key, Compiled(made.outcome, _duplicate(made.artifact), made.size))
            return made

    def _key(self, step: Step) -> str:
        digest = hashlib.sha256()
        limits = step.limits
        words = (*step.argv, *step.files, f"{limits.memory_mb} {limits.cpu_s}")
        for data in (*(word.encode() for word in words), *step.files.values()):
            digest.update(len(data).to_bytes(8, "big") + data)
        return digest.hexdigest()

    def _store(self, key: str, entry: Compiled) -> None:
        self._entries[key] = entry
        self._bytes += entry.size
        while len(self._entries) > _MOST_ENTRIES or self._bytes > _MOST_BYTES:
            _, oldest = self._entries.popitem(last=False)
            self._bytes -= oldest.size
            if oldest.artifact is not None:
                os.close(oldest.artifact)

    def close(self) -> None:
        with self._lock:
            for entry in self._entries.values():
                if entry.artifact is not None:
                    os.close(entry.artifact)
            self._entries.clear()
            self._bytes = 0


def _duplicate(descriptor: int | None) -> int | None:
    """Every user of an artifact owns a descriptor of it, so that an eviction pulls it from under nobody."""
    return None if descriptor is None else os.dup(descriptor)
