"""The reward ``lean``: a Lean 4 proof of the row's theorem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.rewards.text import Prefilled
from veritune.verifiers.lean import LeanVerifier


@reward
def lean(
    samples: Sequence[Sample],
    *,
    right: float = 1.0,
    wrong: float = 0.0,
    lean: str | None = None,
    path: Sequence[str] = (),
    limits: Mapping[str, Any] | None = None,
    prefilled: Prefilled = "auto",
) -> list[Score]:
    """``right`` where Lean 4 accepts the completion's proof of the row's theorem, else ``wrong``.

    Columns: ``formal_statement`` (or ``lean4_code``, ``statement``, ``theorem``, ``gold``), with ``:= by sorry`` or
    without, and ``header`` (imports, ``open``) where the statement does not bring them. The proof stands in the answer
    tag or in the last fenced block after the thinking: tactics, a term, or the theorem restated word for word, lemmas
    before it. It may rest on no axioms but ``propext``, ``Classical.choice`` and ``Quot.sound``. ``lean`` names the
    binary, ``path`` the folders of compiled libraries, ``limits`` the sandbox's (60 CPU seconds, 8 GiB). Without Lean
    every sample is undecided (``abstain``).
    """
    verifier = LeanVerifier(lean=lean, path=path, limits=limits, prefilled=prefilled)
    verdicts = verifier.verify_rows([(sample.text, sample.columns, sample.prompt_text) for sample in samples])
    return [Score.of(verdict, right, wrong) for verdict in verdicts]
