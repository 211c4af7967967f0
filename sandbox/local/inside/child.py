"""From a fork of the warm interpreter to a running program: descriptors, limits, uid, Landlock, seccomp, its code."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import resource
import signal
import time
from typing import Any

from veritune.sandbox.local.inside import kernel, landlock, seccomp
from veritune.sandbox.local.inside.python import run_source

_MEBI = 1 << 20
CHANNEL = 3
_LIMITS = {
    name: (number, resource.getrlimit(number)[1])
    for name in ("AS", "DATA", "STACK", "CPU", "FSIZE", "NOFILE", "NPROC")
    for number in (getattr(resource, f"RLIMIT_{name}"),)
}
"""Name → (number, hard limit) of this process and its forks."""


class Confinement:
    """What every job of a slot is put under; made once, in the warm interpreter."""

    def __init__(self, config: dict[str, Any], ruleset: int | None, version: int, scratch: str) -> None:
        self.own_group = not config["namespaces"]
        self.uid: int | None = config["become"]
        self.ruleset = ruleset
        self.scratch = scratch
        self.guard = seccomp.Guard(
            own_group=self.own_group,
            attributes=self.own_group,
            lengths=self.own_group and version < landlock.TRUNCATES,
        )
        self.kill_only = self.own_group and self.uid is None and version < landlock.SCOPES_SIGNALS
        self.filter = None if config.get("no_filter") else seccomp.build(self.guard)
        self.process_offset = 0


def start(confinement: Confinement, job: dict[str, Any], descriptors: dict[str, int], report: int) -> None:
    """Runs in the fork and never returns. ``report`` tells the parent that set-up is done, or what failed in it."""
    try:
        body = memoryview(kernel.content(descriptors["payload"]))[job["body"] :]
        offset, length = job["private"]
        job.update(json.loads(bytes(body[offset : offset + length])))
        if confinement.ruleset is not None:
            descriptors["ruleset"] = confinement.ruleset
        placed = _arrange(descriptors, report)
        report = placed["report"]
        os.chdir(confinement.scratch)
        os.umask(0o022)
        _set_limits(job, confinement)
        _become(confinement)
        _write_files(job, body, confinement.scratch)
        _restrict(confinement, placed.get("ruleset"))
        os.write(report, b"R%d" % time.process_time_ns())
        if job["python"]:
            os.close(report)
            run_source(job, body, confinement.scratch)
        else:
            _execute(job, placed.get("binary"))
    except BaseException as error:
        try:
            _tell(report, error)
        finally:
            os._exit(199)


def _tell(report: int, error: BaseException) -> None:
    """Our words only to the warm interpreter, which keeps what it reads; names of the job's files go to its stderr."""
    number = errno.EILSEQ if isinstance(error, ValueError) else getattr(error, "errno", None) or 0
    kind = type(error).__name__
    os.write(report, f"E{number} {kind}: {getattr(error, 'strerror', None) or ''}".encode()[:500])
    os.write(2, f"{kind}: {error}\n".encode("utf-8", "replace")[:2000])


def _arrange(descriptors: dict[str, int], report: int) -> dict[str, int]:
    """Put the streams on 0, 1, 2 and the channel on 3, close everything else but what set-up still needs.

    The warm interpreter keeps numbers below 10 occupied, so that no source is overwritten before it is moved.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.dup2(descriptors[name], number)
    if "channel" in descriptors:
        os.dup2(descriptors["channel"], CHANNEL)
    else:
        os.close(CHANNEL)
    placed = {}
    number = CHANNEL + 1
    for name, source in (("report", report), *descriptors.items()):
        if name in ("report", "binary", "ruleset"):
            placed[name] = os.dup2(source, number, inheritable=False)
            number += 1
    kernel.close_from(number)
    return placed


def _set_limits(job: dict[str, Any], confinement: Confinement) -> None:
    limits = job["limits"]
    cpu = int(limits["cpu_s"]) + 2
    wanted = {
        "AS": job["address_space"],
        "DATA": job["data"],
        "STACK": job["stack"],
        "CPU": cpu,
        "FSIZE": int(limits["file_mb"] * _MEBI),
        "NOFILE": job["open_files"],
        "NPROC": int(limits["processes"]) + 1 + confinement.process_offset,  # beside the first one
    }
    for name, value in wanted.items():
        if value is None:
            continue
        number, hard = _LIMITS[name]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        if name == "STACK":
            # Programs raise it by themselves, up to a hard limit of infinity as on most machines: memory bounds it.
            # With a soft limit of infinity the C library gives threads 2 MB each, not as much as the whole limit.
            resource.setrlimit(number, (bound if job["python"] else hard, hard))
            continue
        resource.setrlimit(number, (bound, bound))


def _become(confinement: Confinement) -> None:
    if confinement.uid is not None:
        os.setgroups([])
        os.setresgid(confinement.uid, confinement.uid, confinement.uid)
        os.setresuid(confinement.uid, confinement.uid, confinement.uid)
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # lets the watcher read sizes; ptrace and its kin are filtered
    if confinement.own_group:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)


def _write_files(job: dict[str, Any], body: memoryview, scratch: str) -> None:
    for path, offset, length in job["files"]:
        target = os.path.join(scratch, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(body[offset : offset + length])
    if job["stdin_file"]:
        with open(os.path.join(scratch, ".stdin"), "wb") as file:
            file.write(kernel.content(0))


def _restrict(confinement: Confinement, ruleset: int | None) -> None:
    program = confinement.filter
    if program is not None and confinement.kill_only:
        program = seccomp.build(dataclasses.replace(confinement.guard, kill_only=os.getpid()))
    if ruleset is not None:
        landlock.restrict(ruleset)
        os.close(ruleset)
    if program is not None:
        kernel.install_filter(program)


def _execute(job: dict[str, Any], binary: int | None) -> None:
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    if binary is not None:
        kernel.exec_descriptor(binary, job["argv"], job["environment"])
    else:
        os.execve(job["argv"][0], job["argv"], job["environment"])
