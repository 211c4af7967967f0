"""What open-r1's ``code_reward`` computes, its oddities included, on our sandbox."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from veritune.plugins.types import Cause, Sample, Score, message_text
from veritune.sandbox.errors import SandboxError
from veritune.sandbox.interface import Job, Limits, Outcome, Program
from veritune.verifiers.code.judge import SandboxSpec, settled, shared_sandbox

TEST_SECONDS = 5.0
SCRIPT_SECONDS = 30.0
_LONGEST_ARGUMENT = 1 << 17
LIMITS = Limits(cpu_s=TEST_SECONDS, wall_s=TEST_SECONDS, memory_mb=1024, output_kb=8192, processes=64)


def last_message(sample: Sample) -> str:
    """What the peer's code rewards read: a string as it is, of chat messages the last one."""
    if isinstance(sample.completion, str):
        return sample.completion
    return message_text(sample.completion[-1]) if len(sample.completion) else ""


def peer_extract(text: str, language: str | None = "python") -> str:
    """The last closed block tagged with exactly this word and a line break after it; else the empty string."""
    if language is None:
        return ""
    blocks = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return str(blocks[-1]) if blocks else ""


def peer_scores(
    samples: Sequence[Sample], verification_info: Sequence[Any], enforce_same_language: bool, sandbox: SandboxSpec
) -> list[Score]:
    """open-r1 ``code_reward``. ValueError as the peer has it where languages are to be one and are not."""
    if enforce_same_language and len({info["language"] for info in verification_info}) > 1:
        raise ValueError("All verification_info must have the same language")
    tasks = [
        _score(peer_extract(last_message(sample)), info)
        for sample, info in zip(samples, verification_info, strict=True)
    ]
    box = shared_sandbox(sandbox)
    box.report()
    return [_settled(finding) for finding in box.run_tasks(tasks)]


def _settled(finding: Score | SandboxError) -> Score:
    if isinstance(finding, SandboxError):
        cause, reason = settled(finding)
        return Score.none(reason, cause)
    return finding


def _score(source: str, info: Mapping[str, Any]) -> Generator[Job, Any, Score]:
    """The peer's evaluation script: ``python3 -c source`` a test; what breaks the script is 0."""
    cases = info["test_cases"]
    if not cases:
        return Score(0.0, "no tests: the peer divides by zero and gives 0")
    if "\0" in source or len(source.encode("utf-8", "surrogatepass")) >= _LONGEST_ARGUMENT:
        return Score(0.0, "the peer cannot hand this program to python3 -c")
    passed, seconds = 0, 0.0
    for number, case in enumerate(cases, start=1):
        job = Job(Program("python", source), case["input"], limits=LIMITS)
        outcome: Outcome = yield job
        if outcome.limit_hit == "wall" and outcome.starved:  # once more, with three times as long
            outcome = yield replace(job, limits=replace(LIMITS, wall_s=3 * LIMITS.wall_s))
        if outcome.limit_hit == "wall" and outcome.starved:
            return Score.none("the program waited for a CPU until its wall limit passed", Cause.TIMEOUT)
        seconds += outcome.wall_s
        if outcome.limit_hit in ("wall", "cpu") or seconds > SCRIPT_SECONDS:
            return Score(0.0, f"test {number} of {len(cases)} takes too long, which voids the sample")
        if outcome.exit_code != 0:
            continue
        try:
            output = outcome.stdout.decode()
        except UnicodeDecodeError:
            return Score(0.0, f"the output of test {number} is no UTF-8, which voids the sample")
        passed += _agree(output.replace("\r\n", "\n").replace("\r", "\n"), case["output"])
    return Score(passed / len(cases), f"{passed} of {len(cases)} tests agree as far as both outputs go")


def _agree(output: str, expected: str) -> bool:
    lines = zip(output.strip().split("\n"), expected.split("\n"), strict=False)
    return all(one.strip() == other.strip() for one, other in lines)
