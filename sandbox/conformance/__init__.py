"""What every back-end must do, as checks that anybody can run against their own: ``examine(sandbox)``."""

from __future__ import annotations

from veritune.sandbox.conformance import files, memory  # they register their laws
from veritune.sandbox.conformance.checks import CHECKS, Check, Finding, examine
from veritune.sandbox.conformance.world import World

__all__ = ["CHECKS", "Check", "Finding", "World", "examine", "files", "memory"]
