"""Every operation, forward and each gradient, agrees with a naive float64 formula: reference, interpreter and GPU."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.kernels.cases import CASES

SOURCES = Path(__file__).resolve().parents[2] / "src"


@pytest.fixture(scope="session")
def interpreted() -> dict[str, dict[str, float]]:
    """Errors of all cases in Triton's interpreter, from one run in a process of its own."""
    if importlib.util.find_spec("triton") is None:
        pytest.skip("needs Triton")
    path = os.pathsep.join([str(SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    here = Path(__file__).resolve().parent
    command = [sys.executable, str(here.parent / "interpreter.py"), str(here / "interpreted.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("name", CASES)
def test_reference_agrees(name: str) -> None:
    for what, found in CASES[name]("cpu", torch.float32, "reference").items():
        assert found < 5e-5, what


@pytest.mark.parametrize("name", CASES)
def test_kernel_agrees_in_the_interpreter(name: str, interpreted: dict[str, dict[str, float]]) -> None:
    for what, found in interpreted[name].items():
        assert found < 5e-5, what


@pytest.mark.parametrize("shape", ["5x128", "130x140"])
@pytest.mark.parametrize("pow2", [False, True])
def test_quantisation_kernels_in_the_interpreter(
    shape: str, pow2: bool, interpreted: dict[str, dict[str, float]]
) -> None:
    """Scales equal; bytes too, but for the interpreter's own inexact cast (up to 6 %)."""
    for what, found in interpreted[f"quantise-{shape}-{pow2}"].items():
        assert found == 0 if what.endswith("scales") else found < 0.06, what


@pytest.mark.parametrize("name", ["multiply-130x256x256", "multiply-64x144x384"])
def test_product_kernel_in_the_interpreter(name: str, interpreted: dict[str, dict[str, float]]) -> None:
    for what, found in interpreted[name].items():
        assert found < 1e-6, what


@pytest.mark.parametrize("name", ["grouped", "grouped-turned", "grouped-bfloat16"])
def test_grouped_kernels_in_the_interpreter(name: str, interpreted: dict[str, dict[str, float]]) -> None:
    """The interpreter cuts what bfloat16 cannot hold, where a GPU rounds."""
    for what, found in interpreted[name].items():
        assert found < (8e-3 if name.endswith("bfloat16") else 1e-6), what


def test_nothing_is_kept_for_a_backward_that_cannot_come(interpreted: dict[str, dict[str, float]]) -> None:
    assert interpreted["kept-without-gradients"] == {"with": 2, "without": 0}


def test_the_head_is_launched_before_the_host_waits_for_the_number_of_tokens(
    interpreted: dict[str, dict[str, float]],
) -> None:
    assert interpreted["launched-before-the-wait"]["launched"] == 1


@pytest.mark.gpu
@pytest.mark.parametrize("name", CASES)
def test_kernel_agrees_on_the_gpu(name: str) -> None:
    """bfloat16 inputs: log-probs to 2e-4 relative, gradients to bfloat16's own rounding."""
    for what, found in CASES[name]("cuda", torch.bfloat16, "triton").items():
        exact = what in ("logp", "entropy", "loss", "value")
        assert found < (2e-4 if exact else 1e-2), what
