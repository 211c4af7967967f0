"""No program finds anything of another one in its memory: searched from the inside and, as root, from the outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from veritune.sandbox import Job, Limits, Outcome, Program, Sandbox
from veritune.sandbox.conformance import memory
from veritune.sandbox.conformance.corpus import descendants
from veritune.sandbox.local.backend import LocalSandbox
from veritune.verifiers.code.judge import judge_batch
from veritune.verifiers.code.problem import CallTests, InputOutput, Problem, ScriptTests, StdioTests

PATIENT = Limits(cpu_s=20, wall_s=60)


@pytest.fixture(params=["namespaces", "confined"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with LocalSandbox(tier=request.param, workers=1) as sandbox:
        yield sandbox


def marks_in(pid: int) -> set[str]:
    """What stands behind each mark in all readable memory of a process; PermissionError where that is not for us."""
    found: set[str] = set()
    with open(f"/proc/{pid}/maps") as lines, open(f"/proc/{pid}/mem", "rb", 0) as content:
        for line in lines:
            span, rights = line.split()[:2]
            start, end = (int(word, 16) for word in span.split("-"))
            if rights.startswith("r") and "[v" not in line:
                content.seek(start)
                found |= {m[1].decode() for m in re.finditer(rb"CANARY-([0-9a-f]{8,32})", content.read(end - start))}
    return found


def warm_interpreters() -> list[int]:
    """The processes that programs are forked from: children of the slots' guardians."""
    own = descendants()
    parents = {pid: int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1]) for pid in own}
    return [pid for pid, parent in parents.items() if parent in own]


def test_the_warm_interpreter_holds_nothing_of_a_job(sandbox: Sandbox) -> None:
    """All of its memory is searched, as every program inherits exactly that. Both kinds of interpreters."""
    jobs, places = memory.planted()
    more, more_places = memory.planted("# numpy\n", compiled=False)
    places.update(more_places)
    for answer in sandbox.run_batch(memory.runnable(jobs + more, sandbox)):
        assert not isinstance(answer, Exception), answer
    searched = 0
    for pid in warm_interpreters():
        try:
            found = marks_in(pid)
        except PermissionError:
            continue
        searched += 1
        assert [places.get(token, token) for token in found] == []
    if not searched:
        pytest.skip("reading another process's memory needs root")


def test_the_search_finds_what_is_there(sandbox: Sandbox) -> None:
    """Support modules stay in the warm interpreter by design: a mark in one of them must be found."""
    mark = memory.canary()
    kept = Program("python", "import kept; print(kept.x)", support={"kept": f"x = {mark!r}"})
    for first_line in ("", "# numpy\n"):
        outcome = sandbox.run(Program("python", first_line + kept.source, support=kept.support))
        assert outcome.stdout.decode().strip() == mark
        search = Program("python", first_line + memory.SEARCH, support=kept.support)
        found = sandbox.run(search, limits=PATIENT)
        assert memory.searched(found.stdout)[1] == [mark.removeprefix(memory.MARK)], found


def test_every_program_has_the_same_number() -> None:
    """Where a program has process ids of its own: they do not tell how many processes there were before."""
    with LocalSandbox(workers=1) as sandbox:
        if sandbox.report().tier != "namespaces":
            pytest.skip("process ids are the host's in this tier")
        many = "import os\nfor _ in range(20):\n    if not os.fork(): os._exit(0)\n    os.wait()\nprint(os.getpid())"
        answers = sandbox.run_batch([Job(Program("python", many))] * 3)
        said = {a.stdout for a in answers if isinstance(a, Outcome)}
        if len(said) == 3:
            pytest.skip("the kernel or the container does not let the numbers be set back")
        assert len(said) == 1


def test_the_judge_leaves_nothing_either(sandbox: Sandbox) -> None:
    """Solutions, test code, inputs and expected answers of judged rows, with the judge's own helper modules warm."""
    places: dict[str, str] = {}

    def mark(place: str) -> str:
        made = memory.canary()
        places[made.removeprefix(memory.MARK)] = place
        return made

    def solution() -> str:
        return f"def f(x):\n    '''{mark('solution')}'''\n    return x\n"

    calls = Problem(CallTests("f", [([mark("input")], "x"), ([1], mark("answer"))]))
    code = f"import unittest\nassert f(1) == 1, {mark('tests')!r}  # import of nothing"
    script = Problem(ScriptTests([code], entry="f"))
    stdio = Problem(StdioTests([InputOutput(mark("stdin"), mark("stdout"))]))
    programs = [(solution(), calls), (solution(), script), (f"print(input())  # {mark('program')}", stdio)] * 2
    verdicts = judge_batch(programs, sandbox, PATIENT, stop_early=False)
    assert [verdict.correct for verdict in verdicts] == [False, True, False] * 2, verdicts
    try:
        found = [places.get(token, token) for pid in warm_interpreters() for token in marks_in(pid)]
    except PermissionError:
        pytest.skip("reading another process's memory needs root")
    assert found == []
