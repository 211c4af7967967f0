"""Every hostile program of the corpus holds what it must, in both tiers, as root and as an ordinary user.

The programs that attack a judge (function, assert and unittest style) are tested with the judge.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import veritune
from veritune.sandbox.conformance import corpus
from veritune.sandbox.local import host

SOURCES = Path(veritune.__file__).resolve().parent.parent
OTHER_USER = 61234


@dataclass
class Siege:
    """The corpus against one tier, run in a process of its own."""

    process: subprocess.Popen[str]
    rows: list[dict[str, Any]] = field(default_factory=list)
    errors: str = ""

    def finish(self) -> None:
        out, self.errors = self.process.communicate(timeout=200)
        self.rows = [json.loads(line) for line in out.splitlines()]


def start(folder: Path, tier: str, as_user: bool) -> Siege | str:
    """A siege under way, or why there can be none."""
    options: dict[str, Any] = {}
    python = sys.executable
    if as_user:
        if os.getuid() != 0:
            return "only root can become another user"
        usable = [i for i in host.interpreters(None) if host.usable(i, True, True)]
        usable = [i for i in usable if i.version == sys.version_info[:2]]
        if not usable or not host.readable(str(SOURCES / "veritune" / "__init__.py"), True, True):
            return "another user can read neither the interpreter nor the sources"
        python = usable[0].path
        options = {"user": OTHER_USER, "group": OTHER_USER, "extra_groups": []}
    packages = [p for p in sys.path if p.endswith("site-packages")]
    environment = {
        "PYTHONPATH": os.pathsep.join([str(SOURCES), *packages]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
    }
    command = [
        python,
        "-m",
        "veritune.sandbox.conformance",
        "--corpus",
        str(folder),
        "--tier",
        tier,
        "--seconds",
        "0.3",
    ]
    return Siege(
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd="/", **options
        )
    )


CASES = [("namespaces", False), ("confined", False), ("namespaces", True), ("confined", True)]


@pytest.fixture(scope="module")
def sieges(shared: Path) -> dict[tuple[str, bool], Siege | str]:
    """All of them at once: they mostly wait for limits."""
    started = {case: start(shared / "attacks", *case) for case in CASES}
    for siege in started.values():
        if isinstance(siege, Siege):
            siege.finish()
    return started


@pytest.mark.slow
@pytest.mark.parametrize(("tier", "as_user"), CASES, ids=lambda value: {True: "user", False: "self"}.get(value, value))
def test_the_corpus_holds(sieges: dict[tuple[str, bool], Siege | str], tier: str, as_user: bool) -> None:
    siege = sieges[tier, as_user]
    if isinstance(siege, str):
        pytest.skip(siege)
    assert siege.rows, siege.errors
    if "unavailable" in siege.rows[0]:
        pytest.skip(siege.rows[0]["unavailable"])
    first, *attacks = siege.rows
    assert first["report"]["tier"] == tier
    if as_user:
        assert first["uid"] == OTHER_USER
    assert len(attacks) > 50
    assert {row["attack"]: row["broken"] for row in attacks if row["broken"]} == {}


MEMORY, LATE, SECRET = "memory bounded", "killed within limit", "secret not readable"


@pytest.mark.parametrize(
    ("runs", "broken", "count"),
    [
        ([()], (), 1),
        ([(SECRET,)], (SECRET,), 1),
        ([(MEMORY,), ()], (), 2),
        ([(MEMORY,), (LATE,)], (), 2),
        ([(MEMORY, LATE), (LATE,), (LATE,)], (LATE,), 3),
        ([(SECRET, LATE), ()], (SECRET,), 2),
        ([(LATE,), (SECRET,)], (SECRET,), 2),
    ],
)
def test_what_a_busy_machine_holds_up_is_broken_where_it_never_held(
    runs: list[tuple[str, ...]], broken: tuple[str, ...], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack = corpus.Attack("a.py", "python", "memory", "stdio", "fail", (SECRET, LATE, MEMORY), "")
    left = iter(runs)
    done: list[corpus.Result] = []

    def run(*_: Any) -> corpus.Result:
        done.append(corpus.Result(attack, next(left), (), 0.0))
        return done[-1]

    monkeypatch.setattr(corpus, "run", run)
    nothing: Any = None
    assert corpus.run_surely(nothing, attack, [], nothing).broken == broken
    assert len(done) == count
