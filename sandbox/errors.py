"""What can go wrong around a program. None of these means "the program failed": that is an :class:`Outcome`.

SandboxError (VerituneError)
├── SandboxUnavailable        nothing can be enforced here, or the back-end's tool or service is missing
│   └── LanguageUnavailable   no toolchain for this language on this machine
├── JobRefused                the back-end cannot carry this job (see ``Sandbox.lacks``), or, in a batch, nobody can
├── SandboxCrashed            our own machinery died or answered nonsense, also on a second try
├── DeadlineExceeded          the whole call's deadline passed before this job had its turn
└── SandboxClosed             the sandbox was closed
UnknownNameError (ConfigError) an unknown language or back-end
"""

from __future__ import annotations

from veritune.plugins.errors import VerituneError

__all__ = [
    "DeadlineExceeded",
    "JobRefused",
    "LanguageUnavailable",
    "SandboxClosed",
    "SandboxCrashed",
    "SandboxError",
    "SandboxUnavailable",
]


class SandboxError(VerituneError):
    """A program could not be run, through no fault of its own. Never a zero."""


class SandboxUnavailable(SandboxError):
    """No isolation can be had here; the message says what to install or which option accepts the risk."""


class LanguageUnavailable(SandboxUnavailable):
    """The language is known and its toolchain is not installed."""


class JobRefused(SandboxError):
    """This back-end cannot carry such a job (bytes on stdin, arguments, linked programs), though another one can; or
    nobody can, as it was given: in a batch, a job's ConfigError (an unknown language, a file name that leads out of its
    folder) stands in its own place as this."""


class SandboxCrashed(SandboxError):
    """The sandbox's own process or service failed, not the program."""


class DeadlineExceeded(SandboxError):
    """The batch's deadline passed before this job could run to its own limits."""


class SandboxClosed(SandboxError):
    """The sandbox has been closed."""
