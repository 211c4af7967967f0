"""Runs a script beside the tests in a process of its own: Triton's interpreter is chosen when kernels are defined."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def answers(script: str, *arguments: str) -> dict[str, Any]:
    """The JSON object that it prints last. Without arguments it runs in the interpreter."""
    path = os.pathsep.join([str(HERE.parents[1] / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    interpreter = [] if arguments else [str(HERE.parent / "interpreter.py")]
    command = [sys.executable, *interpreter, str(HERE / script), *arguments]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
