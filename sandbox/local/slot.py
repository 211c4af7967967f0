"""The caller's side of one slot: starts its guardian, hands it one step at a time, reads what came of it."""

from __future__ import annotations

import array
import contextlib
import json
import os
import select
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veritune.sandbox.local import remains
from veritune.sandbox.local.wire import Step, Streams

_START = """import sys, types
sys.path[:] = [p for p in sys.path if p]
for name in ("veritune", "veritune.sandbox", "veritune.sandbox.local"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = []
sys.modules["veritune.sandbox.local"].__path__ = [sys.argv[2]]
from veritune.sandbox.local.inside.guardian import main
main(int(sys.argv[1]))
"""
_READY_S = 60.0
_GRACE_S = 15.0
"""How much longer than its patience a step may take to be answered before the slot counts as dead."""


class SlotDied(Exception):
    """The slot's process is gone or does not answer: an internal signal to try another one."""


@dataclass
class Result:
    """What the warm interpreter said about a step, with its streams."""

    answer: dict[str, Any]
    stdout: bytes
    stderr: bytes
    stdout_size: int
    stderr_size: int
    collected: int | None


class Slot:
    """One guardian with its warm interpreter."""

    def __init__(self, python: str, config: dict[str, Any], heavy: bool) -> None:
        self.config = config
        self.heavy = heavy
        self.role = ""
        """Which helper modules it has imported: see ``Step.role``."""
        self._known: frozenset[str] = frozenset()
        self.scratch = config["home"]
        self.owner = os.getpid()
        self._streams: Streams | None = None
        self._deadline = 0.0
        errors = os.memfd_create("errors", 1)
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self.process = subprocess.Popen(
                [python, "-s", "-S", "-c", _START, str(theirs.fileno()), str(Path(__file__).parent)],
                # One hash seed for all: the same program gets the same verdict.
                env={"PYTHONHASHSEED": "0", "PYTHONSAFEPATH": "1", "LANG": "C.UTF-8"},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            self.control.close()
            os.close(errors)
            raise SlotDied(f"cannot start {python}: {error}") from error
        finally:
            theirs.close()
        try:
            self.facts = self._await_ready(errors)
        except BaseException:
            self.kill()
            raise
        finally:
            os.close(errors)

    def _await_ready(self, errors: int) -> dict[str, Any]:
        self.control.settimeout(_READY_S)
        try:
            self.control.send(json.dumps(self.config).encode())
            said = self.control.recv(1 << 16)
        except OSError as error:
            said = b""
            reason = str(error)
        else:
            reason = "it ended at once"
        if not said:
            raise SlotDied(f"{reason}: {os.pread(errors, 2000, 0).decode('utf-8', 'replace').strip()[-500:]}")
        facts: dict[str, Any] = json.loads(said)
        if "error" in facts:
            raise SlotDied(facts["error"])
        return facts

    def start(self, step: Step) -> None:
        """Hand over a step; :meth:`finish` reads its result."""
        streams = Streams(step, self.scratch, self._known)
        self._streams = streams
        self._deadline = time.monotonic() + step.limits.patience + _GRACE_S
        message, descriptors = streams.message()
        try:
            self.control.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))], 0)
        except OSError as error:
            self.release()
            raise SlotDied(str(error)) from error

    def cancel(self) -> None:
        """Ask for the running step to be ended now."""
        with contextlib.suppress(OSError):
            self.control.send(b"cancel")

    def finish(self, output_limit: int) -> Result:
        """Wait for the step's end. SlotDied where the slot died first or keeps silent past every limit."""
        assert self._streams is not None
        try:
            answer = self._answer()
            if "setup_error" not in answer:
                self._known |= self._streams.support
            stdout, stdout_size = self._streams.read("stdout", output_limit)
            stderr, stderr_size = self._streams.read("stderr", output_limit)
            collected = self._streams.held.pop("collect") if answer.get("collected") else None
            return Result(answer, stdout, stderr, stdout_size, stderr_size, collected)
        finally:
            self.release()

    def _answer(self) -> dict[str, Any]:
        while True:
            self.control.settimeout(max(0.1, self._deadline - time.monotonic()))
            try:
                said = self.control.recv(1 << 16)
            except OSError as error:
                raise SlotDied(f"no answer: {error}") from error
            if not said:
                raise SlotDied("its process ended")
            answer: dict[str, Any] = json.loads(said)
            if "stale" not in answer:
                return answer

    def release(self) -> None:
        """Close the current step's streams."""
        if self._streams is not None:
            self._streams.close()
            self._streams = None

    def kill(self) -> None:
        """End the slot, whatever it does. Its programs end with it."""
        self.close(patience=2.0)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._tidy()

    def close(self, patience: float = 5.0) -> None:
        """Close the control socket: the warm interpreter ends its job and leaves, the guardian follows."""
        self.release()
        self.control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
            self._tidy()

    def _tidy(self) -> None:
        """What the guardian does, where it was killed and could not."""
        if self.config["scratch"] and self.process.returncode != 0:
            remains.end_session(self.process.pid)
            remains.remove(os.path.dirname(self.config["scratch"]))

    def forget(self) -> None:
        """In a forked child: let go of the parent's slot without touching its processes."""
        self.release()
        self.control.close()
        self.process.returncode = 0  # not a child of this process


def wait_any(slots: list[Slot], timeout: float) -> list[Slot]:
    """The slots that have something to say."""
    poller = select.poll()
    by_number = {slot.control.fileno(): slot for slot in slots}
    for number in by_number:
        poller.register(number, select.POLLIN)
    return [by_number[number] for number, _ in poller.poll(timeout * 1000)]
