"""Running what cannot be trusted: programs of the policy, and computations that may never end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from veritune.plugins.hookspecs import hookimpl
from veritune.sandbox.errors import (
    DeadlineExceeded,
    JobRefused,
    LanguageUnavailable,
    SandboxClosed,
    SandboxCrashed,
    SandboxError,
    SandboxUnavailable,
)
from veritune.sandbox.interface import (
    CHANNEL_FD,
    CompileOutcome,
    IsolationReport,
    Job,
    Limits,
    Linked,
    Outcome,
    Program,
    Sandbox,
    Session,
)

if TYPE_CHECKING:
    from veritune.sandbox.checks import DoctorRow

__all__ = [
    "CHANNEL_FD",
    "CompileOutcome",
    "DeadlineExceeded",
    "IsolationReport",
    "Job",
    "JobRefused",
    "LanguageUnavailable",
    "Limits",
    "Linked",
    "Outcome",
    "Program",
    "Sandbox",
    "SandboxClosed",
    "SandboxCrashed",
    "SandboxError",
    "SandboxUnavailable",
    "Session",
    "default_sandbox",
    "doctor",
]


@hookimpl
def veritune_sandboxes() -> Mapping[str, Any]:
    """The back-ends that come with the library; ``local`` needs nothing but a Linux kernel."""
    return {
        "local": "veritune.sandbox.local.backend:LocalSandbox",
        "bubblewrap": "veritune.sandbox.external.bubblewrap:BubblewrapSandbox",
        "docker": "veritune.sandbox.external.docker:DockerSandbox",
        "sandbox_fusion": "veritune.sandbox.external.fusion:FusionSandbox",
        "piston": "veritune.sandbox.external.piston:PistonSandbox",
        "e2b": "veritune.sandbox.external.e2b:E2BSandbox",
        "ray": "veritune.sandbox.external.cluster:RaySandbox",
    }


def default_sandbox() -> Sandbox:
    """The process's shared ``local`` sandbox, made on first use and closed at exit."""
    from veritune.sandbox.local.backend import shared

    return shared()


def doctor() -> list[DoctorRow]:
    """One row a tier, back-end and language: what works here, what is enforced, what to install."""
    from veritune.sandbox.checks import examine

    return examine()
