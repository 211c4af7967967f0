"""The rows that wait for a GPU: their table is consistent, and no row of them can cost the others their time."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import random
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks"
OURS = ("gpu_rows", "gpu_rows_table", "vllm_pack")


@pytest.fixture(scope="module")
def rows() -> Iterator[ModuleType]:
    """Imported with its own folder on the path, which is taken off again: its names are also those of other modules."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module("gpu_rows")
    finally:
        sys.path[:] = [path for path in sys.path if path != str(FOLDER)]
        for name in OURS:
            sys.modules.pop(name, None)


def _options(tmp_path: Path, **changes: Any) -> argparse.Namespace:
    given: dict[str, Any] = {"seconds": 60.0, "out": tmp_path / "out.txt", "go_on": False, "small": True, "old": None}
    given |= {"vllm": None, "logs": None, "commit": "abc"}
    return argparse.Namespace(**(given | changes))


def _row(rows: ModuleType, name: str, program: str, **changes: Any) -> Any:
    found = rows.Row(name, "try", name, (), ("-c", program), 0.1, 20.0)
    return dataclasses.replace(found, **changes)


def test_every_row_is_one_script_here_within_its_time(rows: ModuleType) -> None:
    names = [row.name for row in rows.ROWS]
    assert len(set(names)) == len(names)
    for row in rows.ROWS:
        assert row.name != row.kind or sum(other.kind == row.kind for other in rows.ROWS) == 1, row.name
        assert row.command[0] == row.small[0], row.name
        assert (FOLDER / row.command[0]).is_file(), row.name
        assert 0 < row.expected < row.limit < 560, row.name
        assert bool(row.needs_old) == ("{old}" in row.command), row.name
        if row.command[0] == "gpu_step.py":
            case = json.loads(row.command[1])
            assert case["lengths"] or case["tokens"] > 0 if "lengths" in case else case["tokens"] > 0, row.name
    assert sum(row.expected for row in rows.ROWS if row.gpus == 1) < 1800


def test_what_is_compared_is_the_number_of_a_row_that_is_there(rows: ModuleType) -> None:
    names = {row.name for row in rows.ROWS}
    table = rows.tables
    assert {name for _, new, old, _ in table.RATIOS for name in (new, old)} <= names
    assert {name for _, name, *_ in table.LIMITS} <= names
    for _, new, old, _ in table.RATIOS:
        one, two = (next(row for row in rows.ROWS if row.name == name) for name in (new, old))
        assert one.command == two.command
        assert (one.old, two.old) == (False, True)


def test_a_row_that_fails_or_hangs_leaves_its_last_lines_and_the_others_run(rows: ModuleType, tmp_path: Path) -> None:
    plan = [
        _row(rows, "bad", "print('seen'); raise ValueError('this one')"),
        _row(rows, "slow", "import time; print('begun'); time.sleep(60)", limit=1.5),
        _row(rows, "last", "print('well')"),
        _row(rows, "silent", ""),
        _row(rows, "long", "print('never')", expected=500.0, limit=900.0),
        _row(rows, "before", "print('never')", old=True),
    ]
    driver = rows.Driver(_options(tmp_path), tmp_path)
    assert driver.run(plan, gpus=0) == 1
    found = {name: row["result"] for name, row in driver.done.items()}
    ended = {"bad": "FAILED", "slow": "TIME", "last": "ok", "silent": "FAILED"}
    assert found == {**ended, "long": "skipped", "before": "skipped"}
    text = (tmp_path / "out.txt").read_text(encoding="utf-8")
    for wanted in ("ValueError: this one", "begun", "well", "s left", "no --old"):
        assert wanted in text
    assert "never" not in text


def test_going_on_keeps_what_ended_well_and_runs_the_rest(rows: ModuleType, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    good = _row(rows, "good", f"open({str(mark)!r}, 'a').write('x'); print('well')")
    (tmp_path / "one").mkdir()
    rows.Driver(_options(tmp_path), tmp_path / "one").run([good, _row(rows, "other", "raise SystemExit(3)")], gpus=0)
    (tmp_path / "two").mkdir()
    again = rows.Driver(_options(tmp_path, go_on=True), tmp_path / "two")
    assert again.run([good, _row(rows, "other", "print('now')")], gpus=0) == 0
    assert mark.read_text() == "x"
    assert {"well", "now"} <= set((tmp_path / "out.txt").read_text(encoding="utf-8").splitlines())


def test_steps_are_read_as_far_as_they_came_and_compared(rows: ModuleType) -> None:
    table = rows.tables
    step = {"rows": 8, "tokens": 64, "seconds": 2.0, "rollout": 1.0, "update": 1.0, "token_step": 15.6, "share": 0.5}
    step |= {"peak": 20.0, "mismatch": 0.005, "norm": 1.0, "trained": 1.0, "micro": 8192, "made": 1.0, "first": 2.0}

    def answer(**changes: float) -> str:
        return str(table.ANSWER) + json.dumps({**step, **changes})

    log = "\n".join(["noise", answer(step=0), answer(step=1, seconds=4.0, peak=21.0), "Traceback"])
    lines, values = table.step_lines(log)
    assert values["seconds"] == 3.0
    assert values["peak"] == 21.0
    assert "[2.0, 4.0]" in lines[1]
    lengths = [answer(step=0, tokens=n - 64, seconds=n / 1000, peak=n / 500) for n in (1000, 2000, 4000)]
    _, values = table.step_lines("\n".join(lengths))
    assert values["time exponent"] == pytest.approx(1.0)
    found = table.verdicts({"step-512-new": {"seconds": 1.0, "mismatch": 0.1, "share": 0.5, "peak": 23.0},
                            "step-512-old": {"seconds": 2.0, "mismatch": 0.1}})  # fmt: skip
    met = {line.split("  ")[0]: line.rsplit(" ", 1)[1] for line in found if line.endswith(("met", "MISSED"))}
    assert met == {
        "0.5B, 128 x 512: step, new over old": "met",
        "peak GB, 0.5B, 128 x 512": "MISSED",
        "update's share, 0.5B, 128 x 512": "met",
    }


def test_trl_that_was_ended_late_leaves_the_row_it_had(rows: ModuleType) -> None:
    row = {"name": "trl, vllm", "seconds": 5.3, "phases": {"rollout": 4.0}, "peak": 40.0, "fastest": 5.0, "found": {}}
    lines, values = rows.tables.trl_lines("\n".join(["loading", json.dumps({"rows": [row]}), "killed"]))
    assert values["seconds"] == 5.3
    assert "trl, vllm: 5.300 s" in lines[0]
    lines, values = rows.tables.trl_lines(json.dumps({"skipped": "vllm is not installed"}))
    assert lines == ["skipped: vllm is not installed"]
    assert not values


def test_a_pack_of_wheels_comes_together_from_its_parts_without_what_is_left_out(
    rows: ModuleType, tmp_path: Path
) -> None:
    vllm_pack = importlib.import_module("vllm_pack")
    wheels, parts = tmp_path / "wheels", tmp_path / "parts"
    wheels.mkdir()
    needs = ["numpy", "tilelang==0.1.9", 'Pillow; python_version > "3.8"', "foo[bar]>=2", 'old; extra == "audio"']
    noise = random.Random(0).randbytes(5000)
    held = {
        "vllm/__init__.py": b"x = 1",
        "vllm/_C.abi3.so": noise,
        "vllm/_moe_C.abi3.so": noise,
        "vllm/vllm_flash_attn/_vllm_fa2_C.abi3.so": noise,
        "vllm/vllm_flash_attn/_vllm_fa3_C.abi3.so": noise,
        "vllm-1.dist-info/METADATA": "\n".join(f"Requires-Dist: {need}" for need in needs).encode(),
    }
    with zipfile.ZipFile(wheels / "vllm-1-cp38-abi3-linux.whl", "w") as wheel:
        for name, value in held.items():
            wheel.writestr(name, value)
    made = vllm_pack.pack(sorted(wheels.glob("*.whl")), parts, 4000)
    assert len(made) > 1
    assert all(part.stat().st_size <= 4000 for part in made)
    assert vllm_pack.missing(sorted(wheels.glob("*.whl")), ["numpy"]) == ["foo", "pillow"]
    vllm_pack.join(parts, tmp_path / "site")
    found = {str(path.relative_to(tmp_path / "site")) for path in (tmp_path / "site").rglob("*") if path.is_file()}
    assert found == {name for name in held if "_moe_C" not in name and "fa2" not in name}
    assert (tmp_path / "site" / "vllm" / "_C.abi3.so").read_bytes() == noise
    made[1].write_bytes(b"cut")
    with pytest.raises(SystemExit, match=r"pack\.01 of"):
        vllm_pack.join(parts, tmp_path / "other")
