"""The sampler's Triton kernels draw the same tokens with the same log-probs as plain PyTorch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]


def _run(*arguments: str) -> dict[str, dict[str, float]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, str(Path(__file__).with_name("decode_kernels.py")), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_kernels_draw_the_same_in_the_interpreter() -> None:
    pytest.importorskip("triton")
    for name, result in _run().items():
        assert result["equal"], name
        assert result["gap"] < 1e-4, name


@pytest.mark.gpu
def test_kernels_draw_the_same_on_a_gpu() -> None:
    """In float32; a token may differ where two are all but equally likely, so only the log-probs are held close."""
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    for name, result in _run("cuda").items():
        assert result["equal"], name
        assert result["gap"] < 1e-3, name
