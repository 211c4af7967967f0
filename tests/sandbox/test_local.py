"""The local back-end beyond what every back-end must do."""

from __future__ import annotations

import dataclasses
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from veritune.plugins import get_sandbox
from veritune.plugins.errors import ConfigError, UnknownNameError
from veritune.sandbox import (
    Job,
    LanguageUnavailable,
    Limits,
    Linked,
    Outcome,
    Program,
    SandboxClosed,
    SandboxUnavailable,
    default_sandbox,
    doctor,
)
from veritune.sandbox.languages import find_language, java_main_class
from veritune.sandbox.local import host, probe, selftest
from veritune.sandbox.local.backend import LocalSandbox
from veritune.sandbox.local.inside import kernel, scratch, seccomp
from veritune.sandbox.local.slot import SlotDied

LIMITS = Limits(cpu_s=4, wall_s=8, memory_mb=256)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[LocalSandbox]:
    sandbox = LocalSandbox(workers=2)
    yield sandbox
    sandbox.close()


def python(sandbox: LocalSandbox, source: str, stdin: str = "") -> Outcome:
    return sandbox.run(Program("python", source), stdin, limits=LIMITS)


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np; print(int(np.array([40, 2]).sum()))",
        "import asyncio\nasync def f():\n    return await asyncio.to_thread(lambda: 42)\nprint(asyncio.run(f()))",
        "import threading\nthreading.Timer(0.05, lambda: print(42)).start()",
        "import atexit\natexit.register(print, 42)",
        "class A:\n    def __del__(self): print(42)\na = A()",
        "import subprocess; print(subprocess.run(['echo', '42'], capture_output=True, text=True).stdout, end='')",
        "import multiprocessing as m\np = m.Process(target=print, args=(42,)); p.start(); p.join()",
        "import sys\nsys.setrecursionlimit(10**6)\ndef f(n): return n and 1 + f(n - 1)\nprint(f(20000) - 19958)",
        "import inspect\ndef f(): return 42\nassert 'return 42' in inspect.getsource(f); print(f())",
        "import pickle, collections\nP = collections.namedtuple('P', 'x')\nprint(pickle.loads(pickle.dumps(P(42))).x)",
        "print(sum(map(int, open('/dev/stdin').read().split())))",
        "print(sum(map(int, open('/dev/fd/0').read().split())))",
        "print(sum(map(int, open('/dev/' + 'stdin').read().split())))",
        "open('/dev/stdout', 'w').write('42\\n')",
        "import sys\nsys.excepthook = lambda *a: print(42)\nraise ValueError",
        "# -*- coding: latin-1 -*-\nprint(42)",
        "import __main__; x = 42; print(__main__.x)",
        "from __future__ import annotations\ndef f(x: undefined): return x\nprint(f(42))",
        "def f(x: int): return x\nassert f.__annotations__['x'] is int; print(f(42))",
    ],
)
def test_programs_run_as_in_an_interpreter_of_their_own(sandbox: LocalSandbox, source: str) -> None:
    outcome = python(sandbox, source, "40 2\n")
    assert outcome.stdout == b"42\n", (outcome.describe(), outcome.stderr_text)


def test_the_same_program_gives_the_same_output(sandbox: LocalSandbox) -> None:
    """Hash seed and random state are fixed: a verdict can be repeated."""
    source = "import random; print(random.random(), hash('x'), list({'a', 'b', 'c', 'd'}))"
    assert len({python(sandbox, source).stdout for _ in range(4)}) == 1


def test_tracebacks_show_the_program_and_nothing_of_ours(sandbox: LocalSandbox) -> None:
    stderr = python(sandbox, "def f():\n    return 1 / 0\nf()").stderr_text
    assert "return 1 / 0" in stderr
    assert "inside" not in stderr


ADD = {
    "c": '#include <stdio.h>\nint main(void) { int a, b; scanf("%d %d", &a, &b); printf("%d\\n", a + b); }',
    "cpp": "#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b << std::endl; }",
    "javascript": "const [a, b] = require('fs').readFileSync('/dev/stdin', 'utf8').split(' '); console.log(+a + +b)",
    "bash": "read a b; echo $((a + b))",
    "java": "import java.util.*; public class Sum { public static void main(String[] x) { Scanner s = new "
    "Scanner(System.in); System.out.println(s.nextInt() + s.nextInt()); } }",
    "rust": 'fn main() { let mut s = String::new(); std::io::stdin().read_line(&mut s).unwrap(); println!("{}", '
    "s.split_whitespace().map(|x| x.parse::<i32>().unwrap()).sum::<i32>()); }",
    "go": 'package main\nimport "fmt"\nfunc main() { var a, b int; fmt.Scan(&a, &b); fmt.Println(a + b) }',
}


@pytest.mark.parametrize("language", ADD)
def test_language(sandbox: LocalSandbox, language: str) -> None:
    if language not in sandbox.languages():
        pytest.skip(f"no {language} toolchain here")
    outcome = sandbox.run(Program(language, ADD[language]), "40 2\n", limits=LIMITS)
    assert outcome.stdout == b"42\n", (outcome.describe(), outcome.stderr_text, outcome.compiled)


def test_compiling_twice_happens_once(sandbox: LocalSandbox) -> None:
    program = Program("cpp", "int main() { return 3; } // cached")
    first, second = sandbox.run(program, limits=LIMITS), sandbox.run(program, limits=LIMITS)
    assert (first.exit_code, second.exit_code) == (3, 3)
    assert first.compiled is not None
    assert second.compiled is not None
    assert (first.compiled.cached, second.compiled.cached) == (False, True)


@pytest.mark.parametrize(
    "source",
    [
        '#include "/etc/passwd"\nint main() {}',
        '__asm__(".incbin \\"/proc/self/environ\\"");\nint main() {}',
        "int main() {}\nchar big[1u << 31] = {1};",
    ],
)
def test_compilers_are_confined_too(sandbox: LocalSandbox, source: str) -> None:
    """No host file is read into a binary or an error message, and no binary fills the disk."""
    outcome = sandbox.run(Program("cpp", source), limits=LIMITS)
    assert outcome.compile_failed, outcome
    assert outcome.compiled is not None
    assert b"root:" not in outcome.compiled.messages


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("class A {} public class B { public static void main(String[] a) {} }", "B"),
        ("class Helper { } class Main { public static void main(String[] a) {} }", "Main"),
        ("package p.q; public class C { static class D {} public static void main(String[] a) {} }", "p.q.C"),
        ("// public class No\npublic final class Yes { public static void main(String[] a) {} }", "Yes"),
    ],
)
def test_java_main_class(source: str, name: str) -> None:
    assert java_main_class(source) == name


def test_the_limit_on_memory_is_the_trees(sandbox: LocalSandbox) -> None:
    """Four processes of 100 MB do not fit into 256 MB, though each of them does."""
    source = (
        "import os, time\nfor _ in range(4):\n    if os.fork() == 0:\n        x = bytearray(b'x') * (100 << 20)\n"
        "        time.sleep(20)\n        os._exit(0)\ntime.sleep(20)"
    )
    assert python(sandbox, source).limit_hit == "memory"


def test_the_limit_on_cpu_is_the_trees(sandbox: LocalSandbox) -> None:
    source = "import os\nfor _ in range(3): os.fork()\nwhile True: pass"
    outcome = sandbox.run(Program("python", source), limits=Limits(cpu_s=1, wall_s=20))
    assert outcome.limit_hit == "cpu"
    assert outcome.cpu_s < 2.5, "eight processes, looked at every 25 ms"


def test_a_slow_but_honest_program_is_within_its_limits(sandbox: LocalSandbox) -> None:
    outcome = sandbox.run(Program("python", "import time; time.sleep(0.3); print(1)"), limits=Limits(cpu_s=0.25))
    assert outcome.ok, outcome.describe()
    assert outcome.cpu_s < 0.2
    assert outcome.wall_s >= 0.3


def test_a_pair_with_a_compile_error_never_starts(sandbox: LocalSandbox) -> None:
    pair = Linked(Job(Program("cpp", "int main() { oops }")), Job(Program("python", "print(1)")))
    first, second = sandbox.run_linked(pair)
    assert first.compile_failed
    assert second.exit_code is None
    assert second.stdout == b""


def test_many_threads_may_run_pairs(sandbox: LocalSandbox) -> None:
    """Pairs take their two slots together: no deadlock, however few places there are."""
    first = "import socket\ns = socket.socket(fileno=3)\ns.sendall(s.recv(9))"
    second = "import socket\ns = socket.socket(fileno=3)\ns.sendall(b'x')\nprint(s.recv(9))"
    pair = Linked(Job(Program("python", first)), Job(Program("python", second)))
    answers = sandbox.run_batch([pair] * 12, deadline_s=60)
    assert all(isinstance(a, tuple) and a[1].stdout == b"b'x'\n" for a in answers), answers


def test_a_session_may_use_the_callers_socket(sandbox: LocalSandbox) -> None:
    ours, theirs = socket.socketpair()
    source = "import socket; socket.socket(fileno=3).sendall(b'hello')"
    with ours, sandbox.open_session(Program("python", source), limits=LIMITS, channel=theirs) as session:
        theirs.close()
        assert session.channel is None
        ours.settimeout(10)
        assert ours.recv(9) == b"hello"
        assert session.wait().ok


def test_a_cancelled_session_says_so(sandbox: LocalSandbox) -> None:
    with sandbox.open_session(Program("python", "while True: pass"), limits=LIMITS) as session:
        session.cancel()
        assert session.wait().limit_hit == "cancelled"


def test_an_error_in_a_task_is_not_swallowed(sandbox: LocalSandbox) -> None:
    def broken() -> Generator[Job, Outcome, None]:
        yield Job(Program("python", "print(1)"))
        raise ZeroDivisionError("a bug of the caller")

    with pytest.raises(ZeroDivisionError):
        sandbox.run_tasks([broken()])


def test_sandboxes_can_be_pickled(sandbox: LocalSandbox) -> None:
    copy = pickle.loads(pickle.dumps(LocalSandbox(workers=3, packages=())))
    assert copy.workers == 3
    copy.close()


def test_a_closed_sandbox_says_so() -> None:
    sandbox = LocalSandbox(workers=1)
    sandbox.close()
    with pytest.raises(SandboxClosed):
        sandbox.run(Program("python", ""))


def test_nothing_enforced_is_refused_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no tier works the error names each failure and the ways out; the risk can be accepted in words."""
    monkeypatch.setattr(probe, "_found", {})

    def refuse(plan: probe.Plan) -> None:
        raise SlotDied("not allowed here")

    real = probe._examine
    monkeypatch.setattr(probe, "_examine", lambda plan: real(plan) if plan.tier == "none" else refuse(plan))
    with pytest.raises(SandboxUnavailable, match=r"namespaces: not allowed here(.|\n)*allow_unsafe=True"):
        LocalSandbox().run(Program("python", "print(1)"))
    with LocalSandbox(allow_unsafe=True, workers=1) as unsafe:
        outcome = unsafe.run(Program("python", "print(1)"))
    assert outcome.stdout == b"1\n"
    assert outcome.isolation.tier == "none"
    assert outcome.isolation.fs_read == "none"


def test_a_tier_that_leaks_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The self-test's findings win over what was set up."""
    monkeypatch.setattr(probe, "_found", {})
    held = dict.fromkeys(("fs_read", "fs_write", "network", "pids", "memory", "tree_kill", "kernel_surface"), True)
    monkeypatch.setattr(selftest, "attack", lambda slot: {**held, "network": False})
    with pytest.raises(SandboxUnavailable, match="the self-test got through: network"):
        LocalSandbox().report()


@pytest.mark.skipif(os.getuid() != 0, reason="only root runs programs as another user")
def test_an_interpreter_in_a_private_home_is_no_obstacle(tmp_path: Path) -> None:
    """With a root of its own the sandbox shows it; without one, another interpreter is picked or the error says so."""
    tmp_path.chmod(0o700)
    prefix = tmp_path / "versions"
    library = prefix / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    library.mkdir(parents=True)
    (library / "os.py").touch()
    (prefix / "python").touch()
    inner = host.Interpreter(str(prefix / "python"), str(prefix), sys.version_info[:2])
    assert host.usable(inner, as_other_user=True, parents_too=False)
    assert not host.usable(inner, as_other_user=True, parents_too=True)


def test_unknown_words_name_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="javascript"):
        find_language("javascrip")
    with pytest.raises(ConfigError, match="namespaces, confined, none"):
        LocalSandbox(tier="namespace")
    with pytest.raises(ConfigError, match=r"Limits\.cpu_s"):
        Limits(cpu_s=0)
    with pytest.raises(UnknownNameError, match="bubblewrap"):
        get_sandbox("bublewrap")


def test_a_missing_toolchain_is_not_a_failed_program(sandbox: LocalSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = dataclasses.replace(find_language("go"), tools=("no-such-tool",), locate=None)
    monkeypatch.setitem(__import__("veritune.sandbox.languages", fromlist=["LANGUAGES"]).LANGUAGES, "go", missing)
    __import__("veritune.sandbox.languages", fromlist=["toolchain"]).toolchain.cache_clear()
    with pytest.raises(LanguageUnavailable, match="no-such-tool"):
        sandbox.run(Program("go", "package main"))


def test_no_program_can_pass_its_failure_off_as_ours(sandbox: LocalSandbox) -> None:
    """What a policy writes never ends as an infrastructure error or as the caller's mistake."""
    seal = "import fcntl\nopen('/dev/stdout', 'w').write('x')\nfcntl.fcntl(1, 1033, 8)"
    large = "import os\nprint(os.path.getsize('/dev/stdin'))"
    fill = "n = 0\nwhile True: open(f'f{n}', 'wb').write(b'x' * (1 << 20)); n += 1"
    limits = dataclasses.replace(LIMITS, file_mb=1, scratch_mb=2)
    for source in (seal, large, fill, "import os\nos.chmod('.', 0)", "import os\nos.close(1); os.close(2)"):
        assert isinstance(sandbox.run(Program("python", source), b"x" * (5 << 20), limits=limits), Outcome)
    if "rust" in sandbox.languages():
        library = sandbox.run(Program("rust", '#![crate_type = "rlib"]'), limits=LIMITS)
        assert not library.ok
    assert python(sandbox, "print(1)").ok


def test_limits_are_about_what_a_program_makes(sandbox: LocalSandbox) -> None:
    """Files and stdin that the caller hands over have room, whatever the limits on the program's own files."""
    small = Limits(scratch_mb=1, file_mb=1, inodes=4)
    files = {"big": b"x" * (20 << 20), **{f"{i}/{i}": b"" for i in range(20)}}
    source = "import os\nprint(os.path.getsize('big'), len(os.listdir('.')))\nopen('mine', 'w').write('x')"
    assert sandbox.run(Program("python", source), files=files, limits=small).stdout == b"20971520 21\n"


def test_the_default_sandbox_is_shared() -> None:
    assert default_sandbox() is default_sandbox()
    assert default_sandbox().run(Program("python", "print(1)")).ok


def test_doctor_has_a_row_for_every_tier_and_language() -> None:
    rows = {row.name: row for row in doctor()}
    assert {"sandbox local, tier namespaces", "sandbox local, tier confined", "language python"} <= rows.keys()
    assert all(row.detail for row in rows.values())


def in_a_fork(action: Callable[[], bool]) -> bool:
    """Whether ``action`` returned true in a child process."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if action() else 1
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


def refused(action: Callable[[], object]) -> bool:
    try:
        action()
    except PermissionError:
        return True
    return False


def test_without_signal_scopes_the_filter_guards_others() -> None:
    """On kernels before Landlock's signal scope: a program may signal itself and nobody else, not even by kill(-1)."""

    def attempt() -> bool:
        parent = os.getppid()
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        kernel.install_filter(seccomp.build(seccomp.Guard(own_group=True, kill_only=os.getpid())))
        os.kill(os.getpid(), 0)
        guarded = (
            lambda: os.kill(parent, 0),
            lambda: os.kill(-1, 0),
            os.setsid,
            lambda: os.setpgid(0, 0),
            lambda: os.kill(parent, signal.SIGTERM),
            lambda: __import__("resource").prlimit(parent, 7),
            lambda: os.sched_setaffinity(parent, {0}),
            lambda: socket.socket(),
            lambda: socket.socketpair(type=socket.SOCK_DGRAM),
            lambda: __import__("fcntl").fcntl(0, 8, parent),
        )
        return all(refused(action) for action in guarded)

    assert in_a_fork(attempt)


def test_wiping_takes_any_tree(tmp_path: Path) -> None:
    """Deeper than recursion and path lengths allow, unreadable, with links that lead out."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    box = tmp_path / "box"
    box.mkdir()
    script = (
        f"import os\nos.chdir({str(box)!r})\nos.symlink({str(outside)!r}, 'link')\n"
        "for i in range(1500):\n    os.mkdir('d'); os.symlink('/', 'l'); os.mkfifo('p'); os.chdir('d')\n"
        "os.chmod('.', 0)"
    )
    subprocess.run([sys.executable, "-S", "-c", script], check=True)
    scratch.wipe(str(box))
    assert list(box.iterdir()) == []
    assert (outside / "kept").exists()


def test_what_is_shown_may_lie_under_tmp() -> None:
    """An environment under /tmp does not cost the namespace tier; scratch stays apart from it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        Path(folder, "shown").write_text("42")
        source = (
            f"import tempfile\nprint(open('{folder}/shown').read())\ntempfile.TemporaryFile().write(b'x')\n"
            f"open('mine', 'w').write('x')\nprint('kept')\nopen('{folder}/not-mine', 'w')"
        )
        with LocalSandbox(tier="namespaces", workers=1, read_only=[folder]) as sandbox:
            try:
                sandbox.report()
            except SandboxUnavailable as error:
                if "File exists" in str(error):
                    raise
                pytest.skip(str(error))
            outcome = sandbox.run(Program("python", source))
        assert outcome.stdout == b"42\nkept\n", outcome.stderr
        assert b"not-mine" in outcome.stderr
        assert os.listdir(folder) == ["shown"]


def test_importing_the_room_is_light() -> None:
    script = "import sys, veritune.sandbox; print([m for m in ('ctypes', 'torch', 'numpy') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
