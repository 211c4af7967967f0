"""Faults of ours, met while a text was read: counted, logged, and their input kept in a file for a report.

A verifier or a built-in reward never raises because of a text; where it would have, the sample is undecided with the
cause ``internal_error``, and this module remembers what happened.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import traceback
from collections import Counter
from contextlib import suppress
from pathlib import Path

FOLDER_VARIABLE = "VERITUNE_FAULTS"
"""Where inputs are kept: a folder, or ``off``. Default: ``veritune/faults`` in the user's cache folder."""
MAX_FILES = 64
"""Files in the folder; one a place in the code, so that one bug fills one file."""
MAX_TEXT = 100_000
"""Characters of each text that are kept."""

_log = logging.getLogger("veritune.faults")
_lock = threading.Lock()
_counts: Counter[str] = Counter()


def record(where: str, error: BaseException | str, **texts: object) -> str:
    """Count a fault and keep its input; the sentence that says so. Never raises.

    ``where`` is what was being done, ``error`` the exception (or what a worker said of it), ``texts`` the input.
    """
    place = _place(error)
    with _lock:
        _counts[where] += 1
        first = _counts[f"{where} {place}"] == 0
        _counts[f"{where} {place}"] += 1
    said = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    kept = _keep(where, place, said, error, texts) if first else None
    sentence = f"an internal fault while {where} ({said[:200]})"
    if first:
        _log.warning("%s; %s", sentence, f"the input is in {kept}" if kept else "the input was not kept")
    return sentence


def counts() -> dict[str, int]:
    """How often each kind of work failed in this process."""
    with _lock:
        return {name: count for name, count in _counts.items() if " [" not in name}


def _place(error: BaseException | str) -> str:
    """The type and innermost line of an exception: equal bugs have equal places."""
    if isinstance(error, str):
        return f"[{error.partition(':')[0]}]"
    frames = traceback.extract_tb(error.__traceback__)
    line = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
    return f"[{type(error).__name__} at {line}]"


def folder() -> Path | None:
    """The folder for inputs; None where they are not kept."""
    chosen = os.environ.get(FOLDER_VARIABLE, "")
    if chosen.lower() in ("off", "0", "none"):
        return None
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "veritune" / "faults"


def _keep(where: str, place: str, said: str, error: BaseException | str, texts: dict[str, object]) -> Path | None:
    with suppress(Exception):
        here = folder()
        if here is None:
            return None
        here.mkdir(parents=True, exist_ok=True)
        name = hashlib.blake2b(f"{where} {place}".encode("utf-8", "replace"), digest_size=8).hexdigest()
        path = here / f"{name}.json"
        if not path.exists() and sum(1 for _ in here.glob("*.json")) >= MAX_FILES:
            return None
        trace = [] if isinstance(error, str) else traceback.format_exception(error)[-12:]
        found = {
            "while": where,
            "error": said[:2000],
            "input": {key: value if _short(value) else str(value)[:MAX_TEXT] for key, value in texts.items()},
            "traceback": trace,
        }
        path.write_text(json.dumps(found, ensure_ascii=True, indent=1, default=repr), encoding="ascii")
        return path
    return None


def _short(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) < MAX_TEXT)
