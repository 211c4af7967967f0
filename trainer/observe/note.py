"""The note of an example's config: what such a run shows, said only of a run that has shown it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def note_of(note: str | None, needed: Mapping[str, float], last: Mapping[str, Any] | None) -> str | None:
    """The note where the last evaluation reached every value of ``needed``, else a sentence that it did not."""
    if not note or not needed:
        return note.strip() if note else None
    found = {name: (last or {}).get(name) for name in needed}
    short = {n: v for n, v in found.items() if not isinstance(v, int | float) or v < needed[n]}
    if not short:
        return note.strip()
    shown = (f"{n} {v:.3f}" if isinstance(v, int | float) else f"no {n}" for n, v in short.items())
    seen = ", ".join(shown)
    wanted = ", ".join(f"{name} {needed[name]:g}" for name in short)
    return f"This run ended at {seen}: it does not show what a whole run of this config is to show (from {wanted} on)."
