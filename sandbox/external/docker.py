"""The ``docker`` back-end: one container a program, by the command line of docker or podman."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from veritune.plugins.errors import ConfigError
from veritune.sandbox.errors import LanguageUnavailable, SandboxCrashed, SandboxError, SandboxUnavailable
from veritune.sandbox.external.command import HOME, CommandSandbox, Running, Wrapped
from veritune.sandbox.interface import IsolationReport, Limits, Outcome, Program
from veritune.sandbox.languages import LANGUAGES, Language, Toolchain

_INSIDE = 'cp -r /job/. . && exec "$@"'
_MEBI = 1 << 20
_TALK_S = 60.0
_PAUSES_S = (0.2, 1.0, 3.0)


class DockerSandbox(CommandSandbox):
    """Programs in throw-away containers without a network, as an ordinary user, on a read-only root.

    - ``image`` must hold the toolchains of ``languages``. ``tool``: ``docker`` or ``podman``; by default what is there.
    - ``runtime``: another OCI runtime, such as gVisor's ``runsc``.

    CPU time is not known: the kernel ends a program at its limit, and outcomes say 0.0 s.
    """

    name = "docker"

    def __init__(
        self,
        *,
        image: str = "python:3.12-slim",
        languages: Sequence[str] = ("python", "bash"),
        tool: str | None = None,
        runtime: str | None = None,
        workers: int | None = None,
    ) -> None:
        super().__init__(workers)
        unknown = set(languages) - set(LANGUAGES)
        if unknown:
            raise ConfigError(f"unknown languages {sorted(unknown)}; known: {', '.join(LANGUAGES)}")
        self._options: dict[str, Any] = {
            "image": image,
            "languages": tuple(languages),
            "tool": tool,
            "runtime": runtime,
            "workers": workers,
        }
        self._report: IsolationReport | None = None
        self._worked = False

    def __reduce__(self) -> tuple[Callable[..., DockerSandbox], tuple[dict[str, Any]]]:
        return _rebuild, (self._options,)

    @property
    def _tool(self) -> str:
        tool = self._options["tool"] or shutil.which("docker") or shutil.which("podman")
        if tool is None:
            raise SandboxUnavailable("sandbox 'docker' needs docker or podman on PATH: https://docs.docker.com/engine/")
        return str(tool)

    def _talk(self, *words: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run([self._tool, *words], capture_output=True, text=True, timeout=_TALK_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            kind = SandboxCrashed if self._worked else SandboxUnavailable  # it worked before
            raise kind(f"sandbox 'docker': {error}") from error

    def report(self) -> IsolationReport:
        if self._report is None:
            said = self._talk("version", "--format", "{{.Server.Version}}")
            if said.returncode != 0:
                raise SandboxUnavailable(f"sandbox 'docker': its daemon does not answer: {said.stderr.strip()[-300:]}")
            runtime = self._options["runtime"]
            self._report = IsolationReport(
                "docker",
                "docker" if runtime is None else f"docker ({runtime})",
                *("enforced",) * 6,
                "enforced" if runtime == "runsc" else "partial",
                ("kernel_surface: docker's default seccomp profile",) if runtime is None else (),
            )
            outcome = self.run(Program("python", "print(6 * 7)"), limits=Limits(cpu_s=5, wall_s=60))
            if outcome.stdout != b"42\n":
                self._report = None
                raise SandboxUnavailable(f"sandbox 'docker' does not work here: {outcome.stderr_text[-300:]}")
            self._worked = True
        return self._report

    def run(
        self,
        program: Program,
        stdin: bytes | str = b"",
        files: Mapping[str, bytes | str] | None = None,
        limits: Limits | None = None,
    ) -> Outcome:
        """As everywhere; once it has worked, a daemon that is away for a moment is asked again."""
        for pause in _PAUSES_S:
            try:
                return super().run(program, stdin, files, limits)
            except SandboxCrashed:
                if not self._worked:
                    raise
            time.sleep(pause)
        return super().run(program, stdin, files, limits)

    def languages(self) -> dict[str, str]:
        return dict.fromkeys(self._options["languages"], self._options["image"])

    def toolchain(self, language: Language) -> Toolchain:
        if language.name not in self._options["languages"]:
            raise LanguageUnavailable(
                f"sandbox 'docker': {language.name} is not among languages={self._options['languages']}; name an image "
                "that has it"
            )
        return Toolchain({"python": "python3", **{tool: tool for tool in language.tools}}, ())

    def wrap(self, step: Wrapped, name: str, passed: Mapping[str, int]) -> list[str]:
        limits = step.limits
        cpu, memory = int(limits.cpu_s + 0.999), f"{int(limits.memory_mb)}m"
        options = ["--name", name, "-i", "--network", "none", "--read-only", "--cap-drop", "ALL", "--init"]
        options += ["--security-opt", "no-new-privileges", "--user", "65534:65534", "--hostname", "sandbox"]
        options += ["--memory", memory, "--memory-swap", memory, "--pids-limit", str(int(limits.processes) + 4)]
        options += ["--ulimit", f"cpu={cpu}:{cpu + 1}", "--ulimit", f"fsize={int(limits.file_mb * _MEBI)}"]
        options += ["--ulimit", "core=0", "--ulimit", "nofile=256"]
        space = f"size={int(limits.scratch_mb * _MEBI)},nr_inodes={int(limits.inodes)}"
        options += ["--tmpfs", f"{HOME}:rw,exec,nosuid,nodev,mode=1777,{space}"]
        options += ["--volume", f"{step.folder}:/job:{'rw' if step.writable else 'ro'}"]
        options += ["--workdir", "/job" if step.writable else HOME]
        for key, value in step.environment.items():
            options += ["--env", f"{key}={value}"]
        if self._options["runtime"] is not None:
            options += ["--runtime", self._options["runtime"]]
        script = 'exec "$@"' if step.writable else _INSIDE
        return [self._tool, "run", *options, self._options["image"], "/bin/sh", "-c", script, "sh", *step.argv]

    def kill(self, running: Running) -> None:
        self._talk("kill", running.name)
        running.end()

    def check(self, running: Running) -> None:
        if running.status == 125:  # docker's own: the container never ran
            said = os.pread(running.streams["stderr"], 500, 0).decode("utf-8", "replace").strip()
            raise SandboxCrashed(f"sandbox 'docker' could not run a container: {said}")
        running.cpu_s = None  # of the command line, not of the program

    def ran_out_of_memory(self, running: Running) -> bool:
        return self._talk("inspect", "--format", "{{.State.OOMKilled}}", running.name).stdout.strip() == "true"

    def tidy(self, running: Running) -> None:
        with contextlib.suppress(SandboxError):
            self._talk("rm", "--force", running.name)


def _rebuild(options: dict[str, Any]) -> DockerSandbox:
    return DockerSandbox(**options)
