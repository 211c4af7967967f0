"""What works on this machine: the rows of ``veritune doctor``."""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass
from typing import Literal

from veritune.sandbox.errors import LanguageUnavailable, SandboxError
from veritune.sandbox.interface import IsolationReport, Sandbox
from veritune.sandbox.languages import LANGUAGES

Status = Literal["ok", "partial", "missing"]


@dataclass(frozen=True, slots=True)
class DoctorRow:
    """One finding."""

    name: str
    status: Status
    detail: str


def examine() -> list[DoctorRow]:
    """One row for each tier of ``local``, each external back-end and each language. Starts and attacks the tiers."""
    from veritune.sandbox.external.bubblewrap import BubblewrapSandbox
    from veritune.sandbox.external.docker import DockerSandbox
    from veritune.sandbox.local.backend import LocalSandbox

    rows = []
    speaker: LocalSandbox | None = None
    for tier in ("namespaces", "confined"):
        local = LocalSandbox(tier=tier, workers=1)
        row = _row(f"sandbox local, tier {tier}", local)
        rows.append(row)
        if row.status != "missing" and speaker is None:
            speaker = local
    rows.append(_row("sandbox bubblewrap", BubblewrapSandbox(workers=1)))
    rows.append(_docker(DockerSandbox(workers=1)))
    rows.append(DoctorRow("sandbox sandbox_fusion, piston", "partial", "services: give their url= to get_sandbox"))
    rows += [_e2b(), _ray()]
    return rows + _languages(speaker)


def _e2b() -> DoctorRow:
    """Looks at the SDK and the key only: a machine costs money."""
    if importlib.util.find_spec("e2b") is None:
        return DoctorRow("sandbox e2b", "missing", "the SDK is not installed: pip install 'veritune[e2b]'")
    if not os.environ.get("E2B_API_KEY"):
        return DoctorRow("sandbox e2b", "missing", "no key: export E2B_API_KEY=…")
    return DoctorRow("sandbox e2b", "partial", "the SDK and a key are there; not tried")


def _ray() -> DoctorRow:
    if importlib.util.find_spec("ray") is None:
        return DoctorRow("sandbox ray", "missing", "Ray is not installed: pip install 'veritune[ray]'")
    return DoctorRow("sandbox ray", "ok", "Ray is installed; what is enforced is what each machine's sandbox enforces")


def _row(name: str, sandbox: Sandbox) -> DoctorRow:
    with sandbox:
        try:
            report = sandbox.report()
        except SandboxError as error:
            return DoctorRow(name, "missing", str(error))
    return DoctorRow(name, _status(report), _detail(report))


def _docker(sandbox: Sandbox) -> DoctorRow:
    if shutil.which("docker") is None and shutil.which("podman") is None:
        return DoctorRow("sandbox docker", "missing", "neither docker nor podman is on PATH")
    return _row("sandbox docker", sandbox)


def _status(report: IsolationReport) -> Status:
    """Memory is never more than ``partial`` without cgroups; that alone does not spoil a tier."""
    values = [value for name, value in report.enforcement().items() if name != "memory"]
    return "ok" if all(value == "enforced" for value in values) else "partial"


def _detail(report: IsolationReport) -> str:
    properties = ", ".join(f"{name} {value}" for name, value in report.enforcement().items())
    return "; ".join((properties, *report.notes))


def _languages(sandbox: Sandbox | None) -> list[DoctorRow]:
    from veritune.sandbox.languages import toolchain

    found = sandbox.languages() if sandbox is not None else {}
    rows = []
    for name in LANGUAGES:
        if name in found:
            rows.append(DoctorRow(f"language {name}", "ok", found[name]))
            continue
        try:
            toolchain(name)
            detail = "installed, but programs in the sandbox cannot read it"
        except LanguageUnavailable as error:
            detail = str(error)
        rows.append(DoctorRow(f"language {name}", "missing", detail))
    return rows
