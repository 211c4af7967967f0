"""A contest's grader and a submission as separate translation units of one program, with a seal on a finished run.

The grader calls the submission, so they share a process, and a submission that sets out to can still forge output: the
verdict is tamperable. What does not go through the grader's ``main`` to its end, though, carries no seal: a submission
that prints by itself and exits, or whose static initialisers do.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from veritune.verifiers.code.stdio import SEAL_FILE

_SOURCES = (".cpp", ".cc", ".cxx")
_EXIT = f"veritune_{secrets.token_hex(8)}_exit"
"""Not to be guessed: whoever calls it ends the run as if the grader had."""
_OPTIONS = ("-Wl,--wrap=main",)

_PRELUDE = f"""
#include <cstdlib>
extern "C" [[noreturn]] void {_EXIT}(int);
namespace std {{ using ::{_EXIT}; }}
#define exit {_EXIT}
#line 1
"""

_MAIN = f"""
#include <cstdio>
#include <fcntl.h>
#include <iostream>
#include <unistd.h>

namespace {{
char seal[64];
long length;

// Before any static initialiser of the submission.
void read_seal(int, char **, char **) {{
    int file = open("{SEAL_FILE}", O_RDONLY);
    length = file < 0 ? 0 : read(file, seal, sizeof seal);
    close(file);
    unlink("{SEAL_FILE}");
}}
__attribute__((section(".preinit_array"), used)) void (*first)(int, char **, char **) = read_seal;
}}

extern "C" [[noreturn]] void {_EXIT}(int status) {{
    std::cout.flush();
    std::fflush(nullptr);
    if (status == 0 && write(1, seal, length) != length) status = 1;
    _exit(status);
}}

extern "C" int __real_main(int, char **, char **);
extern "C" int __wrap_main(int count, char **words, char **environment) {{
    {_EXIT}(__real_main(count, words, environment));
}}
"""


@dataclass(frozen=True)
class Graded:
    """What is compiled beside a submission."""

    units: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """The grader's own sources: an error in one of them is not the submission's."""
    sealed: bool = False

    def to_blame(self, messages: str) -> str | None:
        """The compiler's error where it lies in the grader, not in the submission."""
        for name in self.sources:
            found = re.search(rf"^(?:[^\s:]*/)?{re.escape(name)}:\d+(?::\d+)?: (?:fatal )?error: .*$", messages, re.M)
            if found is not None:
                return found[0][:200]
        return None


def graded(grader_files: Sequence[Any], seal: bool = True) -> Graded:
    """Of ``[[name, text], …]``: headers, and the sources with "grader" or "stub" in their name.

    Without ``seal``, output counts whoever ends the program.
    """
    files = {str(name).rpartition("/")[2]: str(text) for name, text in grader_files if text}
    units, sources = {}, []
    for name, text in files.items():
        if name.endswith((".h", ".hpp")):
            units[name] = text
        elif name.endswith(_SOURCES) and ("grader" in name or "stub" in name):
            units[name] = _PRELUDE + text if seal else text
            sources.append(name)
    if not sources or not seal:
        return Graded(units, sources=tuple(sources))
    return Graded({**units, "veritune_main.cpp": _MAIN}, _OPTIONS, tuple(sources), sealed=True)
