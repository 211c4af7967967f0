"""A stand-in for the ``e2b`` SDK's synchronous surface: a machine is a folder seen by root under bubblewrap.

Signatures and errors are those of e2b 2.63 (``test_the_stand_in_keeps_to_the_sdk`` compares them
where it is installed).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class SandboxException(Exception):
    pass


class TimeoutException(SandboxException):
    pass


class SandboxNotRunningException(TimeoutException):
    pass


class RateLimitException(SandboxException):
    pass


class AuthenticationException(Exception):
    pass


class ServiceBusyException(Exception):
    pass


@dataclass
class CommandResult:
    stderr: str
    stdout: str
    exit_code: int
    error: str | None = None


@dataclass
class CommandExitException(SandboxException, CommandResult):
    pass


class Filesystem:
    def __init__(self, root: Path) -> None:
        self._root = root

    def write_files(
        self, files: list[dict[str, Any]], user: str | None = None, request_timeout: float | None = None
    ) -> list[Any]:
        for entry in files:
            data = entry["data"]
            path = self._root / entry["path"].lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return []


class Commands:
    def __init__(self, root: Path) -> None:
        self._root = root

    def run(
        self,
        cmd: str,
        background: bool | None = None,
        envs: dict[str, str] | None = None,
        user: str | None = None,
        cwd: str | None = None,
        timeout: float | None = 60,
    ) -> CommandResult:
        assert user == "root"
        wrapped = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--cap-add", "ALL"]
        wrapped += ["--die-with-parent", "--clearenv", "--setenv", "PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin"]
        wrapped += ["--tmpfs", "/", "--ro-bind", "/usr", "/usr"]
        wrapped += ["--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"]
        wrapped += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chmod", "1777", "/tmp"]
        wrapped += ["--bind", str(self._root / "veritune"), "/veritune", "--chdir", cwd or "/"]
        try:
            done = subprocess.run([*wrapped, "/bin/bash", "-l", "-c", cmd], capture_output=True, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise TimeoutException("the command's deadline was exceeded") from error
        out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        if done.returncode != 0:
            raise CommandExitException(stderr=err, stdout=out, exit_code=done.returncode)
        return CommandResult(stderr=err, stdout=out, exit_code=0)


class Sandbox:
    alive = 0
    made = 0

    def __init__(self) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="veritune-fake-e2b-"))
        self.files = Filesystem(self._root)
        self.commands: Any = Commands(self._root)

    @classmethod
    def create(
        cls,
        template: str | None = None,
        timeout: int | None = None,
        metadata: dict[str, str] | None = None,
        envs: dict[str, str] | None = None,
        secure: bool | None = None,
        allow_internet_access: bool | None = None,
    ) -> Sandbox:
        if os.environ.get("E2B_API_KEY") != "a-valid-key":
            raise AuthenticationException("401: Unauthorized, please check your credentials.")
        assert allow_internet_access is False
        assert isinstance(timeout, int)
        Sandbox.alive += 1
        Sandbox.made += 1
        return cls()

    def kill(self) -> bool:
        Sandbox.alive -= 1
        shutil.rmtree(self._root)
        return True
