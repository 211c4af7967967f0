"""Runs as root inside a remote machine: compiles and runs one job as an ordinary user under limits, and tells in JSON.

It is sent there as text: standard library only, Python 3.8. The program never has this user's rights (no setuid, no
sudo), so what is told on stdout is not the program's to forge.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
from typing import Any

_MEBI = 1 << 20
_LOOK_S = 0.02
_KILL_FOR_S = 10.0
_CLONE_NEWIPC, _CLONE_NEWNET = 0x08000000, 0x40000000
_PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER = 38, 36
_TICKS, _PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
_libc = ctypes.CDLL(None, use_errno=True)


def main(place: str) -> None:
    """Do the job described in ``place``/job.json; with ``tools`` only, say where those are."""
    with open(os.path.join(place, "job.json"), encoding="utf-8") as file:
        job = json.load(file)
    if "tools" in job:
        print(json.dumps({name: shutil.which(name) for name in job["tools"]}))
        return
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _oom_score(-1000)
    print(json.dumps(_do(place, job)))


def _do(place: str, job: dict[str, Any]) -> dict[str, Any]:
    scratch = os.path.join(place, "scratch")
    os.makedirs(scratch)
    compiled = None
    if job["compile"]:
        build = os.path.join(place, "build")
        os.makedirs(build)
        _fill(build, job["sources"], job["uid"])
        compiled = _run(job["compile"], build, job["uid"], job["environment"], b"")
        made = os.path.join(build, job["artifact"])
        compiled["made"] = compiled["exit"] == 0 and compiled["limit"] is None and _kept(made)
        if not compiled["made"]:
            return {"compiled": compiled, "ran": None}
    _mount(scratch, job["run"]["limits"])
    _fill(scratch, job["files"], job["uid"])
    if job["compile"]:
        shutil.move(made, os.path.join(scratch, job["artifact"]))
    ran = _run(job["run"], scratch, job["uid"], job["environment"], base64.b64decode(job["stdin"]))
    return {"compiled": compiled, "ran": ran}


def _kept(path: str) -> bool:
    """Whether the compiler left what it should: a file or folder, not a link to one."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _mount(scratch: str, limits: dict[str, Any]) -> None:
    options = f"size={int(limits['scratch_mb'] * _MEBI)},nr_inodes={int(limits['inodes']) + 2},mode=755"
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", scratch], check=True, stdout=sys.stderr, stderr=sys.stderr
    )


def _fill(folder: str, files: dict[str, str], uid: int) -> None:
    for name, content in files.items():
        target = os.path.join(folder, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(base64.b64decode(content))
    for root, _, names in os.walk(folder):
        for path in [root] + [os.path.join(root, name) for name in names]:
            os.chown(path, uid, uid)


def _run(step: dict[str, Any], folder: str, uid: int, environment: dict[str, str], stdin: bytes) -> dict[str, Any]:
    """Run one command to its end, and everything that it started."""
    limits = step["limits"]
    streams = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr")]
    view = memoryview(stdin)
    while view:
        view = view[os.write(streams[0], view) :]
    os.lseek(streams[0], 0, os.SEEK_SET)
    trouble, trouble_in_child = os.pipe2(os.O_CLOEXEC)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ooms = _oom_kills()
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _become_program(step, folder, uid, {"HOME": folder, "TMPDIR": folder, **environment}, streams, trouble_in_child)
    os.close(trouble_in_child)
    status, limit, peak, largest = _watch(pid, uid, limits, started)
    _end_all(uid)
    failed = os.read(trouble, 2000).decode("utf-8", "replace")
    if failed:
        raise SystemExit("the program's process could not be set up: " + failed)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if limit is None and _oom_kills() > ooms:
        limit = "memory"
    signalled = status is not None and os.WIFSIGNALED(status)
    exited = status is not None and os.WIFEXITED(status)
    return {
        "exit": os.WEXITSTATUS(status) if exited and status is not None else None,
        "signal": os.WTERMSIG(status) if signalled and status is not None else None,
        "limit": limit,
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "wall_s": time.monotonic() - started,
        "peak_kb": max(peak >> 10, largest),
        **_read("stdout", streams[1], limits),
        **_read("stderr", streams[2], limits),
    }


def _read(name: str, descriptor: int, limits: dict[str, Any]) -> dict[str, Any]:
    size = os.fstat(descriptor).st_size
    data = os.pread(descriptor, min(size, int(limits["output_kb"] * 1024)), 0)
    return {name: base64.b64encode(data).decode(), name + "_size": size}


def _watch(pid: int, uid: int, limits: dict[str, Any], started: float) -> tuple[int | None, str | None, int, int]:
    """(wait status, limit hit, largest memory of the tree, largest resident KiB of one process)."""
    peak = 0
    limit = None
    while True:
        found, status, usage = os.wait4(pid, os.WNOHANG)
        if found:
            return (None if limit else status), limit, peak, usage.ru_maxrss
        if limit is None:
            cpu, memory = _usage(uid)
            peak = max(peak, memory)
            limit = _exceeded(limits, cpu, memory, time.monotonic() - started)
        if limit is not None:
            _end_all(uid, leave=pid)
        time.sleep(_LOOK_S)


def _exceeded(limits: dict[str, Any], cpu: float, memory: int, wall: float) -> str | None:
    if wall > limits["wall_s"]:
        return "wall"
    if cpu > limits["cpu_s"]:
        return "cpu"
    return "memory" if memory > limits["memory_mb"] * _MEBI else None


def _become_program(
    step: dict[str, Any], folder: str, uid: int, environment: dict[str, str], streams: list[int], trouble: int
) -> None:
    try:
        for number, source in enumerate(streams):
            os.dup2(source, number)
        os.setsid()
        _oom_score(1000)
        _libc.unshare(_CLONE_NEWNET | _CLONE_NEWIPC)  # on top of a machine that has no way out
        limits = step["limits"]
        memory = int(limits["memory_mb"] * _MEBI)
        cpu = int(limits["cpu_s"]) + 2
        bounds = {
            "CORE": 0,
            "CPU": cpu,
            "FSIZE": int(limits["file_mb"] * _MEBI),
            "NOFILE": 256,
            "NPROC": int(limits["processes"]),
            "DATA": memory + (step["sparse_mb"] or 0) * _MEBI,
        }
        if step["sparse_mb"] is None:
            bounds["AS"] = memory + 256 * _MEBI
        for name, value in bounds.items():
            resource.setrlimit(getattr(resource, "RLIMIT_" + name), (value, value))
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError("no_new_privs was refused")
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(folder)
        os.umask(0o022)
        os.execve(step["argv"][0], step["argv"], environment)
    except BaseException as error:
        os.write(trouble, repr(error).encode()[:1000])
    finally:
        os._exit(199)


def _pids(uid: int) -> set[int]:
    """Processes of a user. Asked of ``status``: the owner of a /proc folder is root's for those that hide."""
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit() and name != str(os.getpid()):
            try:
                with open(f"/proc/{name}/status", encoding="utf-8", errors="replace") as file:
                    lines = [line for line in file if line.startswith("Uid:")]
            except OSError:
                continue
            if lines and str(uid) in lines[0].split():
                found.add(int(name))
    return found


def _usage(uid: int) -> tuple[float, int]:
    cpu, memory = 0.0, 0
    for pid in _pids(uid):
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            with open(f"/proc/{pid}/statm", "rb") as file:
                sizes = file.read().split()
        except OSError:
            continue
        if len(fields) > 14 and len(sizes) > 2:
            cpu += sum(map(int, fields[11:15])) / _TICKS
            memory += (int(sizes[1]) - int(sizes[2])) * _PAGE
    return cpu, memory


def _end_all(uid: int, leave: int = 0) -> None:
    """Kill all that runs as the program's user, and reap what became ours (``leave`` is waited for elsewhere)."""
    give_up = time.monotonic() + _KILL_FOR_S
    while time.monotonic() < give_up:
        for pid in _pids(uid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if leave:
            return
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)
    raise SystemExit("a program's processes could not be ended")


def _oom_kills() -> int:
    with open("/proc/vmstat", encoding="utf-8") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("oom_kill "))


def _oom_score(value: int) -> None:
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="utf-8") as file:
            file.write(str(value))
    except OSError:
        pass


if __name__ == "__main__":
    main(sys.argv[1])
