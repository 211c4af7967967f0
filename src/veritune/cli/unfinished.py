"""What is left of a scoring that did not come to its end: enough for the same command to go on with it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from veritune.cli.output import FileOutput
from veritune.rewards.identity import digest, file_hash

EVERY_S = 2.0
"""Seconds between two notes of the place."""
FORMAT = 1


def tag_of(command: dict[str, Any], files: list[Path]) -> str:
    """The name of a command over files: another reward, another option or another byte of data is another command."""
    read = [
        [str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns, file_hash(path, 1 << 20)] for path in files
    ]
    return f"{digest({**command, 'files': read, 'format': FORMAT})}.partial"


class Unfinished:
    """The place that a scoring has come to, beside its unfinished output; both go when the output is whole."""

    def __init__(self, output: FileOutput, state: Callable[[], dict[str, Any]]) -> None:
        self.output, self.state = output, state
        self.path = output.temporary.with_name(f"{output.temporary.name}.json")
        self._noted = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """What was noted last; None where there is nothing to go on with."""
        try:
            noted: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not self.output.restore(noted["output"]):
            return None
        self.output.keep = True
        return noted

    def note(self, *, now: bool = False) -> None:
        """Note the place, every two seconds or ``now``: first what was written, then where that is."""
        if not now and time.monotonic() - self._noted < EVERY_S:
            return
        text = json.dumps({"output": self.output.position(), **self.state()})
        partial = self.path.with_name(f"{self.path.name}.tmp")
        with partial.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, self.path)
        self.output.keep = True
        self._noted = time.monotonic()

    def others(self) -> list[Path]:
        """Unfinished outputs of other commands to the same file."""
        mine = {self.output.temporary.name, self.path.name}
        pattern = f".{self.output.target.name}.*.partial*"
        return [p for p in self.output.target.parent.glob(_literal(pattern)) if p.name not in mine]

    def clear(self) -> None:
        """The output is whole: nothing of any unfinished one to the same file is left."""
        for path in (self.path, *self.others()):
            path.unlink(missing_ok=True)

    def drop(self) -> None:
        """Begin anew."""
        self.path.unlink(missing_ok=True)
        self.output.reset()


def _literal(pattern: str) -> str:
    """A file's name as a pattern that means itself, its own stars aside."""
    return pattern.replace("[", "[[]").replace("?", "[?]")
