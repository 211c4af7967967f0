"""The languages that programs may be written in. One is a small entry of :data:`LANGUAGES`."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field

from veritune.plugins.errors import UnknownNameError
from veritune.sandbox import language_names
from veritune.sandbox.errors import LanguageUnavailable


@dataclass(frozen=True)
class Language:
    """How a language is compiled and run.

    ``{tool}`` in a command is the tool's path, ``{file}`` the source's name, ``{standard}`` the standard asked for.
    """

    name: str
    filename: str
    run: tuple[str, ...] = ()
    """The command; empty where the interpreter is the sandbox's own (Python) or the compiler made a binary."""
    compile: tuple[str, ...] = ()
    artifact: tuple[str, str] | None = None
    """What the compiler leaves: ``("file", path)``, an executable, or ``("jar", folder)`` of classes."""
    tools: tuple[str, ...] = ()
    standards: tuple[str, ...] = ()
    """What ``{standard}`` may be where a program names no version: the first that compiles it."""
    versions: dict[str, str] = field(default_factory=dict)
    """Version in a language's name (``c++20``) → the standard that it asks for."""
    environment: dict[str, str] = field(default_factory=dict)
    sparse_mb: int | None = None
    """The runtime reserves far more address space than it uses: no limit on it, and this much more data allowed."""
    runtime_mb: int = 0
    """Memory that the runtime needs for itself, on top of the program's."""
    processes: int = 0
    """Threads that the runtime starts for itself: a floor of the limit on processes."""
    stack_mb: int = 128
    out_of_memory: tuple[bytes, ...] = ()
    """What a program of this language prints last when it ran out of memory."""
    locate: Callable[[], dict[str, str]] | None = None
    """Tool → path where looking on PATH is not enough."""
    rename: Callable[[str], str] | None = None
    """The source's file name, where the language ties it to the content."""

    def file_for(self, source: str) -> str:
        return self.rename(source) if self.rename is not None else self.filename

    def standards_for(self, name: str) -> tuple[str, ...]:
        """The standards to compile with, one after the other, for a program whose language is spelled so."""
        asked = self.versions.get(language_names.split_version(name)[1])
        return (asked,) if asked is not None else self.standards or ("",)


def _rust_tools() -> dict[str, str]:
    """The compiler itself: what is on PATH is often a proxy that reads the user's home."""
    found = shutil.which("rustc")
    if found is None:
        return {}
    try:
        root = subprocess.run(
            [found, "--print", "sysroot"], capture_output=True, text=True, timeout=20, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"rustc": os.path.join(root, "bin", "rustc")}


_LONGEST_NAME = 200
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


def _java_file(source: str) -> str:
    found = re.search(r"\bpublic\s+(?:(?:final|abstract|strictfp)\s+)*class\s+(\w+)", _COMMENT.sub("", source))
    if found is None or len(found[1].encode("utf-8", "replace")) > _LONGEST_NAME:
        return "Main.java"  # no file can have so long a name, here or anywhere: javac says so
    return f"{found[1]}.java"


def java_main_class(source: str) -> str:
    """The class whose ``main`` is run: the one around the first ``static void main``, else the public one."""
    text = _COMMENT.sub("", source)
    entry = re.search(r"\bstatic\s+(?:final\s+)?void\s+main\s*\(", text)
    classes = re.findall(r"\b(?:class|record|enum|interface)\s+(\w+)", text[: entry.start()] if entry else text)
    name = classes[-1] if classes else _java_file(source)[:-5]
    public = _java_file(source)[:-5]
    if entry and re.search(rf"\bclass\s+{public}\b", text[: entry.start()]):
        name = public
    package = re.search(r"^\s*package\s+([\w.]+)\s*;", text, re.MULTILINE)
    return f"{package[1]}.{name}" if package else name


_CPP_MEMORY = (b"std::bad_alloc", b"memory exhausted", b"out of memory")
_JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto", "-XX:CICompilerCount=1")

LANGUAGES: dict[str, Language] = {
    language.name: language
    for language in (
        Language("python", "main.py", out_of_memory=(b"MemoryError",)),
        Language(
            "cpp",
            "main.cpp",
            compile=("{g++}", "-O2", "-std={standard}", "-pipe", "-o", "a.out", "{file}"),
            artifact=("file", "a.out"),
            tools=("g++",),
            standards=("gnu++17", "gnu++20"),
            versions={version: f"gnu++{version}" for version in ("98", "03", "11", "14", "17", "20", "23")},
            out_of_memory=_CPP_MEMORY,
        ),
        Language(
            "c",
            "main.c",
            compile=("{gcc}", "-O2", "-std={standard}", "-pipe", "-o", "a.out", "{file}", "-lm"),
            artifact=("file", "a.out"),
            tools=("gcc",),
            standards=("gnu17",),
            versions={**{v: f"gnu{v}" for v in ("89", "90", "99", "11", "17")}, "18": "gnu17", "23": "gnu2x"},
            out_of_memory=_CPP_MEMORY,
        ),
        Language(
            "javascript",
            "main.js",
            run=("{node}", "--stack-size=16000", "--max-old-space-size={memory}", "{file}"),
            tools=("node",),
            environment={"UV_THREADPOOL_SIZE": "1"},
            sparse_mb=512,
            runtime_mb=96,
            processes=16,
            out_of_memory=(b"heap out of memory", b"Array buffer allocation failed", b"Fatal process out of memory"),
        ),
        Language("bash", "main.sh", run=("{bash}", "{file}"), tools=("bash",)),
        Language(
            "java",
            "Main.java",
            compile=("{javac}", "-J-Xmx512m", *(f"-J{flag}" for flag in _JVM), "-nowarn", "-d", "classes", "{file}"),
            artifact=("jar", "classes"),
            run=("{java}", "-Xmx{memory}m", "-Xss64m", "-XX:ThreadStackSize=8192", *_JVM, "-cp", "main.jar", "{main}"),
            tools=("javac", "java"),
            sparse_mb=1024,
            runtime_mb=128,
            processes=48,
            out_of_memory=(b"java.lang.OutOfMemoryError",),
            rename=_java_file,
        ),
        Language(
            "rust",
            "main.rs",
            compile=(
                "{rustc}",
                "--edition=2021",
                "-O",
                "-Ccodegen-units=1",
                "-Clink-arg=-fuse-ld=bfd",
                "-o",
                "a.out",
                "{file}",
            ),
            artifact=("file", "a.out"),
            tools=("rustc", "gcc"),
            sparse_mb=1024,
            out_of_memory=(b"memory allocation of",),
            locate=_rust_tools,
        ),
        Language(
            "go",
            "main.go",
            compile=("{go}", "build", "-o", "a.out", "{file}"),
            artifact=("file", "a.out"),
            tools=("go",),
            environment={"GO111MODULE": "off", "GOTELEMETRY": "off", "CGO_ENABLED": "0"},  # its caches: in $HOME
            sparse_mb=1024,
            processes=32,
            out_of_memory=(b"runtime: out of memory", b"fatal error: out of memory"),
        ),
    )
}


def find_language(name: str) -> Language:
    """A language by any of its names, with a version or without; UnknownNameError names the nearest."""
    found = LANGUAGES.get(language_names.canonical(name))
    if found is None:
        known = [other for each in LANGUAGES for other in (each, *language_names.aliases(each))]
        raise UnknownNameError("language", name, known)
    return found


@dataclass(frozen=True)
class Toolchain:
    """Where a language's tools are, and the folders that must be readable for them to work."""

    tools: dict[str, str]
    folders: tuple[str, ...]


_SEARCH = os.pathsep.join(("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/go/bin"))
_SYSTEM = ("/usr/", "/bin/", "/lib/", "/lib64/", "/sbin/")


@functools.cache
def toolchain(name: str) -> Toolchain:
    """The toolchain of a language on this machine; LanguageUnavailable where a tool is missing."""
    language = LANGUAGES[name]
    found = language.locate() if language.locate is not None else {}
    for tool in language.tools:
        path = found.get(tool) or shutil.which(tool, path=_SEARCH) or shutil.which(tool)
        if path is None or not os.path.exists(path):
            raise LanguageUnavailable(
                f"{language.name} programs need {tool!r}, which is not installed here. Install it, or leave them out."
            )
        found[tool] = os.path.realpath(path)
    return Toolchain(found, _folders_of(found.values()))


def _folders_of(paths: object) -> tuple[str, ...]:
    """What lies outside the system folders: a tool's prefix, and configuration that links lead to."""
    folders: list[str] = []
    for path in map(os.path.realpath, paths):  # type: ignore[call-overload]
        prefix = os.path.dirname(os.path.dirname(path))
        if not path.startswith(_SYSTEM):
            folders.append(prefix)
        elif "jvm" in path and os.path.isdir(os.path.join(prefix, "conf")):
            for entry in os.scandir(os.path.join(prefix, "conf")):
                target = os.path.realpath(entry.path)
                if target.startswith("/etc/"):
                    folders.append(os.path.join("/etc", target.split("/")[2]))
    return tuple(dict.fromkeys(folders))


def available() -> dict[str, str]:
    """Language → its first tool's path, for every language but Python whose toolchain is installed."""
    found = {}
    for name, language in LANGUAGES.items():
        if not language.tools:
            continue
        try:
            found[name] = toolchain(name).tools[language.tools[0]]
        except LanguageUnavailable:
            continue
    return found
