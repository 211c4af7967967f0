"""What the tree of a job uses, read from /proc through a descriptor that the job never sees."""

from __future__ import annotations

import os

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MOST_PROCESSES = 4096


class Usage:
    """One sample of a tree."""

    __slots__ = ("busy", "cpu_s", "memory", "processes", "ready")

    def __init__(self, cpu_s: float, memory: int, processes: int, states: set[bytes]) -> None:
        self.cpu_s = cpu_s
        self.memory = memory
        self.processes = processes
        self.ready = b"R" in states
        """A thread has a CPU or waits for one."""
        self.busy = b"D" in states
        """A thread waits for a disk."""


class ProcessTree:
    """The descendants of the calling process, by their ids in the pid namespace that ``proc`` shows."""

    def __init__(self, proc: int) -> None:
        self.proc = proc
        self._buffer = bytearray(4096)

    def _read(self, path: str) -> bytes:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.proc)
        except OSError:
            return b""
        try:
            return os.read(descriptor, 65536)
        except OSError:
            return b""
        finally:
            os.close(descriptor)

    def _stat(self, process: int | str) -> list[bytes]:
        """Fields of ``stat`` behind the name. The name is the program's to choose: it never becomes an object here,
        and the one buffer that held it is cleared, since later programs inherit this memory."""
        try:
            descriptor = os.open(f"{process}/stat", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.proc)
        except OSError:
            return []
        buffer = self._buffer
        try:
            length = os.readv(descriptor, [buffer])
            return bytes(memoryview(buffer)[buffer.rfind(b")") + 1 : length]).split()
        except OSError:
            return []
        finally:
            os.close(descriptor)
            buffer[:128] = bytes(128)

    def _tasks(self, pid: int) -> list[str]:
        try:
            descriptor = os.open(f"{pid}/task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.proc)
        except OSError:
            return []
        try:
            return os.listdir(descriptor)
        finally:
            os.close(descriptor)

    def _children(self, pid: int) -> list[int]:
        found: list[int] = []
        for task in self._tasks(pid):
            found += map(int, self._read(f"{pid}/task/{task}/children").split())
        return found

    def pids(self) -> list[int]:
        """Every living descendant."""
        found: list[int] = []
        frontier = [int(os.readlink("self", dir_fd=self.proc))]
        while frontier and len(found) < _MOST_PROCESSES:
            children = self._children(frontier.pop())
            found += children
            frontier += children
        return found

    def own_sizes(self) -> tuple[int, int, int]:
        """(address space, data, resident) of the calling process in bytes."""
        fields = {}
        for line in self._read("self/status").splitlines():
            name, _, value = line.partition(b":")
            fields[name] = value
        return tuple(int(fields[name].split()[0]) << 10 for name in (b"VmSize", b"VmData", b"VmRSS"))  # type: ignore[return-value]

    def user_tasks(self, uid: int) -> int:
        """Threads of one user on the whole machine: what RLIMIT_NPROC counts where no namespace has its own count."""
        total = 0
        for name in os.listdir(self.proc):
            if name.isdigit():
                try:
                    if os.stat(name, dir_fd=self.proc).st_uid == uid:
                        total += len(self._tasks(int(name)))
                except OSError:
                    continue
        return total

    def sample(self, inherited: int, limit: int) -> Usage:
        """CPU and memory of the tree now.

        ``inherited`` bytes a process are shared with the warm interpreter. Resident sizes are an upper bound that
        costs little; only where they pass ``limit`` are the proportional sizes asked for.
        """
        cpu = 0.0
        memory = 0
        pids = self.pids()
        states: set[bytes] = set()
        for pid in pids:
            fields = self._stat(pid)
            if len(fields) > 21:
                states.add(fields[0])
                if fields[17] != b"1" and b"R" not in states:
                    states.update(*(self._stat(f"{pid}/task/{task}")[:1] for task in self._tasks(pid)))
                cpu += sum(map(int, fields[11:15])) / _TICKS
                memory += max(0, int(fields[21]) * _PAGE - inherited)
        if memory > limit:
            memory = 0
            for pid in pids:
                memory += self._proportional(pid)
                if memory > limit:
                    break
        return Usage(cpu, memory, len(pids), states)

    def _proportional(self, pid: int) -> int:
        """Anonymous and shared memory of a process, each shared page counted by its share."""
        total = 0
        for line in self._read(f"{pid}/smaps_rollup").splitlines():
            if line.startswith((b"Pss_Anon:", b"Pss_Shmem:", b"SwapPss:")):
                total += int(line.split()[1]) << 10
        if total == 0:
            fields = self._read(f"{pid}/statm").split()
            total = int(fields[1]) * _PAGE if len(fields) > 1 else 0
        return total

    def waited_for_cpu(self) -> float:
        """The longest time that one thread of a single-process tree spent runnable without a CPU, in seconds.

        0 for a tree of several processes: those may have been waiting for one another.
        """
        pids = self.pids()
        if len(pids) != 1:
            return 0.0
        longest = 0
        for task in self._tasks(pids[0]):
            fields = self._read(f"{pids[0]}/task/{task}/schedstat").split()
            if len(fields) > 1:
                longest = max(longest, int(fields[1]))
        return longest / 1e9
