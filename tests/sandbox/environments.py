"""Other places to run in: another user, fewer rights, namespaces, containers; each says why it cannot be had here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import veritune
from veritune.sandbox.local import host

SOURCES = Path(veritune.__file__).resolve().parent.parent
OTHER_USER = 61234
_DOCKER = (
    "chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod audit_write "
    "setfcap"
)
_DOCKER_CAPABILITIES = ",".join(["-all", *(f"+{name}" for name in _DOCKER.split())])
_USER = ("setpriv", f"--reuid={OTHER_USER}", f"--regid={OTHER_USER}", "--clear-groups")
_LIKE_DOCKER = str(Path(__file__).with_name("like_docker.py"))
_READ_ONLY = ("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")

JUDGE = """
import json, sys
from veritune import Sample, get_reward
from veritune.plugins.errors import VerituneError
right = "```python\\ndef total(xs):\\n    import statistics, fractions\\n    return sum(xs)\\n```"
wrong = "```python\\ndef total(xs):\\n    return -1\\n```"
prints = "```python\\nimport ast, decimal, csv\\nprint(sum(map(int, input().split())))\\n```"
unittest = "import unittest, csv\\nclass T(unittest.TestCase):\\n"
unittest += "    def test_a(self): self.assertEqual(total([1, 2]), 3)\\n"
says = {"refused": None, "tier": None, "right": [], "wrong": []}
try:
    rows = (("binary_code", {"test_code": unittest}), ("code", {"test_list": ["assert total([1]) == 1"]}))
    for name, columns in rows:
        scores = get_reward(name).score_batch(
            [Sample(prompt="", completion=text, columns=columns) for text in (right, wrong)])
        says["right"].append(scores[0].value)
        says["wrong"].append(scores[1].value)
        says["tier"] = scores[0].verdict.evidence["isolation"]["tier"]
    stdio = {"tests": [{"input": "1 2", "output": "3"}]}
    scores = get_reward("code_stdio").score_batch(
        [Sample(prompt="", completion=text, columns=stdio) for text in (prints, "```python\\nprint(input())\\n```")])
    says["right"].append(scores[0].value)
    says["wrong"].append(scores[1].value)
except VerituneError as error:
    says["refused"] = str(error)
print(json.dumps(says))
"""
"""Right and wrong programs through three rewards: prints what they got, or why nothing was judged."""


@dataclass(frozen=True)
class Environment:
    """A command that runs another one in it. ``private``: with this process's own Python, wherever that lies."""

    name: str
    prefix: tuple[str, ...]
    private: bool = True
    root: bool = True
    variables: tuple[tuple[str, str], ...] = ()


ENVIRONMENTS = (
    Environment("as it is", (), root=False),
    Environment("root without CAP_SYS_ADMIN", ("setpriv", "--bounding-set=-sys_admin")),
    Environment("root with docker's capabilities", ("setpriv", f"--bounding-set={_DOCKER_CAPABILITIES}")),
    Environment(
        "root with docker's capabilities, no_new_privs",
        ("setpriv", f"--bounding-set={_DOCKER_CAPABILITIES}", "--no-new-privs"),
    ),
    Environment(
        "docker's filter and capabilities",
        (sys.executable, _LIKE_DOCKER, "setpriv", f"--bounding-set={_DOCKER_CAPABILITIES}"),
    ),
    Environment("docker's filter, an ordinary user", (*_USER, "@PYTHON@", _LIKE_DOCKER), private=False),
    Environment("root without the right to become others", ("setpriv", "--bounding-set=-setuid,-setgid,-sys_admin")),
    Environment("root without any capability", ("setpriv", "--bounding-set=-all")),
    Environment("an ordinary user", _USER, private=False),
    Environment("an ordinary user with no_new_privs", (*_USER, "--no-new-privs"), private=False),
    Environment("a user namespace of one id, of root", ("unshare", "-Ur"), root=False),
    Environment("a user namespace of one id, of a user", (*_USER, "unshare", "-Ur"), private=False),
    Environment("a read-only root", (*_READ_ONLY, "--tmpfs", "/tmp", "--cap-add", "ALL")),
    Environment("a read-only root without a temporary folder", (*_READ_ONLY, "--cap-add", "ALL")),
    Environment("a read-only root of a user", (*_USER, *_READ_ONLY, "--tmpfs", "/tmp"), private=False),
    Environment("a read-only root of a user without /tmp", (*_USER, *_READ_ONLY), private=False),
    Environment(
        "no user namespaces",
        (*_USER, "bwrap", "--dev-bind", "/", "/", "--unshare-user", "--disable-userns"),
        private=False,
    ),
    Environment(
        "its own process ids and network",
        (*_USER, "bwrap", "--dev-bind", "/", "/", "--unshare-pid", "--unshare-net", "--proc", "/proc"),
        private=False,
    ),
)


def environment() -> dict[str, str]:
    """For a bare interpreter: our sources and the packages of this one."""
    packages = [p for p in sys.path if p.endswith("site-packages")]
    return {
        "PYTHONPATH": os.pathsep.join([str(SOURCES), *packages]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    }


def python_for_all() -> str | None:
    """An interpreter of this version that every user can read, with our sources; None where there is none."""
    usable = [i for i in host.interpreters(None) if host.usable(i, True, True)]
    usable = [i for i in usable if i.version == sys.version_info[:2]]
    if not usable or not host.readable(str(SOURCES / "veritune" / "__init__.py"), True, True):
        return None
    return usable[0].path


def run(command: Sequence[str], timeout: float = 120, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=timeout, env=environment(), cwd="/", **options
    )


def as_user(command: Sequence[str], timeout: float = 120) -> subprocess.CompletedProcess[str] | str:
    """Run Python with arguments as an ordinary user; why not, where that cannot be had."""
    if os.getuid() != 0:
        return run(command, timeout)
    python = python_for_all()
    if python is None:
        return "another user can read neither the interpreter nor the sources"
    return run([python, *command[1:]], timeout, user=OTHER_USER, group=OTHER_USER, extra_groups=[])


def judged_in(place: Environment, timeout: float = 240) -> dict[str, Any] | str:
    """What :data:`JUDGE` printed there; why it cannot be had here."""
    if os.getuid() != 0 and (place.root or _USER[0] in place.prefix):
        return "only root can have fewer rights, or become another user"
    missing = [word for word in ("setpriv", "unshare", "bwrap") if word in place.prefix and shutil.which(word) is None]
    if missing:
        return f"needs {missing[0]}"
    python = sys.executable if place.private else python_for_all()
    if python is None:
        return "another user can read neither the interpreter nor the sources"
    prefix = [python if word == "@PYTHON@" else word for word in place.prefix]
    tried = run([*prefix, "/bin/true"])
    if tried.returncode != 0:
        return f"cannot be had here: {tried.stderr.strip()[-200:]}"
    done = run([*prefix, python, "-c", JUDGE], timeout)
    try:
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        said = {"broken": f"{done.stdout[-300:]} {done.stderr[-1500:]}"}
    return said


def problem_with(said: dict[str, Any]) -> str:
    """What is wrong with it: a right program that did not pass without a word, a wrong one that did."""
    if "broken" in said:
        return f"it ended otherwise: {said['broken']}"
    if said["refused"] is not None:
        return "" if len(said["refused"]) > 60 else f"a refusal that says nothing: {said['refused']!r}"
    if said["right"] != [1.0] * 3 or any(said["wrong"]):
        return f"right programs got {said['right']}, wrong ones {said['wrong']}"
    return ""
