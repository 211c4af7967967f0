"""The audit finds planted faults of every kind, blames no sound row, and says what it did not look at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from veritune.cli.app import app
from veritune.config import rewards_from_options, with_columns
from veritune.lab.audit import AuditReport, AuditRow, audit
from veritune.lab.audit.page import write_page
from veritune.lab.audit.paid import echoes
from veritune.lab.audit.rows import choose_layout
from veritune.lab.audit.similar import near_pairs, normal
from veritune.lab.search.scoring import make_pool
from veritune.plugins import ConfigError
from veritune.sandbox.workers import WorkerPool

NAMES = ("Ann", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gina", "Hugo")
THINGS = ("apples", "marbles", "stamps", "coins", "books", "shells")
SENTENCES = (
    "{n} has {a} {t} and buys {b} more at the shop. How many {t} does {n} have?",
    "There are {a} {t} in a box. {n} puts {b} further ones in. What is the number of {t} in the box now?",
    "On Monday {n} finds {a} {t}, on Tuesday another {b}. How many {t} were found on both days together?",
)
Row = dict[str, Any]


def sound_rows(count: int = 60) -> list[Row]:
    rows = []
    for i in range(count):
        a, b = 3 + 7 * i, 5 + 2 * i
        text = SENTENCES[i % 3].format(n=NAMES[i % 8], t=THINGS[(i // 3) % 6], a=a, b=b)
        rows.append({"problem": text, "answer": str(a + b), "solution": f"We add: {a} + {b} = {a + b}.\n#### {a + b}"})
    return rows


SOUND = "veritune.rewards.attack.selftest.sound"


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with make_pool(1, 2.0) as running:
        yield running


def audited(
    rows: list[Row], pool: WorkerPool, reward: str | None = "accuracy", evaluation: list[Row] | None = None
) -> AuditReport:
    rewards = with_columns(rewards_from_options([reward]), {"gold": "answer"}) if reward is not None else None
    layout = choose_layout({name for row in rows for name in row}, "answer")
    given = [AuditRow(f"rows.jsonl:{i + 1}", row, layout) for i, row in enumerate(rows)]
    others = [AuditRow(f"eval.jsonl:{i + 1}", row, layout) for i, row in enumerate(evaluation or [])]
    return audit(given, rewards, evaluation=others, pool=pool)


def checks(report: AuditReport, row: int) -> set[str]:
    return {finding.check for finding in report.findings if finding.row == row}


@pytest.fixture(scope="module")
def planted(pool: WorkerPool) -> AuditReport:
    rows = sound_rows()
    rows[0]["answer"] = None
    rows[1]["answer"] = "\\frac{1}{"
    rows[2]["answer"] = rows[2]["solution"]
    rows[3]["answer"] = "77777"
    rows[4]["problem"] += f" (Answer: {rows[4]['answer']})"
    example = f"Example: Zoe counts all the birds she sees. So the answer is \\boxed{{{rows[5]['answer']}}}."
    rows[5]["problem"] = f"{example}\n\n{rows[5]['problem']}"
    rows[6]["problem"] = "  "
    rows.append({**rows[10], "problem": rows[10]["problem"].upper()})
    rows.append({**rows[11], "problem": "Please solve: " + rows[11]["problem"].replace("further", "then more")})
    rows.append({**rows[12], "answer": "9", "solution": "#### 9"})
    return audited(rows, pool, evaluation=[{"problem": f"{rows[20]['problem']} ", "answer": rows[20]["answer"]}])


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (0, "no gold"),
        (1, "gold lost"),
        (2, "no gold"),
        (3, "solution disagrees"),
        (4, "answer in the prompt"),
        (5, "answer in the prompt"),
        (6, "no prompt"),
        (60, "duplicate"),
        (61, "near-duplicate"),
        (62, "conflicting golds"),
        (12, "conflicting golds"),
        (20, "seen in evaluation"),
    ],
)
def test_a_planted_fault_is_found(planted: AuditReport, row: int, expected: str) -> None:
    assert expected in checks(planted, row)


def test_no_sound_row_is_blamed(planted: AuditReport) -> None:
    assert set(planted.left_out()) == {0, 1, 2, 3, 4, 5, 6, 12, 20, 60, 61, 62}
    assert not planted.pervasive


def test_an_example_that_is_paid_when_copied_is_found(pool: WorkerPool) -> None:
    rows = sound_rows(24)
    shown = f"<think>\nLet me see.\n</think>\n<answer>\n{rows[4]['answer']}\n</answer>"
    rows[4]["problem"] = f"An example:\n{shown}\nNow: {rows[4]['problem']}"
    blind = audited(rows, pool, f"{SOUND}:exact_tag")  # it does not see the prompt
    assert "echo pays" in checks(blind, 4)
    assert not any("echo pays" in checks(blind, row) for row in range(24) if row != 4)
    found = checks(audited(rows, pool, "exact_answer"), 4)  # it does
    assert "echo pays" not in found
    assert "answer in the prompt" in found


def test_a_question_that_equals_its_answer_is_not_paid_when_given_back(pool: WorkerPool) -> None:
    rows = [{"problem": f"Evaluate ${n}^2 + {n}$.", "answer": str(n * n + n)} for n in range(3, 11)]
    assert not audited(rows, pool).counts()


def test_a_reward_that_pays_everybody_is_at_fault_and_not_the_rows(tmp_path: Path, pool: WorkerPool) -> None:
    file = tmp_path / "loose.py"
    file.write_text(
        "from veritune import reward\n\n@reward\ndef loose(completion: str, answer: str) -> float:\n"
        "    return float(answer in completion)\n"
    )
    report = audited(sound_rows(24), pool, f"{file}:loose")
    assert report.pervasive == ["cheating pays"]
    assert not report.left_out()


def test_a_reward_that_fails_on_one_row_is_found(tmp_path: Path, pool: WorkerPool) -> None:
    file = tmp_path / "picky.py"
    file.write_text(
        "from veritune import reward\n\n@reward\ndef picky(completion: str, answer: str) -> float:\n"
        "    return float(completion.rpartition('####')[2].strip() == str(int(answer)))\n"
    )
    rows = sound_rows(24)
    rows[7]["answer"] = "seven"
    assert "reward fails" in checks(audited(rows, pool, f"{file}:picky"), 7)


def test_pass_rates_come_from_the_completions_and_undecided_has_a_cure(pool: WorkerPool) -> None:
    rows = sound_rows(24)
    for index, row in enumerate(rows):
        right, wrong = f"<answer>{row['answer']}</answer>", "<answer>1</answer>"
        row["completions"] = [right] * (index % 5) + [wrong] * (4 - index % 5)
    rows[3]["answer"] = None
    report = audited(rows, pool, "exact_answer")
    assert report.rates[6] == (1, 4)
    assert "never solved" in checks(report, 5)
    assert "always solved" in checks(report, 4)
    ((cause, _, cure),) = report.causes
    assert cause == "invalid_gold"
    assert "leave the row out" in cure


def test_without_rewards_only_the_rows_are_looked_at(pool: WorkerPool) -> None:
    report = audited(sound_rows(24), pool, None)
    assert not report.findings
    assert report.skipped["echo pays"] == "no rewards were given"
    assert "duplicate" in report.looked


def test_no_rows_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no rows"):
        audit([])


def test_the_page_holds_everything_and_no_text_can_leave_its_script(planted: AuditReport, tmp_path: Path) -> None:
    planted.rows[0].data["problem"] = "</script><b>bold</b> <!--DATA-->"  # type: ignore[index]
    file = tmp_path / "audit.html"
    write_page(planted, file, "rows <1>")
    page = file.read_text(encoding="utf-8")
    assert page.count("</script>") == 2
    assert "rows &lt;1&gt;" in page
    assert "src=" not in page
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    assert {finding["check"] for finding in data["findings"]} == set(planted.counts())


def test_the_command_writes_a_clean_file_with_reasons(tmp_path: Path) -> None:
    rows = sound_rows(24)
    rows[2]["answer"] = ""
    rows.append(rows[0])
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    clean = tmp_path / "clean.jsonl"
    command = ["audit", str(tmp_path / "train.jsonl"), "-r", "exact_answer", "--gold", "answer", "--workers", "1", "-q"]
    done = CliRunner().invoke(app, [*command, "--write-clean", str(clean), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["found"] == {"no gold": 1, "duplicate": 1}
    kept = [json.loads(line) for line in clean.read_text().splitlines()]
    assert kept == [row for index, row in enumerate(rows) if index not in (2, 24)]
    reasons = [json.loads(line) for line in (tmp_path / "clean.reasons.jsonl").read_text().splitlines()]
    assert [reason["checks"] for reason in reasons] == [["no gold"], ["duplicate"]]
    assert CliRunner().invoke(app, [*command, "--strict"]).exit_code == 1


def test_near_texts_are_all_found_and_no_others() -> None:
    texts = [
        "the cat sat on the mat today",
        "the cat sat on the mat now",
        "a dog ran",
        "THE CAT, sat on the mat today!",
    ]
    found = {(a, b) for a, b, _ in near_pairs(texts, 0.6)}
    assert found == {(0, 1), (0, 3), (1, 3)}
    assert {(a, b) for a, b, _ in near_pairs(texts, 0.6, [0, 1])} == {(0, 3), (1, 3)}
    assert normal("Ｆull  width, 12%") == "full width 12"


def test_examples_in_a_prompt_are_given_back_with_what_stands_before_them() -> None:
    prompt = "Q: 1+1?\nThe answer is \\boxed{2}\n\nQ: 2+2?"
    assert "Q: 1+1?\nThe answer is \\boxed{2}" in [text for _, text in echoes(prompt)]
    assert list(echoes("  ")) == []
