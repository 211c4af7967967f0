"""Is it right? Answer extraction and verdicts. Built-ins register through the same hook as a third party's."""

from __future__ import annotations

from collections.abc import Mapping

from veritune.plugins.hookspecs import hookimpl

VERIFIERS: dict[str, str] = {
    "code": "veritune.verifiers.code:CodeVerifier",
    "choice": "veritune.verifiers.choice:ChoiceVerifier",
    "countdown": "veritune.verifiers.countdown:Countdown",
    "math": "veritune.verifiers.math:MathVerifier",
}


@hookimpl
def veritune_verifiers() -> Mapping[str, str]:
    return VERIFIERS
