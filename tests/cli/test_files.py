"""Files in and out: packed input, output onto the input, text a format cannot hold, closed pipes, one huge line."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]


def refused(result: Result, *expected: str) -> None:
    assert result.exit_code == 2, result.output
    for text in expected:
        assert text in result.stderr


def veritune(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "veritune", *map(str, arguments)]


@pytest.mark.parametrize("kind", ["same", "symbolic", "hard", "relative"])
def test_the_input_is_never_the_output(
    run: Run, rows: Path, mine: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = rows if kind == "same" else tmp_path / "other.jsonl"
    if kind == "symbolic":
        out.symlink_to(rows)
    elif kind == "hard":
        os.link(rows, out)
    elif kind == "relative":
        monkeypatch.chdir(tmp_path)
        out = Path(f"../{tmp_path.name}/{rows.name}")
    before = rows.read_bytes()
    refused(run("score", rows, "-r", f"{mine}:patient", "-o", out), "is the input file itself")
    assert rows.read_bytes() == before


def test_jsonl_in_gzip_is_read_whatever_its_name(run: Run, rows: Path, mine: Path, tmp_path: Path) -> None:
    path = tmp_path / "packed"
    path.write_bytes(gzip.compress(rows.read_bytes()))
    result = run("score", path, "-r", f"{mine}:same", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["rows"] == 3


def test_jsonl_in_gzip_is_read_from_a_pipe(rows: Path, mine: Path) -> None:
    command = veritune("score", "-", "-r", f"{mine}:same", "--json")
    done = subprocess.run(command, input=gzip.compress(rows.read_bytes()), capture_output=True, check=True)
    assert json.loads(done.stdout)["rows"] == 3


@pytest.mark.parametrize("cut", [12, -12, -4])
def test_a_cut_archive_is_said_to_be_one(run: Run, rows: Path, mine: Path, tmp_path: Path, cut: int) -> None:
    path, out = tmp_path / "cut.jsonl.gz", tmp_path / "out.jsonl"
    path.write_bytes(gzip.compress(rows.read_bytes())[:cut])
    refused(run("score", path, "-r", f"{mine}:patient", "-o", out), "cut or damaged")
    assert not out.exists()


@pytest.mark.parametrize(
    ("start", "name"), [(b"BZh9", "bzip2"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "Zstandard"),
                        (b"PK\x03\x04", "zip"), (gzip.compress(b"PAR1...", mtime=0), "Parquet in gzip")]
)  # fmt: skip
def test_other_archives_are_named(run: Run, mine: Path, tmp_path: Path, start: bytes, name: str) -> None:
    path = tmp_path / "packed.jsonl"
    path.write_bytes(start)
    refused(run("score", path, "-r", f"{mine}:patient"), name, "unpack it first")


@pytest.mark.parametrize("field", [r'"\ud800 alone"', r'{"deep": ["\ud800 alone"]}'])
def test_half_a_character_does_not_go_into_parquet(run: Run, tmp_path: Path, mine: Path, field: str) -> None:
    path, out = tmp_path / "in.jsonl", tmp_path / "out.parquet"
    path.write_text(f'{{"text": "a", "note": {field}}}\n')
    result = run("score", path, "-r", f"{mine}:patient", "-o", out)
    refused(result, "column 'note'", r"\ud800", "half a character", "write .jsonl")
    assert "mixes types" not in result.stderr
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize(
    "arguments", [("rewards",), ("rewards", "cosine"), ("score", "{file}", "-r", "digit", "-o", "-")]
)
def test_a_reader_that_leaves_early_sees_no_traceback(arguments: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(f'{{"text": "{"x" * 1000}"}}\n' * 500)
    command = veritune(*(part.format(file=file) for part in arguments))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        found = process.stderr.read().decode()
    assert "Traceback" not in found
    assert "BrokenPipe" not in found


def test_a_line_of_a_hundred_megabytes_costs_a_few_times_its_size(tmp_path: Path) -> None:
    file = tmp_path / "huge.jsonl"
    size = 100 << 20
    with file.open("w") as stream:
        stream.write('{"gold": "4", "text": "')
        for _ in range(100):
            stream.write("x" * (1 << 20))
        stream.write('"}\n')
    measure = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], timeout=60, stdout=subprocess.DEVNULL);"
        "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)"
    )
    command = [
        sys.executable,
        "-c",
        measure,
        *veritune("score", file, "-r", "exact_answer", "-o", tmp_path / "o.jsonl"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    status, peak = map(int, done.stdout.split())
    assert status == 0
    assert peak < 8 * size


@pytest.mark.parametrize("name", [None, "cosine"])
def test_a_narrow_terminal_cuts_no_words(run: Run, monkeypatch: pytest.MonkeyPatch, name: str | None) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    result = run("rewards", *([name] if name else []))
    assert result.exit_code == 0
    assert "…" not in result.stdout.partition("in a config")[0]
    for word in ("min_value_wrong", "max_value_correct") if name else ("soft_overlong_punishment", "min_value_wrong"):
        assert word in result.stdout
