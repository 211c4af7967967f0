"""One law a check. A back-end conforms where every check passes or does not apply to what it reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from veritune.plugins.errors import ConfigError, UnknownNameError
from veritune.sandbox.conformance.world import World
from veritune.sandbox.errors import DeadlineExceeded, SandboxError
from veritune.sandbox.interface import Job, Limits, Linked, Outcome, Program, Sandbox

SHORT = Limits(cpu_s=2, wall_s=4, memory_mb=256, processes=16, scratch_mb=8, file_mb=4)


@dataclass(frozen=True)
class Check:
    """A law of sandboxes. ``needs``: a property of the isolation report without which it is not claimed."""

    name: str
    law: str
    run: Callable[[Sandbox], None]
    needs: str | None = None
    language: str = "python"
    links: bool = False
    feature: str | None = None
    """What the check relies on and a back-end may declare to lack."""


@dataclass(frozen=True)
class Finding:
    """What came of a check: held, or ``problem`` says what was seen; ``skipped`` says why it does not apply."""

    check: Check
    problem: str = ""
    skipped: str = ""

    @property
    def held(self) -> bool:
        return not self.problem


CHECKS: list[Check] = []


def check(
    *, needs: str | None = None, language: str = "python", links: bool = False, feature: str | None = None
) -> Callable[[Callable[[Sandbox], None]], Callable[[Sandbox], None]]:
    def register(function: Callable[[Sandbox], None]) -> Callable[[Sandbox], None]:
        CHECKS.append(Check(function.__name__, function.__doc__ or "", function, needs, language, links, feature))
        return function

    return register


def examine(sandbox: Sandbox) -> list[Finding]:
    """Run every check that applies."""
    return [examine_one(check, sandbox) for check in CHECKS]


def examine_one(check: Check, sandbox: Sandbox) -> Finding:
    """Run one check, if it applies to what the back-end reports."""
    if check.needs is not None and sandbox.report().enforcement().get(check.needs) == "none":
        return Finding(check, skipped=f"{check.needs} is not enforced by this back-end")
    if check.feature in sandbox.lacks:
        return Finding(check, skipped=f"this back-end has no {check.feature}")
    if check.language not in sandbox.languages():
        return Finding(check, skipped=f"no {check.language} here")
    if check.links and not sandbox.can_link:
        return Finding(check, skipped="this back-end cannot join programs")
    try:
        check.run(sandbox)
    except (AssertionError, SandboxError) as error:
        return Finding(check, problem=f"{type(error).__name__}: {error}")
    return Finding(check)


def _python(sandbox: Sandbox, source: str, stdin: bytes | str = b"", **more: Any) -> Outcome:
    more.setdefault("limits", SHORT)
    return sandbox.run(Program("python", source), stdin, **more)


def _expect(outcome: Outcome, stdout: bytes) -> None:
    assert outcome.ok, f"{outcome.describe()}: {outcome.stderr[-300:]!r}"
    assert outcome.stdout == stdout, f"stdout {outcome.stdout[:200]!r} is not {stdout[:200]!r}"


@check(feature="binary")
def reads_stdin_and_writes_stdout(sandbox: Sandbox) -> None:
    """Bytes in, the same bytes out, whatever they are."""
    data = bytes(range(256)) * 3000
    copy = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
    _expect(_python(sandbox, copy, data), data)


@check()
def keeps_stderr_apart(sandbox: Sandbox) -> None:
    """stderr is handed back by itself."""
    outcome = _python(sandbox, "import sys; print('out'); print('err', file=sys.stderr)")
    _expect(outcome, b"out\n")
    assert outcome.stderr == b"err\n", outcome.stderr


@check()
def tells_exit_statuses(sandbox: Sandbox) -> None:
    """An exit status is the program's own, and an uncaught exception is 1 with its traceback."""
    assert _python(sandbox, "raise SystemExit(7)").exit_code == 7
    outcome = _python(sandbox, "def f():\n    raise ValueError('why')\nf()")
    assert outcome.exit_code == 1, outcome.describe()
    assert b"ValueError: why" in outcome.stderr, outcome.stderr


@check()
def tells_a_crash_from_an_exit(sandbox: Sandbox) -> None:
    """Death by a signal is not an exit status 0."""
    outcome = _python(sandbox, "import os; os.abort()")
    assert not outcome.ok, outcome.describe()
    assert outcome.signal == 6 or outcome.exit_code not in (0, None), outcome.describe()


@check()
def speaks_unicode(sandbox: Sandbox) -> None:
    """Source, stdin and stdout are UTF-8."""
    _expect(_python(sandbox, "print('é→' + input())", "日本\n"), "é→日本\n".encode())


@check()
def gives_files(sandbox: Sandbox) -> None:
    """A job's files lie in the working directory, and modules among them can be imported."""
    files = {"helper.py": "value = 6\n", "data/numbers.txt": b"7"}
    source = "import helper; print(helper.value * int(open('data/numbers.txt').read()))"
    _expect(_python(sandbox, source, files=files), b"42\n")


@check()
def refuses_files_outside(sandbox: Sandbox) -> None:
    """A file name that leaves the folder is the caller's mistake."""
    for name in ("../x", "/etc/x", "a//b", ""):
        try:
            _python(sandbox, "", files={name: b""})
        except ConfigError:
            continue
        raise AssertionError(f"the file name {name!r} was accepted")


@check()
def refuses_unknown_languages(sandbox: Sandbox) -> None:
    """An unknown language is the caller's mistake, named with its nearest."""
    try:
        sandbox.run(Program("pyhton", ""))
    except UnknownNameError:
        return
    raise AssertionError("the language 'pyhton' was accepted")


@check(feature="arguments")
def passes_arguments(sandbox: Sandbox) -> None:
    """Arguments arrive as they are."""
    program = Program("python", "import sys; print(sys.argv[1:])", args=("a b", "$HOME", ""))
    _expect(sandbox.run(program, limits=SHORT), b"['a b', '$HOME', '']\n")


@check()
def imports_support_modules(sandbox: Sandbox) -> None:
    """Our own helper modules can be imported by name."""
    program = Program("python", "from our_helper import answer; print(answer())", support={"our_helper": _SUPPORT})
    for _ in range(2):
        _expect(sandbox.run(program, limits=SHORT), b"42\n")


_SUPPORT = "def answer():\n    return 42\n"


@check(feature="cpu_time")
def ends_a_spinning_program(sandbox: Sandbox) -> None:
    """CPU time is limited, and the outcome says so."""
    started = time.monotonic()
    outcome = _python(sandbox, "while True: pass", limits=Limits(cpu_s=0.5, wall_s=8))
    assert outcome.limit_hit == "cpu" or (outcome.limit_hit == "wall" and outcome.starved), outcome.describe()
    assert time.monotonic() - started < 15, f"took {time.monotonic() - started:.1f} s"


@check()
def ends_a_sleeping_program(sandbox: Sandbox) -> None:
    """Clock time is limited, and the outcome says so."""
    started = time.monotonic()
    outcome = _python(sandbox, "import time; time.sleep(60)", limits=Limits(cpu_s=5, wall_s=0.5))
    assert outcome.limit_hit == "wall", outcome.describe()
    assert not outcome.starved, "a program that sleeps does not wait for a CPU"
    assert time.monotonic() - started < 12, f"took {time.monotonic() - started:.1f} s"


@check(needs="memory")
def bounds_memory(sandbox: Sandbox) -> None:
    """Memory is limited, and the outcome says so."""
    hoard = "x = []\nwhile True: x.append(bytearray(8 << 20))"
    outcome = _python(sandbox, hoard, limits=Limits(cpu_s=5, wall_s=10, memory_mb=128))
    assert outcome.limit_hit == "memory", outcome.describe()
    assert outcome.peak_memory_mb < 400, outcome.peak_memory_mb


@check()
def bounds_output(sandbox: Sandbox) -> None:
    """Output is cut at its limit, and the outcome says so."""
    outcome = _python(sandbox, "while True: print('x' * 1000)", limits=Limits(cpu_s=5, wall_s=10, output_kb=64))
    assert len(outcome.stdout) <= 64 * 1024
    assert outcome.stdout_truncated
    assert not outcome.ok
    assert outcome.limit_hit == "output", outcome.describe()


@check()
def starts_in_an_empty_folder(sandbox: Sandbox) -> None:
    """Nothing of one run is there in the next."""
    _expect(_python(sandbox, "open('left', 'w').write('x'); print(1)"), b"1\n")
    look = "import os; print([n for n in os.listdir('.') if not n.startswith(('.', 'main.'))])"
    _expect(_python(sandbox, look), b"[]\n")


@check(needs="fs_read")
def hides_host_files(sandbox: Sandbox) -> None:
    """A file of the host that everybody may read cannot be read."""
    with World() as world:
        source = f"print(open({str(world.folder / 'secret.txt')!r}).read())"
        outcome = _python(sandbox, source)
        assert world.token.encode() not in outcome.stdout + outcome.stderr
        assert not outcome.ok


@check(needs="fs_write")
def protects_host_files(sandbox: Sandbox) -> None:
    """Nothing can be written outside the scratch folder."""
    with World() as world:
        _python(sandbox, f"open({str(world.out / 'intruder')!r}, 'w').write('x')")
        assert world.written() == []


@check()
def hides_the_environment(sandbox: Sandbox) -> None:
    """The caller's environment is not the program's."""
    with World() as world:
        outcome = _python(sandbox, "import os; print(dict(os.environ))")
        assert outcome.ok, outcome.describe()
        assert world.token.encode() not in outcome.stdout


@check(needs="network")
def cuts_the_network(sandbox: Sandbox) -> None:
    """No TCP, UDP, abstract or path Unix socket of the host can be reached."""
    with World() as world:
        source = world.fill_in(_CALL_HOME)
        outcome = _python(sandbox, source)
        assert b"reached" not in outcome.stdout, outcome.stdout
        assert not world.visited()


_CALL_HOME = """
import socket
places = [(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", @PORT@)),
          (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", @UDP@)),
          (socket.AF_UNIX, socket.SOCK_STREAM, "\\0@ABS@"),
          (socket.AF_UNIX, socket.SOCK_STREAM, "@USOCK@")]
for family, kind, address in places:
    try:
        s = socket.socket(family, kind)
        s.settimeout(1)
        s.connect(address)
        s.send(b"x")
        print("reached" if kind == socket.SOCK_STREAM else "sent")
    except OSError as error:
        print(error)
"""


@check(needs="pids")
def bounds_processes(sandbox: Sandbox) -> None:
    """A program cannot multiply beyond its limit."""
    source = (
        "import os, time\nn = 0\ntry:\n    while n < 200:\n        if os.fork() == 0: time.sleep(60); os._exit(0)\n"
        "        n += 1\nexcept OSError: pass\nprint(n)"
    )
    outcome = _python(sandbox, source)
    assert outcome.stdout.strip().isdigit(), outcome.describe()
    assert int(outcome.stdout) < 100, outcome.stdout


@check(needs="tree_kill")
def ends_what_a_program_leaves(sandbox: Sandbox) -> None:
    """A daemon of the program does not outlive the run, and the run does not wait for it."""
    with World() as world:
        source = (
            "import os, time\nif os.fork() == 0:\n    try: os.setsid()\n    except OSError: pass\n"
            "    if os.fork() == 0:\n        while True: time.sleep(1)\n    os._exit(0)\nprint('gone', flush=True)"
        )
        started = time.monotonic()
        outcome = _python(sandbox, world.fill_in(source), limits=Limits(cpu_s=5, wall_s=20))
        assert outcome.stdout == b"gone\n", outcome.describe()
        assert time.monotonic() - started < 10


@check(language="cpp")
def compiles_and_runs(sandbox: Sandbox) -> None:
    """A compiled language's program is compiled under limits and run."""
    source = '#include <cstdio>\nint main() { int a, b; scanf("%d %d", &a, &b); printf("%d\\n", a + b); }\n'
    outcome = sandbox.run(Program("cpp", source), "40 2\n", limits=SHORT)
    _expect(outcome, b"42\n")
    assert outcome.compiled is not None
    assert outcome.compiled.ok


@check(language="cpp")
def tells_a_compile_error(sandbox: Sandbox) -> None:
    """A program that does not compile never ran, and the compiler's words are kept."""
    outcome = sandbox.run(Program("cpp", "int main() { return oops; }"), limits=SHORT)
    assert outcome.compile_failed
    assert outcome.exit_code is None
    assert outcome.compiled is not None
    assert b"oops" in outcome.compiled.messages


@check(language="bash")
def runs_shell_scripts(sandbox: Sandbox) -> None:
    """A script in another language reads the same stdin."""
    _expect(sandbox.run(Program("bash", "read a b; echo $((a + b))"), "40 2\n", limits=SHORT), b"42\n")


@check()
def answers_a_batch_in_order(sandbox: Sandbox) -> None:
    """Answers stand in their requests' places, whichever ends first."""
    jobs = [Job(Program("python", f"import time; time.sleep({0.2 if i == 0 else 0}); print({i})")) for i in range(6)]
    answers = sandbox.run_batch(jobs)
    said = [answer.stdout if isinstance(answer, Outcome) else answer for answer in answers]
    assert said == [b"%d\n" % i for i in range(6)], said


@check()
def keeps_a_batch_deadline(sandbox: Sandbox) -> None:
    """What has no time left is undecided, and the call ends."""
    started = time.monotonic()
    sleepers = [Job(Program("python", "import time; time.sleep(30)")) for _ in range(2 * sandbox.workers + 1)]
    answers = sandbox.run_batch(sleepers, deadline_s=0.5)
    assert time.monotonic() - started < 8
    assert all(isinstance(answer, DeadlineExceeded) for answer in answers), answers


@check()
def drives_tasks_with_an_early_stop(sandbox: Sandbox) -> None:
    """A task sees each outcome before it asks for the next."""

    def task() -> Generator[Job, Outcome, int]:
        for count in range(1, 5):
            outcome = yield Job(Program("python", f"print({count} < 3)"))
            if outcome.stdout != b"True\n":
                return count
        return 0

    assert sandbox.run_tasks([task(), task()]) == [3, 3]


@check(links=True)
def joins_two_programs(sandbox: Sandbox) -> None:
    """Two programs talk over descriptor 3, and neither sees the other's files."""
    first = "import socket\ns = socket.socket(fileno=3)\ns.sendall(b'%d' % (6 * int(s.recv(9))))"
    second = "import socket\ns = socket.socket(fileno=3)\ns.sendall(b'7')\nprint(s.recv(9).decode())"
    one, two = sandbox.run_linked(Linked(_linked_job(first), _linked_job(second)))
    assert one.ok, (one.describe(), one.stderr)
    _expect(two, b"42\n")


@check(links=True)
def ends_the_partner(sandbox: Sandbox) -> None:
    """Once the second program of a pair has ended, the first is not waited for."""
    started = time.monotonic()
    one, two = sandbox.run_linked(Linked(_linked_job("while True: pass"), _linked_job("print(1)")))
    _expect(two, b"1\n")
    assert one.limit_hit == "cancelled", one.describe()
    assert time.monotonic() - started < 3


def _linked_job(source: str) -> Job:
    return Job(Program("python", source), limits=Limits(cpu_s=5, wall_s=10))


@check(links=True, feature="sessions")
def holds_a_session(sandbox: Sandbox) -> None:
    """The caller talks to a running program, and its end is an outcome like any other."""
    echo = (
        "import socket\ns = socket.socket(fileno=3)\nwhile True:\n    d = s.recv(99)\n    if not d: break\n"
        "    s.sendall(d.upper())\nprint('bye')"
    )
    with sandbox.open_session(Program("python", echo), limits=SHORT) as session:
        assert session.channel is not None
        session.channel.sendall(b"hello")
        session.channel.settimeout(10)
        assert session.channel.recv(99) == b"HELLO"
        session.channel.close()
        _expect(session.wait(), b"bye\n")
