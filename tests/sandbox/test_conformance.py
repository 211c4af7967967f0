"""Every back-end passes the same suite. Services are stood in for by servers that speak their published interfaces."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox import fake_e2b, services
from veritune.plugins import get_sandbox
from veritune.sandbox import Limits, Program, Sandbox, SandboxCrashed, SandboxUnavailable
from veritune.sandbox.conformance.checks import CHECKS, Check, examine_one
from veritune.sandbox.local.backend import LocalSandbox

BACKENDS = ["namespaces", "confined", "bubblewrap", "docker", "sandbox_fusion", "piston", "e2b"]


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ``docker`` command that is docker's interface over bubblewrap."""
    if shutil.which("bwrap") is None:
        pytest.skip("the stand-in for docker needs bubblewrap")
    folder = tmp_path_factory.mktemp("docker")
    tool = folder / "docker"
    script = Path(__file__).with_name("fake_docker.py")
    tool.write_text(f'#!/bin/sh\nFAKE_DOCKER_STATE={folder} exec {sys.executable} {script} "$@"\n')
    tool.chmod(0o755)
    return tool


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the stand-in for E2B's SDK in its place."""
    if os.getuid() != 0 or shutil.which("bwrap") is None:
        pytest.skip("the stand-in for E2B needs root and bubblewrap")
    monkeypatch.setitem(sys.modules, "e2b", fake_e2b)
    monkeypatch.setenv("E2B_API_KEY", "a-valid-key")


@pytest.fixture(scope="module", params=BACKENDS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    name = request.param
    with contextlib.ExitStack() as stack:
        if name in ("namespaces", "confined"):
            made: Sandbox = LocalSandbox(tier=name, workers=2)
        elif name == "bubblewrap":
            made = get_sandbox("bubblewrap", workers=2)
        elif name == "docker":
            tool = str(request.getfixturevalue("docker"))
            languages = ("python", "bash", "cpp")
            made = get_sandbox("docker", tool=tool, image="test-image", languages=languages, workers=2)
        elif name == "e2b":
            stand_in(stack.enter_context(pytest.MonkeyPatch.context()))
            made = get_sandbox("e2b", workers=2)
        else:
            engine = stack.enter_context(LocalSandbox(workers=2))
            service = services.Service(getattr(services, name.removeprefix("sandbox_"))(engine))
            stack.callback(service.close)
            made = get_sandbox(name, url=service.url + ("/api/v2" if name == "piston" else ""), workers=2)
        stack.enter_context(made)
        try:
            made.report()
        except SandboxUnavailable as error:
            pytest.skip(str(error))
        yield made


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_backend_conforms(sandbox: Sandbox, check: Check) -> None:
    finding = examine_one(check, sandbox)
    if finding.skipped:
        pytest.skip(finding.skipped)
    assert finding.held, finding.problem


@pytest.mark.parametrize("name", ["sandbox_fusion", "piston"])
def test_a_silent_service_is_not_a_failed_program(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veritune.sandbox.external.http._PAUSES_S", (0.0,))
    sandbox = get_sandbox(name, url="http://127.0.0.1:9")
    with pytest.raises(SandboxUnavailable, match="does not answer"):
        sandbox.run(Program("python", "print(1)"))


def test_a_failing_server_is_not_a_failed_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veritune.sandbox.external.http._PAUSES_S", (0.0, 0.0))
    asked: list[str] = []

    def answer(method: str, path: str, body: object) -> services.Answer:
        asked.append(path)
        return 503, {"detail": "overloaded"}

    service = services.Service(answer)
    with pytest.raises(SandboxCrashed, match="503"):
        get_sandbox("sandbox_fusion", url=service.url).run(Program("python", "print(1)"))
    assert len(asked) == 3, "a server that restarts gets more than one chance"
    service.close()


def test_a_service_that_is_gone_after_it_answered_costs_its_job_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection is then what a status of 500 is: tried again, and undecided in a reward."""
    monkeypatch.setattr("veritune.sandbox.external.http._PAUSES_S", (0.0, 0.0))
    ran = {"status": "Finished", "return_code": 0, "stdout": "1\n", "stderr": "", "execution_time": 0.1}
    service = services.Service(lambda *_: (200, {"status": "Success", "run_result": ran}))
    sandbox = get_sandbox("sandbox_fusion", url=service.url)
    assert sandbox.run(Program("python", "print(1)")).ok
    service.close()
    with pytest.raises(SandboxCrashed, match="does not answer"):
        sandbox.run(Program("python", "print(1)"))


def test_an_error_on_fusions_side_is_not_a_failed_program() -> None:
    service = services.Service(lambda *_: (200, {"status": "SandboxError", "message": "no space left"}))
    with pytest.raises(SandboxCrashed, match="no space left"):
        get_sandbox("sandbox_fusion", url=service.url).run(Program("python", "print(1)"))
    service.close()


def test_a_missing_image_is_not_a_failed_program(docker: Path) -> None:
    sandbox = get_sandbox("docker", tool=str(docker), image="missing")
    with pytest.raises((SandboxCrashed, SandboxUnavailable), match="Unable to find image"):
        sandbox.run(Program("python", "print(1)"), limits=Limits(wall_s=5))


def test_a_missing_tool_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    for name, advice in (("bubblewrap", "apt-get install bubblewrap"), ("docker", "docker or podman")):
        with pytest.raises(SandboxUnavailable, match=advice):
            get_sandbox(name).report()


def test_a_program_s_memory_is_not_ours() -> None:
    """Linux counts what the starting process held: a trainer of gigabytes must not read its own size."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed: apt-get install bubblewrap")
    held = bytearray(b"x") * (300 << 20)
    with get_sandbox("bubblewrap", workers=1) as sandbox:
        small = sandbox.run(Program("python", "print(1)"))
        large = sandbox.run(Program("python", "x = bytearray(b'x') * (900 << 20)"), limits=Limits(memory_mb=2000))
    assert len(held) == 300 << 20
    assert small.ok
    assert small.peak_memory_mb < 250
    assert large.peak_memory_mb == 0 or large.peak_memory_mb > 850
