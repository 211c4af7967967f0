"""A file with a reward that misbehaves as it is told."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def rewards_file(tmp_path: Any) -> str:
    """A reward that waits, raises or ends its process as the completion says."""
    path = tmp_path / "odd.py"
    path.write_text(ODD)
    return f"{path}:odd"


ODD = '''
import os, time
from veritune import reward


@reward
def odd(completion: str) -> float:
    """What the completion says."""
    if completion.startswith("sleep"):
        time.sleep(float(completion.split()[1]))
    if completion == "raise":
        raise RuntimeError("as asked")
    if completion == "exit":
        os._exit(3)
    return 1.0
'''
