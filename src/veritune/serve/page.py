"""One HTML page that scores by hand."""

from __future__ import annotations

import html
from functools import cache
from importlib.resources import files

from veritune.rewards.composition import RewardSet

POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere is loaded, nothing goes elsewhere, no other page shows this one."""


def page(rewards: RewardSet) -> str:
    """The page, with the names of these rewards."""
    names = ", ".join(rewards.aliases)
    return _template().replace("{{rewards}}", html.escape(names)).replace("{{combine}}", html.escape(rewards.combine))


@cache
def _template() -> str:
    return (files("veritune.serve") / "templates" / "score.html").read_text(encoding="utf-8")
