"""With its kernels on and off the trainer has the same losses and gradients."""

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
    command = [sys.executable, str(Path(__file__).with_name("head_kernels.py")), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_kernels_change_no_loss_and_no_gradient_in_the_interpreter() -> None:
    pytest.importorskip("triton")
    for name, found in _run().items():
        assert found["launched"] == 1, name
        assert found["kernels loss"] < 1e-5, name
        assert found["kernels gradient"] < 1e-4, name


@pytest.mark.gpu
def test_kernels_are_no_further_from_float32_than_plain_bfloat16_on_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    for name, found in _run("cuda").items():
        assert found["launched"] == 1, name
        assert found["kernels loss"] < 1.2 * found["plain loss"] + 2e-3, name
        assert found["kernels gradient"] < 1.2 * found["plain gradient"] + 2e-3, name
