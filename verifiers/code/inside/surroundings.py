"""What the tests set up around a call: replaced streams, patched functions, files, environment, captured logs."""

from __future__ import annotations

import builtins
import io
import os
import sys
from typing import Any

from _veritune_around import Folder  # type: ignore[import-not-found]
from _veritune_codec import Refused, encode  # type: ignore[import-not-found]
from _veritune_remote import Unsendable  # type: ignore[import-not-found]

_FILE_WORDS = ("open(", "tempfile", "Path(", "os.", "shutil", "tmp_path", "write_text")


class Surroundings:
    """Compared before each request with what was at the start; what differs is made so on the program's side, too."""

    def __init__(self, link: Any, text: str) -> None:
        self.link = link
        self.streams = {"stdout": sys.stdout, "stderr": sys.stderr}
        self.stdin = sys.stdin
        self.watched: dict[tuple[Any, str], Any] = {
            (builtins, name): getattr(builtins, name) for name in ("input", "print")
        }
        self.sent: dict[tuple[Any, str], Any] = dict(self.watched)
        self.environ = dict(os.environ) if "environ" in text or "putenv" in text else None
        self.folder = Folder("") if any(word in text for word in _FILE_WORDS) else None
        self.logs = "assertLogs" in text or "caplog" in text or "assertNoLogs" in text
        self.warnings = "warn" in text.lower()

    def enter(self, message: dict[str, Any]) -> None:
        """Add to a request what is not as it was."""
        around: dict[str, Any] = {}
        for key, sent in self.sent.items():
            if getattr(key[0], key[1], None) is not sent:
                self._patch(key)
        captured = [name for name, stream in self.streams.items() if getattr(sys, name) is not stream]
        if captured:
            around["capture"] = captured
        if sys.stdin is not self.stdin:
            if type(sys.stdin) is not io.StringIO:
                raise Unsendable("the tests put something other than a StringIO in place of sys.stdin")
            around["stdin"] = self.link.shared.tag(sys.stdin)
            message.update(self.link.shared.changes())
        if self.environ is not None and dict(os.environ) != self.environ:
            self.environ = dict(os.environ)
            around["environ"] = self.environ
        if self.folder is not None:
            around["files"], around["folder"] = self.folder.changes(), self.folder.root
        if self.logs:
            around["logs"] = True
        if self.warnings:
            around["warnings"] = True
        if around:
            message["around"] = around

    def _patch(self, key: tuple[Any, str]) -> None:
        module, name = key
        value = getattr(module, name, None)
        self.sent[key] = value
        original = value is self.watched[key]
        sent = [] if original else [encode(value, self.link)]
        answer = self.link._exchange({"do": "patch", "module": module.__name__, "name": name, "args": sent})
        if "error" in answer:
            raise Refused(f"{module.__name__}.{name} cannot be patched in the program's sandbox")

    def watch(self, module: Any, name: str, original: Any) -> None:
        """An attribute of a module that the tests have patched."""
        if (module, name) not in self.watched:
            self.watched[module, name] = self.sent[module, name] = original

    def leave(self, answer: dict[str, Any]) -> None:
        """Take what came back: text that was printed, files that were written, log records and warnings."""
        for name, text in (answer.get("printed") or {}).items():
            if name in self.streams and type(text) is str and getattr(sys, name) is not self.streams[name]:
                getattr(sys, name).write(text)
        if self.folder is not None and "files" in answer:
            self.folder.apply(answer["files"])
        if self.logs and answer.get("logs"):
            _log(answer["logs"])
        if self.warnings and answer.get("warned"):
            _warn(answer["warned"])


def _log(records: list[Any]) -> None:
    import logging

    for name, level, text in records:
        logger = logging.getLogger(str(name))
        if type(level) is int and logger.isEnabledFor(level):
            logger.handle(logger.makeRecord(str(name), level, "solution.py", 0, str(text), (), None))


def _warn(warned: list[Any]) -> None:
    import warnings

    for category, text in warned:
        kind = getattr(builtins, str(category), UserWarning)
        usable = isinstance(kind, type) and issubclass(kind, Warning)
        warnings.warn_explicit(str(text), kind if usable else UserWarning, "solution.py", 1, registry={})
