"""``veritune score`` of much and of imperfect data: ended and gone on with, faulty rows, processes, lists, files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Run = Callable[..., Result]
Write = Callable[..., Path]

MORTAL = """
import os
from pathlib import Path
from veritune import reward

@reward
def mortal(completion: str) -> float:
    "The length; the process ends at a row that the plan names, once."
    plan = Path(__file__).with_name("plan")
    row, _, how = plan.read_text().partition(" ")
    if how and int(row) == int(completion):
        plan.write_text("")
        os.kill(os.getpid(), int(how))
    return float(completion) / 7
"""
ENTRY = """
import sys
import veritune.cli.unfinished as unfinished
from veritune.cli import main
unfinished.EVERY_S = 0.0
sys.argv[0] = "veritune"
main()
"""


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def summary(result: Result, status: int = 0) -> dict[str, Any]:
    assert result.exit_code == status, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def left(folder: Path, name: str) -> list[str]:
    return [each for each in os.listdir(folder) if each.startswith(f".{name}")]


@pytest.mark.parametrize(("ending", "how"), [("jsonl", 9), ("parquet", 9), ("csv", 2)])
def test_what_was_interrupted_goes_on_to_the_same_file(
    run: Run, tmp_path: Path, write: Write, ending: str, how: int
) -> None:
    (tmp_path / "mortal.py").write_text(MORTAL)
    rows = write([{"prompt": f"p{i // 3}", "text": str(i)} for i in range(400)])
    whole, out = tmp_path / f"whole.{ending}", tmp_path / f"out.{ending}"
    command = ["score", str(rows), "-r", f"{tmp_path}/mortal.py:mortal", "--batch", "16", "--json", "-o"]
    (tmp_path / "plan").write_text("")
    expected = run(*command, whole)
    for row in (123, 300) if ending == "jsonl" else (123,):
        (tmp_path / "plan").write_text(f"{row} {how}")
        ended = subprocess.run([sys.executable, "-c", ENTRY, *command, out], capture_output=True, text=True)
        assert ended.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 130), ended.stderr
        assert not out.exists()
        assert how == signal.SIGKILL or "the same command goes on" in ended.stderr
    done = run(*command, out)
    assert "going on behind row" in done.stderr
    assert out.read_bytes() == whole.read_bytes()
    assert done.stdout == expected.stdout, "the summary counts every row once"
    assert left(tmp_path, "out") == []


def test_another_command_or_other_data_does_not_go_on(run: Run, tmp_path: Path, write: Write, mine: Path) -> None:
    from veritune.cli import unfinished

    rows, out = write([{"text": str(i)} for i in range(10)]), tmp_path / "out.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unfinished, "EVERY_S", 0.0)
        assert run("score", rows, "-r", f"{mine}:buggy", "-o", out, "--batch", 1).exit_code == 1
    assert len(left(tmp_path, "out.jsonl")) == 2, "five rows and their place"
    again = run("score", rows, "-r", f"{mine}:buggy", "-o", out, "--batch", 1)
    assert "going on behind row 5" in again.stderr
    assert again.exit_code == 1
    other = run("score", rows, "-r", f"{mine}:patient", "-o", out)
    assert "beginning anew" in other.stderr
    assert len(read(out)) == 10
    assert left(tmp_path, "out.jsonl") == []


def test_a_row_at_fault_ends_everything_or_itself(run: Run, tmp_path: Path, mine: Path) -> None:
    path, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    lines = ['{"text": "4"}', "{not json", '{"text": null}', '{"text": "5"}', '{"other": 1}', '["no"]', '{"text": "7"}']
    path.write_text("\n".join(lines) + "\n")
    assert run("score", path, "-r", f"{mine}:buggy", "-o", out).exit_code == 2
    assert not out.exists()
    found = summary(run("score", path, "-r", f"{mine}:buggy", "-o", out, "--on-error", "skip", "--json"))
    assert (found["rows"], found["skipped"]) == (2, 5)
    assert found["rewards"]["buggy"]["decided"] == 2
    written = read(out)
    assert len(written) == 7, "every row has its place in the output"
    assert [row["error"] is None for row in written] == [True, False, False, False, False, False, True]
    assert written[3]["reward"] is None
    assert "ZeroDivisionError" in written[3]["error"]
    assert "rows.jsonl:2: not JSON" in written[1]["error"]
    shown = run("score", path, "-r", f"{mine}:buggy", "--on-error", "skip").stdout
    assert "5 rows could not be scored" in shown


def test_where_no_row_can_be_scored_the_status_says_so(run: Run, write: Write, mine: Path) -> None:
    assert summary(run("score", write([{"text": "5"}]), "-r", f"{mine}:buggy", "--on-error", "skip", "--json"), 1)


def test_a_fault_in_a_group_reward_costs_its_group(run: Run, tmp_path: Path, write: Write) -> None:
    (tmp_path / "g.py").write_text(
        "from veritune import reward\n"
        "@reward(batch=True)\n"
        "def share(completions, prompts):\n"
        "    '''1 over the group.'''\n"
        "    return [1.0 / (len(completions) - completions.count('bad') * len(completions)) for _ in completions]\n"
    )
    rows = write([{"prompt": p, "text": t} for p, t in [("a", "x"), ("a", "y"), ("b", "bad"), ("b", "z"), ("c", "x")]])
    found = summary(run("score", rows, "-r", f"{tmp_path}/g.py:share", "--on-error", "skip", "--json"))
    assert (found["rows"], found["skipped"]) == (3, 2)
    assert found["rewards"]["share"]["max"] == 1.0


def test_processes_give_the_same_file_and_errors_name_the_row(
    run: Run, tmp_path: Path, write: Write, mine: Path
) -> None:
    rows = write([{"prompt": f"{i // 4}", "text": str(i + 6), "gold": str(i + 6 + i % 2)} for i in range(200)])
    files = [tmp_path / "none.jsonl", tmp_path / "two.jsonl"]
    for out, count in zip(files, (0, 2), strict=True):
        arguments = ("-r", f"{mine}:same", "-r", f"{mine}:crowd", "-r", f"{mine}:buggy", "--batch", 16)
        assert run("score", rows, *arguments, "--workers", count, "-o", out, "--explain").exit_code == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    bad = write([{"text": "4"}, {"text": "5"}], "bad.jsonl")
    failed = run("score", bad, "-r", f"{mine}:buggy", "--workers", 1)
    assert failed.exit_code == 1
    assert "bad.jsonl:2" in failed.stderr


def test_a_lost_process_is_said_and_not_waited_for(run: Run, tmp_path: Path, write: Write) -> None:
    (tmp_path / "gone.py").write_text(
        "import os\nfrom veritune import reward\n@reward\n"
        "def gone(completion: str) -> float:\n    '''Ends.'''\n    os._exit(3)\n"
    )
    failed = run("score", write([{"text": "4"}] * 3), "-r", f"{tmp_path}/gone.py:gone", "--workers", 1)
    assert failed.exit_code == 1
    assert "exit status 3" in failed.stderr


def test_csv_in_and_out(run: Run, tmp_path: Path, mine: Path) -> None:
    path, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    path.write_bytes('\ufeffprompt,completion,answer\r\n"two\nlines",4,4\r\n"a ""b""",5,汉\r\n'.encode())
    assert run("score", path, "-r", f"{mine}:same", "-o", out).exit_code == 0
    assert out.read_text() == (
        'prompt,completion,answer,reward,scores.same,causes.same\n"two\nlines",4,4,1.0,1.0,\n"a ""b""",5,汉,0.0,0.0,\n'
    )
    again = tmp_path / "again.jsonl"
    assert run("score", out, "-r", f"{mine}:same", "-o", again, "--prefix", "new_").exit_code == 0
    assert [row["new_reward"] for row in read(again)] == [1.0, 0.0]


def test_a_csv_record_at_fault_is_named_by_its_line(run: Run, tmp_path: Path, mine: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b'completion,answer\n"a\nb",1\n1\n4,4\n\xff,4\n5,5\n')
    stopped = run("score", path, "-r", f"{mine}:same")
    assert stopped.exit_code == 2
    assert "rows.csv:4: 1 fields, and the header names 2" in stopped.stderr
    found = summary(run("score", path, "-r", f"{mine}:same", "--on-error", "skip", "--json"))
    assert (found["rows"], found["skipped"]) == (3, 2)
    assert [fault["row"].rpartition(":")[2] for fault in found["faults"]] == ["4", "6"]


def test_several_completions_a_row(run: Run, tmp_path: Path, write: Write, mine: Path) -> None:
    rows = write(
        [
            {"prompt": "a", "completions": ["4", "4", "5", "6"], "gold": "4"},
            {"prompt": "b", "completions": ["1", "2", "3", "3"], "gold": "4"},
            {"prompt": "c", "completions": ["stuck"], "gold": "4"},
        ]
    )
    out = tmp_path / "out.jsonl"
    found = summary(run("score", rows, "-r", f"{mine}:same", "-r", f"{mine}:patient", "-o", out, "--json"))
    assert (found["rows"], found["completions"]) == (3, 9)
    groups = found["rewards"]["same"]["groups"]
    assert (groups["groups"], groups["without_signal"]) == (2, 1)
    assert groups["pass"]["1"] == {"value": pytest.approx(0.5 / 3), "se": pytest.approx(1 / 6), "groups": 3}
    assert groups["pass"]["2"]["value"] == pytest.approx((1 - 2 * 1 / (4 * 3)) / 2), "1 − C(2,2)/C(4,2), and 0"
    written = read(out)
    assert written[0]["scores"]["same"] == [1.0, 1.0, 0.0, 0.0]
    assert written[2]["causes"]["patient"] == ["timeout"]
    assert "pass@4" in run("score", rows, "-r", f"{mine}:same").stdout


def test_chats_may_be_listed_too_and_one_chat_is_one_completion(run: Run, write: Write, mine: Path) -> None:
    chat = [{"role": "assistant", "content": "4"}]
    found = summary(run("score", write([{"responses": [chat, "5"], "gold": "4"}]), "-r", f"{mine}:same", "--json"))
    assert (found["completions"], found["rewards"]["same"]["mean"]) == (2, 0.5)
    one = summary(run("score", write([{"responses": chat, "gold": "4"}]), "-r", f"{mine}:same", "--json"))
    assert (one["rows"], one["rewards"]["same"]["mean"]) == (1, 1.0)


def test_the_standard_error_counts_prompts_and_not_completions(run: Run, write: Write, mine: Path) -> None:
    alike = write([{"prompt": p, "text": "4" if p < "e" else "5", "gold": "4"} for p in "abcdefgh" for _ in range(50)])
    found = summary(run("score", alike, "-r", f"{mine}:same", "--json"))["rewards"]["same"]
    assert found["mean"] == 0.5
    assert found["se"] == pytest.approx((0.25 / 7) ** 0.5), "of eight prompts, not of 400 rows"


def test_several_files_patterns_and_folders(run: Run, tmp_path: Path, write: Write, mine: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        write([{"text": "4", "gold": "4"}, {"text": "5", "gold": "4"}], name)
    (tmp_path / "mine.txt").write_text("no data")
    for given in ([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], [tmp_path / "*.jsonl"], [tmp_path]):
        assert summary(run("score", *given, "-r", f"{mine}:same", "--json"))["rows"] == 4
    nothing = run("score", tmp_path / "z*.jsonl", "-r", f"{mine}:same")
    assert nothing.exit_code == 2
    assert "no file fits" in nothing.stderr
    one = run("score", tmp_path, "-r", f"{mine}:same", "-o", tmp_path / "a.jsonl")
    assert "is the input file itself" in one.stderr


def test_explain_shows_the_answer_and_the_gold_that_were_compared(run: Run, tmp_path: Path, write: Write) -> None:
    rows = write([{"completion": r"\boxed{2}", "gold": r"2\sqrt{3}"}])
    shown = run("score", rows, "-r", "accuracy", "--explain").stdout
    assert r"2\sqrt{3}" in shown
    out = tmp_path / "out.jsonl"
    assert run("score", rows, "-r", "accuracy", "--explain", "-o", out).exit_code == 0
    assert (read(out)[0]["extracted"], read(out)[0]["expected"]) == ({"accuracy": "2"}, {"accuracy": r"2\sqrt{3}"})
    config = tmp_path / "c.yaml"
    config.write_text("rewards: {accuracy: {weight: 2}, format: {weight: 0.5}}\n")
    assert "= reward" in run("score", rows, "--config", config, "--explain").stdout
