"""The code judge in places like containers: right programs get 1.0 there, or it refuses and says why.

    python benchmarks/code_environments.py [NAME …]

Each place is made by setpriv, unshare or bubblewrap (``tests/sandbox/environments.py``); what cannot be had here says
so. Exit status 1 where a right program did not pass, or a wrong one did.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "sandbox"))

from environments import ENVIRONMENTS, judged_in, problem_with  # type: ignore[import-not-found]


def main() -> int:
    print(f"Linux {platform.release()}, Python {platform.python_version()}, uid {os.getuid()}\n")
    print("| place | tier | right programs | wrong programs | refused because |\n|---|---|---|---|---|")
    broken = 0
    for place in ENVIRONMENTS:
        if sys.argv[1:] and not any(word in place.name for word in sys.argv[1:]):
            continue
        said = judged_in(place)
        if isinstance(said, str):
            print(f"| {place.name} | – | – | – | not tried: {said} |", flush=True)
            continue
        problem = problem_with(said)
        broken += bool(problem)
        why = (problem and f"**{problem}**") or _short(said["refused"] or "–")
        print(
            f"| {place.name} | {said.get('tier') or '–'} | {said.get('right')} | {said.get('wrong')} | {why} |",
            flush=True,
        )
    return int(broken > 0)


def _short(text: str) -> str:
    """The reasons of a refusal, without the advice."""
    reasons = [line.strip(" -") for line in text.splitlines() if line.startswith("  - ")]
    return "; ".join(reasons)[:400] or text.splitlines()[0][:400]


if __name__ == "__main__":
    raise SystemExit(main())
