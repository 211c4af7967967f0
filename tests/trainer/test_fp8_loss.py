"""The benchmark of FP8's loss: what a run that is cut leaves, and which arms are alike."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    pytest.importorskip("transformers")
    spec = importlib.util.spec_from_file_location("fp8_loss", ROOT / "benchmarks" / "fp8_loss.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fp8_loss"] = module  # where its dataclasses look for their annotations
    spec.loader.exec_module(module)
    yield module
    del sys.modules["fp8_loss"]


@pytest.fixture
def arms(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    def take_step(arm: Any, rows: list[list[int]], lr: float, device: Any) -> None:
        step = len(arm.losses)
        assert lr == pytest.approx(1e-3 * (step + 1) / 40)
        arm.losses.append(torch.tensor(rows[0][0] * (1.01 if arm.name == "fp8" else 1.0)))
        arm.norms.append(None if step == 1 else 1.0)
        arm.times.append(1.0)

    monkeypatch.setattr(bench, "take_step", take_step)
    return [bench.Arm(name, torch.nn.Linear(1, 1), None) for name in ("bfloat16", "fp8")]


def test_a_run_that_is_cut_leaves_the_windows_before(bench: ModuleType, arms: list[Any]) -> None:
    said: list[str] = []
    left = iter([5, 4, 3, 2, 1, 0])
    steps = [[[float(n)]] for n in range(2, 12)]
    done = bench.train_together(
        arms, steps, bench.risen(1e-3, 40), torch.device("cpu"), said.append, every=2, left=lambda: next(left)
    )
    assert done == 5
    windows = [line for line in said if line.startswith("steps")]
    assert [line.split(":")[0] for line in windows] == [
        "steps    1 to    2",
        "steps    3 to    4",
        "steps    5 to    5",
    ]
    assert all("fp8 +1.000 %" in line for line in windows)
    assert "time is up after 5 steps" in said
    assert sum("1 skipped" in line for line in said) == 2


def test_a_run_goes_on_where_the_one_before_ended_and_without_time_it_says_so(
    bench: ModuleType, arms: list[Any]
) -> None:
    said: list[str] = []
    cpu, rate = torch.device("cpu"), bench.risen(1e-3, 40)
    assert bench.train_together(arms, [], rate, cpu, said.append) == 0
    assert bench.train_together(arms, [[[3.0]]], rate, cpu, said.append, left=lambda: 0.0) == 0
    assert said == ["time is up after 0 steps"]
    assert bench.train_together(arms, [[[3.0]], [[4.0]]], rate, cpu, said.append, every=3) == 2
    assert bench.train_together(arms, [[[5.0]]], rate, cpu, said.append, every=3) == 3
    assert any(line.startswith("steps    1 to    3: bfloat16 4.00000") for line in said)


def test_arms_begin_with_the_same_weights_and_fp8_is_where_the_report_has_it(bench: ModuleType) -> None:
    base = bench.make_model(bench.BUILD, 0, "cpu")
    plain, fp8 = (bench.make_arm(name, base, 1e-3) for name in ("bfloat16", "fp8"))
    pairs = zip(plain.model.parameters(), fp8.model.parameters(), strict=True)
    assert all(torch.equal(one, other) and one is not other for one, other in pairs)
    inside = {name.rsplit(".", 1)[-1] for name, m in fp8.model.named_modules() if type(m).__name__ == "FP8Linear"}
    assert inside == {"q_a_proj", "q_b_proj", "kv_b_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert sum(hasattr(m, bench.RECIPE) for m in fp8.model.modules()) == 2
    assert not any(hasattr(m, bench.RECIPE) for m in plain.model.modules())


def test_no_byte_of_the_text_is_seen_twice(bench: ModuleType) -> None:
    rows = [bytes(row) for step in bench.rows_of_text(8, 512, 0)[:1000] for row in step]
    assert len(rows) == 8000
    assert len(set(rows)) > 7900  # but where files have the same text
