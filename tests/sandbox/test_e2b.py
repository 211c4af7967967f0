"""The ``e2b`` back-end's failures are never a program's, and nothing is left running at E2B."""

from __future__ import annotations

import importlib.metadata
import inspect
import json
import pickle
import sys
import types
from typing import Any

import pytest

from tests.sandbox import fake_e2b
from tests.sandbox.test_conformance import stand_in
from veritune.plugins import get_sandbox
from veritune.plugins.errors import MissingExtraError
from veritune.sandbox import Limits, Program, SandboxCrashed, SandboxUnavailable
from veritune.sandbox.languages import LANGUAGES

HELLO = Program("python", "print('hello')")
LIMITS = Limits(cpu_s=5, wall_s=10)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Machines whose commands end as scripted, one entry a command; needs no root."""
    script: list[Any] = []

    class Commands:
        def run(self, cmd: str, **_: Any) -> fake_e2b.CommandResult:
            said = script.pop(0)
            if isinstance(said, Exception):
                raise said
            return fake_e2b.CommandResult(stderr="", stdout=said, exit_code=0)

    class Machine(fake_e2b.Sandbox):
        def __init__(self) -> None:
            super().__init__()
            self.commands = Commands()

    module = types.ModuleType("e2b")
    module.Sandbox = Machine  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "e2b", module)
    monkeypatch.setenv("E2B_API_KEY", "a-valid-key")
    monkeypatch.setattr("veritune.sandbox.external.e2b._PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr(fake_e2b.Sandbox, "made", 0)
    tools = ("python3", *(tool for language in LANGUAGES.values() for tool in language.tools))
    script.append(json.dumps({tool: f"/usr/bin/{tool}" for tool in tools if tool != "rustc"}))
    return script


def ran(**changes: Any) -> str:
    answer: dict[str, Any] = {"exit": 0, "signal": None, "limit": None, "cpu_s": 0.1, "wall_s": 0.2, "peak_kb": 1024}
    answer.update({"stdout": "aGVsbG8K", "stdout_size": 6, "stderr": "", "stderr_size": 0}, **changes)
    return json.dumps({"compiled": None, "ran": answer})


LOST = fake_e2b.SandboxNotRunningException("The sandbox was killed or reached its timeout.")


def test_a_machine_lost_once_costs_nothing(scripted: list[Any]) -> None:
    scripted += [LOST, ran()]
    assert get_sandbox("e2b").run(HELLO, limits=LIMITS).stdout == b"hello\n"
    assert (fake_e2b.Sandbox.made, fake_e2b.Sandbox.alive) == (3, 0)


@pytest.mark.parametrize(
    "trouble",
    [
        LOST,
        fake_e2b.TimeoutException("deadline exceeded"),
        fake_e2b.CommandExitException(stderr="Killed", stdout="", exit_code=137),
        Exception("Command ended without an end event"),
        "",
        "not json",
        "[1]",
    ],
    ids=["lost", "late", "supervisor-killed", "cut", "silent", "babble", "no-object"],
)
def test_machines_lost_twice_are_no_failed_program(scripted: list[Any], trouble: Any) -> None:
    scripted += [trouble, trouble]
    with pytest.raises(SandboxCrashed):
        get_sandbox("e2b").run(HELLO, limits=LIMITS)
    assert fake_e2b.Sandbox.alive == 0


def test_an_answer_without_its_fields_is_no_failed_program(scripted: list[Any]) -> None:
    scripted += [json.dumps({"ran": {}})]
    with pytest.raises(SandboxCrashed, match="cannot be read"):
        get_sandbox("e2b").run(HELLO, limits=LIMITS)


@pytest.mark.parametrize("error", [fake_e2b.RateLimitException("429"), fake_e2b.ServiceBusyException("503")])
def test_a_busy_service_gets_more_than_one_chance(
    scripted: list[Any], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    made = sys.modules["e2b"].Sandbox.create
    refusals = [error, error]

    def create(**options: Any) -> Any:
        if refusals:
            raise refusals.pop()
        return made(**options)

    monkeypatch.setattr(sys.modules["e2b"].Sandbox, "create", create)
    scripted += [ran()]
    assert get_sandbox("e2b").run(HELLO, limits=LIMITS).ok
    refusals.extend([error] * 9)
    with pytest.raises(SandboxUnavailable, match="no machine to be had"):
        get_sandbox("e2b").run(HELLO, limits=LIMITS)


@pytest.mark.parametrize(
    ("said", "hit", "exit_code"),
    [
        (ran(exit=None, limit="wall"), "wall", None),
        (ran(cpu_s=9.0), "cpu", 0),
        (ran(exit=1, stderr="TWVtb3J5RXJyb3I=", stderr_size=11), "memory", 1),
        (ran(exit=None, signal=25), "output", None),
        (ran(exit=3), None, 3),
    ],
)
def test_limits_are_told_apart(scripted: list[Any], said: str, hit: str | None, exit_code: int | None) -> None:
    scripted += [said]
    outcome = get_sandbox("e2b").run(HELLO, limits=LIMITS)
    assert (outcome.limit_hit, outcome.exit_code) == (hit, exit_code)


def test_a_wrong_key_is_said(scripted: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2B_API_KEY", "wrong")
    with pytest.raises(SandboxUnavailable, match="check your credentials"):
        get_sandbox("e2b").report()
    monkeypatch.delenv("E2B_API_KEY")
    with pytest.raises(SandboxUnavailable, match="export E2B_API_KEY"):
        get_sandbox("e2b").report()


def test_the_key_is_not_in_a_pickle(scripted: list[Any]) -> None:
    data = pickle.dumps(get_sandbox("e2b", template="mine"))
    assert b"a-valid-key" not in data
    assert b"mine" in data


def test_a_missing_language_is_said(scripted: list[Any]) -> None:
    with pytest.raises(SandboxUnavailable, match="has no rust"):
        get_sandbox("e2b").run(Program("rust", "fn main() {}"), limits=LIMITS)


def test_a_missing_sdk_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "e2b", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'veritune\[e2b\]'"):
        get_sandbox("e2b").run(HELLO)


_CHEAT = """
import os, subprocess
for command in (["sudo", "-n", "id", "-u"], ["su", "-c", "id -u"]):
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
        print(done.stdout.decode(), end="")
    except OSError:
        pass
for pid in range(1, 40):
    if pid != os.getpid():
        try:
            os.kill(pid, 9)
            print("killed", pid)
        except OSError:
            pass
for path in ("/veritune/job.json", "/proc/1/environ"):
    try:
        print(open(path).read())
    except OSError:
        pass
try:
    open("/veritune/forged", "w")
    print("wrote")
except OSError:
    pass
"""


def test_a_program_is_not_its_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can neither become root again, nor kill, read or write what judges it."""
    stand_in(monkeypatch)
    outcome = get_sandbox("e2b").run(Program("python", _CHEAT), limits=LIMITS)
    assert outcome.ok, outcome.stderr
    assert outcome.stdout == b""


def test_the_stand_in_keeps_to_the_sdk() -> None:
    """Every argument that we rely on exists in the SDK under the same name, and so does every error."""
    try:
        importlib.metadata.version("e2b")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("e2b is not installed")
    sdk: Any = importlib.import_module("e2b")
    pairs: list[tuple[Any, Any]] = [
        (fake_e2b.Sandbox.create, sdk.Sandbox.create),
        (fake_e2b.Sandbox.kill, sdk.Sandbox.kill),
        (fake_e2b.Commands.run, importlib.import_module("e2b.sandbox_sync.commands.command").Commands.run),
        (
            fake_e2b.Filesystem.write_files,
            importlib.import_module("e2b.sandbox_sync.filesystem.filesystem").Filesystem.write_files,
        ),
    ]
    for ours, theirs in pairs:
        assert set(inspect.signature(ours).parameters) <= set(inspect.signature(theirs).parameters), ours
    names = [name for name, value in vars(fake_e2b).items() if isinstance(value, type) and issubclass(value, Exception)]
    exceptions = importlib.import_module("e2b.exceptions")
    assert all(hasattr(sdk, name) or hasattr(exceptions, name) for name in names)
