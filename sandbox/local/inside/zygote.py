"""The warm interpreter of one slot: takes a job, forks it, watches it, ends its whole tree, says how it went."""

from __future__ import annotations

import array
import contextlib
import gc
import json
import os
import random
import resource
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

from veritune.sandbox.local.inside import child, collect, kernel, landlock, python, rootfs
from veritune.sandbox.local.inside.clock import Clock, Pulse
from veritune.sandbox.local.inside.scratch import FolderScratch, MountedScratch
from veritune.sandbox.local.inside.watch import ProcessTree, Usage

_MEBI = 1 << 20
_FIRST_LOOK_S, _LOOK_S, _CLOSE_LOOK_S = 0.01, 0.025, 0.004
_GIVE_UP_S = 10.0
_STACK = 64 * _MEBI
_RESERVED = 640 * _MEBI
"""Address space and data beyond the memory limit, for what is reserved and hardly touched: the stacks of threads (one
of 512 MB, or 64 of 8 MB). What is touched counts towards the memory limit, by the looks at the tree."""


class Zygote:
    """Serves jobs that arrive on ``control`` until its other end is closed."""

    def __init__(
        self, control: socket.socket, config: dict[str, Any], proc: int, lifeline: int, keeper: socket.socket | None
    ) -> None:
        self.control = control
        self.config = config
        self.lifeline = lifeline
        self.tree = ProcessTree(proc)
        self.abandoned = False
        self.namespaces = bool(config["namespaces"])
        uid = config["become"]
        self.scratch: MountedScratch | FolderScratch = (
            MountedScratch() if keeper is None else FolderScratch(config["scratch"], uid, keeper)
        )
        self.scratch.prepare(8 * _MEBI, 64)
        self.landlock = landlock.abi(config["landlock_at_most"]) if config["landlock"] else 0
        ruleset = self._ruleset()
        self.confinement = child.Confinement(config, ruleset, self.landlock, self.scratch.path)
        self._last_pid = self._open_last_pid() if self.namespaces else -1

    def _ruleset(self) -> int | None:
        if self.landlock < 1:
            return None
        writable = rootfs.SCRATCH_PARENT if self.namespaces else self.scratch.path
        return landlock.build(self.landlock, self.config["read_only"], rootfs.DEVICES, writable)

    def _open_last_pid(self) -> int:
        """Where the number before the next process's may be set, as far as this kernel and container let us."""
        try:
            return os.open("sys/kernel/ns_last_pid", os.O_WRONLY | os.O_CLOEXEC, dir_fd=self.tree.proc)
        except OSError:
            return -1

    def _restart_pids(self) -> None:
        """Every program gets the same process id: else it could tell how many processes the ones before it made."""
        if self._last_pid >= 0:
            try:
                os.pwrite(self._last_pid, b"1", 0)
            except OSError:
                os.close(self._last_pid)
                self._last_pid = -1

    def warm(self) -> list[str]:
        """Import what programs are likely to need; returns what could not be imported."""
        sys.path += [p for p in self.config["python_path"] if p not in sys.path]
        os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
        missing = []
        for name in self.config["warm"]:
            try:
                __import__(name)
            except Exception as error:
                missing.append(f"{name}: {type(error).__name__}: {error}")
        sys.dont_write_bytecode = True
        self._seed()
        python.prepare()
        self._settle()
        return missing

    def _seed(self) -> None:
        """Every program starts from the same random state (as from the same hash seed): its verdict can be repeated."""
        random.seed(0)
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed(0)

    def _settle(self) -> None:
        for number in range(1, 65):
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        for name in ("CORE", "MEMLOCK", "MSGQUEUE"):
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (0, 0))
        resource.setrlimit(resource.RLIMIT_SIGPENDING, (64, 64))
        kernel.one_arena()
        # Nothing of ours is left for a program to import by name, and the environment is a program's.
        for imported in [n for n in sys.modules if n == "veritune" or n.startswith("veritune.")]:
            del sys.modules[imported]
        os.environ.clear()
        os.environ.update(self.config["environment"])
        kernel.drop_bounding_set()
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        if not self.namespaces:
            kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        self._measure()

    def _measure(self) -> None:
        """What is here is every program's: the collector leaves it alone, and the limits count from it."""
        gc.collect()
        gc.freeze()
        self.space, self.data, self.resident = self.tree.own_sizes()

    def serve(self) -> None:
        while True:
            if not self._wait_for_job():
                break
            message, descriptors = self._receive()
            if not message:
                break
            answer = self._handle(message, descriptors)
            if self.abandoned:
                break
            try:
                self.control.send(json.dumps(answer).encode())
                self.scratch.renew()
            except OSError:
                break
        with contextlib.suppress(OSError):
            self.scratch.remove()

    def _wait_for_job(self) -> bool:
        poller = select.poll()
        poller.register(self.control.fileno(), select.POLLIN)
        if self.lifeline >= 0:
            poller.register(self.lifeline, select.POLLIN)
        while True:
            for number, _ in poller.poll():
                return number == self.control.fileno()

    def _receive(self) -> tuple[bytes, list[int]]:
        message, ancillary, _, _ = self.control.recvmsg(4096, socket.CMSG_SPACE(8 * 4), socket.MSG_CMSG_CLOEXEC)
        descriptors: list[int] = []
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors += array.array("i", data[: len(data) // 4 * 4])
        return message, descriptors

    def _handle(self, message: bytes, received: list[int]) -> dict[str, Any]:
        if message == b"cancel":  # meant for a job that has just ended
            return {"stale": True}
        length, names = struct.unpack("I", message[:4])[0], message[4:].decode().split()
        descriptors = dict(zip(names, received, strict=True))
        try:
            # The header and nothing behind it: see veritune.sandbox.local.wire.
            job = json.loads(os.pread(descriptors["payload"], length, 0))
            job["body"] = length
            return self._run(job, descriptors)
        except OSError as error:
            return {"setup_error": f"{type(error).__name__}: {error}", "errno": error.errno}
        finally:
            for number in received:
                os.close(number)

    def _run(self, job: dict[str, Any], descriptors: dict[str, int]) -> dict[str, Any]:
        limits = job["limits"]
        self.scratch.prepare(int(limits["scratch_mb"] * _MEBI), int(limits["inodes"]))
        if job["support"] and python.import_support(job, descriptors["payload"], job["body"]):
            self._measure()
        self._bounds(job)
        report, report_in_child = os.pipe2(os.O_CLOEXEC)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self._restart_pids()
        started = time.monotonic()
        pid = kernel.fork()
        if pid == 0:
            # Without a pid namespace its tree is found by its group, and if need be by the slot's session.
            os.setsid() if self.namespaces else os.setpgid(0, 0)
            child.start(self.confinement, job, descriptors, report_in_child)
        os.close(report_in_child)
        try:
            ending = self._watch(pid, job, started, descriptors)
            status, largest = self._end_tree(pid)
            said = os.read(report, 4096)
        finally:
            os.close(report)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        answer = {"status": status, "wall_s": time.monotonic() - started, "cpu_s": cpu, "largest_kb": largest, **ending}
        return self._judge_setup(answer, said, job, descriptors)

    def _judge_setup(
        self, answer: dict[str, Any], said: bytes, job: dict[str, Any], descriptors: dict[str, int]
    ) -> dict[str, Any]:
        ready, _, failure = said.partition(b"E")
        if failure:
            number, _, text = failure.partition(b" ")
            return {"setup_error": text.decode("utf-8", "replace"), "errno": int(number)}
        if not ready.startswith(b"R") and answer["limit"] is None:
            return {"setup_error": "the program's process ended during set-up", "errno": 0}
        answer["cpu_s"] = max(0.0, answer["cpu_s"] - int(ready[1:] or 0) / 1e9)
        if answer["limit"] is None and answer["cpu_s"] > job["limits"]["cpu_s"]:
            answer["limit"] = "cpu"
        if job.get("collect") and answer["limit"] is None and answer["status"] == 0:
            made = descriptors["collect"]
            answer["collected"] = _in_a_fork(lambda: collect.into(made, self.scratch.path, job["collect"]))
        if job["stdout_file"]:
            _in_a_fork(lambda: collect.append_stream(descriptors["stdout"], self.scratch.path, ".stdout"))
        return answer

    def _bounds(self, job: dict[str, Any]) -> None:
        """The address space and data that the job may have, over what it inherits from this interpreter."""
        memory = int(job["limits"]["memory_mb"] * _MEBI)
        job["stack"] = job["stack"] or _STACK
        if job["python"]:
            job["address_space"] = self.space + memory + job["stack"] + _RESERVED
            job["data"] = self.data + memory + _RESERVED
        else:
            job["address_space"] = None if job["sparse"] else memory + job["stack"] + 128 * _MEBI + _RESERVED
            job["data"] = memory + max(_RESERVED, (job["sparse"] or 0) * _MEBI)
        if not self.namespaces and self.confinement.uid is None:
            self.confinement.process_offset = self.tree.user_tasks(os.getuid())
        elif self.confinement.uid is None:
            own_count = tuple(map(int, os.uname().release.split(".")[:2])) >= (5, 14)
            self.confinement.process_offset = 2 if own_count else self.tree.user_tasks(os.getuid()) + 2

    def _watch(self, pid: int, job: dict[str, Any], started: float, descriptors: dict[str, int]) -> dict[str, Any]:
        """Wait for the job's first process, or for a reason to end it."""
        limits = job["limits"]
        memory = int(limits["memory_mb"] * _MEBI)
        inherited = self.resident if job["python"] else 0
        peak = 0
        pause = _FIRST_LOOK_S
        pulse = Pulse(descriptors["pulse"], job["pulse"]) if "pulse" in descriptors else None
        # In a session it is the caller who may take its time: only the wall limit counts.
        clock = Clock(limits, started, pulse, watched=pulse is not None or "channel" not in descriptors)
        ended = _EndWatch(pid, self.control, self.lifeline)
        try:
            while True:
                event = ended.wait(min(pause, max(clock.left(time.monotonic()), 0.0)))
                if event == "ended":
                    return {"limit": None, "starved": False, "tree_kb": peak >> 10}
                if event in ("cancelled", "abandoned"):
                    self.abandoned = event == "abandoned"
                    return {"limit": "cancelled", "starved": False, "tree_kb": peak >> 10}
                usage = self.tree.sample(inherited, memory)
                peak = max(peak, usage.memory)
                now = time.monotonic()
                clock.look(now, usage.cpu_s, usage.ready, usage.busy)
                limit = self._exceeded(job, usage, clock, now)
                if limit is not None:
                    starved = limit == "wall" and clock.starved(now)
                    return {"limit": limit, "starved": starved, "tree_kb": peak >> 10}
                pause = _LOOK_S if usage.memory < memory // 2 else _CLOSE_LOOK_S
        finally:
            ended.close()

    def _exceeded(self, job: dict[str, Any], usage: Usage, clock: Clock, now: float) -> str | None:
        limits = job["limits"]
        if usage.cpu_s > limits["cpu_s"] + 0.02:
            return "cpu"
        if usage.memory > limits["memory_mb"] * _MEBI:
            return "memory"
        if clock.over(now):
            clock.least_waited = self.tree.waited_for_cpu()
            if clock.over(now):
                return "wall"
        size, entries = self.scratch.used()
        if size > limits["scratch_mb"] * _MEBI or entries > limits["inodes"]:
            return "scratch"
        return None

    def _end_tree(self, pid: int) -> tuple[int | None, int]:
        """Kill and reap everything that came from the job. (wait status of its first process, largest resident KiB)."""
        status: int | None = None
        largest = 0
        give_up = time.monotonic() + _GIVE_UP_S
        killed = False
        while True:
            try:
                found, code, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return status, largest
            if found:
                largest = max(largest, usage.ru_maxrss)
                status = code if found == pid else status
                continue
            self._kill_all(pid, first=not killed)
            killed = True
            if time.monotonic() > give_up:
                os._exit(3)  # pid 1 of a namespace takes it along; without one, the guardian sees to the rest
            time.sleep(0.0005)

    def _kill_all(self, pid: int, first: bool) -> None:
        if self.namespaces:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        for other in self.tree.pids():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(other), signal.SIGKILL)


def _in_a_fork(action: Callable[[], object]) -> bool:
    """Whether ``action`` returned something true in a process of its own: what it read of a program goes with it."""
    pid = kernel.fork()
    if pid == 0:
        status = 1
        try:
            status = 0 if action() else 1
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1] == 0


class _EndWatch:
    """Waits for a process's end, a word from the control socket, or the end of the caller or guardian."""

    def __init__(self, pid: int, control: socket.socket, lifeline: int) -> None:
        self.control = control
        self.pid = pid
        self.poller = select.poll()
        self.poller.register(control.fileno(), select.POLLIN)
        if lifeline >= 0:
            self.poller.register(lifeline, select.POLLIN)
        try:
            self.handle = os.pidfd_open(pid)
            self.poller.register(self.handle, select.POLLIN)
        except (AttributeError, OSError):
            self.handle = -1

    def wait(self, seconds: float) -> str | None:
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            step = left if self.handle >= 0 else min(left, 0.002)
            ready = [number for number, _ in self.poller.poll(max(0.0, step) * 1000)]
            if self.handle in ready or (self.handle < 0 and self._exited()):
                return "ended"
            if self.control.fileno() in ready:
                return "cancelled" if self.control.recv(64, socket.MSG_PEEK) and self.control.recv(64) else "abandoned"
            if ready:
                return "abandoned"
            if left <= 0:
                return None

    def _exited(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
