"""The verifier ``lean``: runs a Lean 4 binary on the row's theorem with the completion's proof."""

from __future__ import annotations

import functools
import os
import re
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from veritune.plugins.errors import ParameterError
from veritune.plugins.faults import record
from veritune.plugins.types import Cause, Verdict
from veritune.sandbox.errors import DeadlineExceeded, SandboxError
from veritune.sandbox.interface import Job, Limits, Outcome, Program
from veritune.verifiers.code.judge import shared_sandbox
from veritune.verifiers.lean.source import NoProof, NoStatement, assemble, read_proof, read_statement

AXIOMS = frozenset({"propext", "Classical.choice", "Quot.sound"})
"""The axioms of ordinary mathematics in Lean; a proof may depend on no other."""
STATEMENTS = ("formal_statement", "lean4_code", "statement", "theorem", "formal_theorem", "gold")
HEADERS = ("header", "imports", "preamble")
MISSING = (
    "no Lean 4 binary was found (lean on PATH, in ~/.elan, or named by the parameter lean); "
    "install it with elan: https://lean-lang.org/install"
)
_LIMITS = {"cpu_s": 60.0, "wall_s": 120.0, "memory_mb": 8192, "processes": 64}
_ERROR = re.compile(r"^[^\s:]*Main\.lean:(\d+):\d+: error(?:\([^()\n]*\))?: (.*)$", re.MULTILINE)


@functools.lru_cache(maxsize=8)
def find_lean(named: str | None) -> tuple[str, str] | None:
    """The binary itself (not elan's proxy, which reads the user's home) and its prefix; None where there is none."""
    found = named or shutil.which("lean") or _existing(os.path.expanduser("~/.elan/bin/lean"))
    if found is None or not os.path.exists(found):
        return None
    try:
        done = subprocess.run([found, "--print-prefix"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    prefix = done.stdout.strip()
    binary = os.path.join(prefix, "bin", "lean")
    return (os.path.realpath(binary), os.path.realpath(prefix)) if os.path.exists(binary) else None


def _existing(path: str) -> str | None:
    return path if os.path.exists(path) else None


class LeanVerifier:
    """Right where Lean accepts the completion's proof of the row's theorem, and it rests on no other axioms.

    A gold is the row's Lean code, or a mapping with ``formal_statement`` (and ``header``). ``lean`` names the binary,
    ``path`` the folders of compiled libraries (Mathlib's ``.lake/build/lib/lean`` and those of what it needs).
    ``sorry``, axioms, ``native_decide``, new notation and all else that is no proof are wrong before anything runs.
    """

    def __init__(
        self,
        *,
        lean: str | None = None,
        path: Sequence[str] = (),
        limits: Limits | Mapping[str, Any] | None = None,
        prefilled: bool | Literal["auto"] = "auto",
    ) -> None:
        if isinstance(path, str):
            raise ParameterError("lean: path is a list of folders")
        try:
            self.limits = limits if isinstance(limits, Limits) else Limits(**{**_LIMITS, **dict(limits or {})})
        except TypeError as error:
            raise ParameterError(f"lean: limits: {error}") from error
        self.lean, self.path, self.prefilled = lean, tuple(path), prefilled

    def verify(self, completion: str, gold: Any, prompt: str = "") -> Verdict:
        """The verdict on one completion."""
        return self.verify_rows([(completion, gold, prompt)])[0]

    def verify_batch(self, pairs: Sequence[tuple[str, Any]]) -> list[Verdict]:
        """One verdict a ``(completion, gold)`` pair, in order."""
        return [self.verify(completion, gold) for completion, gold in pairs]

    def verify_rows(self, rows: Sequence[tuple[str, Any, str]]) -> list[Verdict]:
        """One verdict a ``(completion, gold, prompt)``, in order, as many at a time as the sandbox runs."""
        verdicts: list[Verdict | None] = []
        jobs: list[tuple[int, str, int, str, Job]] = []
        binary = find_lean(self.lean)
        for number, (completion, gold, prompt) in enumerate(rows):
            try:
                found = self._file(completion, gold, prompt)
            except Exception as error:  # no text raises: a bug of ours is undecided
                fault = record("reading a proof", error, completion=completion, gold=str(gold)[:5000])
                found = Verdict.undecided(Cause.INTERNAL_ERROR, fault)
            if isinstance(found, Verdict):
                verdicts.append(found)
                continue
            if binary is None:
                verdicts.append(Verdict.undecided(Cause.ABSTAIN, MISSING))
                continue
            verdicts.append(None)
            code, last, nonce, proof = found
            jobs.append((number, nonce, last, proof, self._job(code, binary)))
        if jobs and binary is not None:
            options = {"name": "local", "read_only": [binary[1], *self.path]}
            outcomes = shared_sandbox(options).run_batch([job for *_, job in jobs])
            for (number, nonce, last, proof, _), outcome in zip(jobs, outcomes, strict=True):
                verdicts[number] = _verdict(outcome, nonce, last, proof)
        return [verdict for verdict in verdicts if verdict is not None]

    def _file(self, completion: str, gold: Any, prompt: str) -> Verdict | tuple[str, int, str, str]:
        from veritune.verifiers.math.extraction.reasoning import opens_reasoning, strip_reasoning

        code, header = _row(gold)
        try:
            statement = read_statement(code, header)
        except NoStatement as error:
            return Verdict.undecided(Cause.INVALID_GOLD, str(error))
        opened = opens_reasoning(prompt) if self.prefilled == "auto" else self.prefilled
        said = strip_reasoning(completion, opened=opened)
        if said is None:
            return Verdict.wrong("the thinking never ends, so there is no proof")
        try:
            proof = read_proof(said, statement)
        except NoProof as error:
            return Verdict.wrong(str(error), expected=statement.name)
        nonce = secrets.token_hex(8)
        text, last = assemble(statement, proof, nonce)
        return text, last, nonce, proof.body

    def _job(self, code: str, binary: tuple[str, str]) -> Job:
        path = shlex.quote(":".join(self.path))
        command = f"LEAN_PATH={path} exec {shlex.quote(binary[0])} -j 1 Main.lean\n"
        return Job(Program("bash", command), files={"Main.lean": code}, limits=self.limits)


def _row(gold: Any) -> tuple[str, str]:
    """The row's code and what comes before it."""
    if isinstance(gold, str):
        return gold, ""
    if not isinstance(gold, Mapping):
        return "", ""
    code = next((gold[name] for name in STATEMENTS if isinstance(gold.get(name), str) and gold[name].strip()), "")
    header = next((gold[name] for name in HEADERS if isinstance(gold.get(name), str)), "")
    return code, header


def _verdict(outcome: Outcome | SandboxError | Any, nonce: str, last: int, proof: str) -> Verdict:
    facts: dict[str, Any] = {"extracted": proof[:2000]}
    if isinstance(outcome, DeadlineExceeded):
        return Verdict.undecided(Cause.TIMEOUT, str(outcome), **facts)
    if not isinstance(outcome, Outcome):
        return Verdict.undecided(Cause.INFRA_ERROR, f"the sandbox failed: {outcome}", **facts)
    text = outcome.stdout.decode("utf-8", "replace") + "\n" + outcome.stderr.decode("utf-8", "replace")
    if outcome.limit_hit in ("cpu", "memory", "output", "scratch"):
        return Verdict.wrong(f"checking the proof hit its limit ({outcome.limit_hit})", **facts)
    if outcome.limit_hit is not None:
        return Verdict.undecided(
            Cause.TIMEOUT, f"checking the proof was not done in time ({outcome.limit_hit})", **facts
        )
    errors = [(int(line), message) for line, message in _ERROR.findall(text)]
    if errors:
        line, message = errors[0]
        if line <= last:
            return Verdict.undecided(
                Cause.INVALID_GOLD, f"Lean does not accept the row's statement: {message[:300]}", **facts
            )
        return Verdict.wrong(f"Lean does not accept the proof: {message[:300]}", **facts)
    if outcome.exit_code != 0:
        said = text.strip().splitlines()[-1][:300] if text.strip() else f"status {outcome.exit_code}"
        return Verdict.undecided(Cause.INFRA_ERROR, f"Lean ended without a verdict: {said}", **facts)
    name = f"veritune_same_{nonce}"
    said = r"(does not depend on any axioms|depends on axioms: \[([^\]]*)\])"
    printed = rf"^(?:[^\s:]*Main\.lean:\d+:\d+: info: )?'{name}' {said}"
    lines = re.findall(printed, text, re.MULTILINE)
    if len(lines) != 1:
        return Verdict.undecided(Cause.INFRA_ERROR, "Lean did not print the proof's axioms once", **facts)
    axioms = {part.strip() for part in lines[0][1].split(",") if part.strip()}
    if axioms - AXIOMS:
        return Verdict.wrong(f"the proof rests on {', '.join(sorted(axioms - AXIOMS))}", **facts)
    return Verdict.right("Lean accepts the proof", evidence={"axioms": sorted(axioms)}, **facts)
