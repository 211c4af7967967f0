"""A fault of ours is counted, its input kept in a bounded folder, and remembering it never raises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from veritune.plugins import faults


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(faults.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(faults, "_counts", type(faults._counts)())
    return tmp_path


def a_fault(text: str) -> str:
    try:
        int(text)
    except ValueError as error:
        return faults.record("reading a number", error, text=text)
    raise AssertionError


def test_equal_faults_are_counted_and_fill_one_file(folder: Path) -> None:
    sentences = {a_fault(text) for text in ("⑴", "⑴", "⑵")}
    assert faults.counts() == {"reading a number": 3}
    (path,) = folder.glob("*.json")
    kept = json.loads(path.read_text(encoding="ascii"))
    assert kept["input"] == {"text": "⑴"}
    assert "ValueError" in kept["error"]
    assert kept["traceback"]
    assert all("reading a number" in sentence for sentence in sentences)


def test_the_folder_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "MAX_FILES", 3)
    for number in range(9):
        faults.record(f"doing {number}", "ValueError: no", text="x" * 300_000)
    kept = list(folder.glob("*.json"))
    assert len(kept) == 3
    assert all(path.stat().st_size < 2 * faults.MAX_TEXT for path in kept)


@pytest.mark.parametrize("text", ["\ud800", "\x00", "𝔸" * 10, ""])
def test_any_input_is_kept(folder: Path, text: str) -> None:
    faults.record("reading", "KeyError: x", text=text, more=object())
    (path,) = folder.glob("*.json")
    assert json.loads(path.read_text(encoding="ascii"))["input"]["text"] == text


def test_nothing_is_written_when_off_or_where_nothing_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(faults.FOLDER_VARIABLE, "off")
    assert faults.folder() is None
    assert "fault" in faults.record("reading", "KeyError: x", text="y")
    (tmp_path / "file").write_text("no folder", encoding="ascii")
    monkeypatch.setenv(faults.FOLDER_VARIABLE, str(tmp_path / "file"))
    assert "fault" in faults.record("reading again", "KeyError: x", text="y")
