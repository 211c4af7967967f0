"""Testing rewards with pytest: golden cases, what must pay and what must not, attacks. See docs/testing_rewards.md.

``Pays``, ``Holds`` and ``Attack`` are the types of the plugin's fixtures.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from veritune.testing.cases import Case
    from veritune.testing.checks import Attack, Holds, Pays

__all__ = ["Attack", "Case", "Holds", "Pays"]

_HOME = {"Case": "veritune.testing.cases", **dict.fromkeys(("Attack", "Holds", "Pays"), "veritune.testing.checks")}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'veritune.testing' has no attribute {name!r}")
