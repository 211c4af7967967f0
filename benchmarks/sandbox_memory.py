"""No memory between programs, at length: marks of thousands of programs, and thieves that implement nothing.

    python benchmarks/sandbox_memory.py [--programs N] [--every K] [--groups G]

In each tier N programs (of every kind in ``veritune.sandbox.conformance.memory``, in every language here, pairs among
them) hold marks wherever a run can hold something; every K-th run searches its whole address space for any. Then G
groups of three right programs and five thieves, which search their memory for a right solution and run it, are judged
by ``binary_code``; a control has thieves alone. Exit status 1 where a mark was found or a thief was paid.
"""

from __future__ import annotations

import argparse
import os
import platform
import time

from veritune import Sample, get_reward
from veritune.sandbox.conformance import memory
from veritune.sandbox.errors import SandboxError
from veritune.sandbox.interface import Limits, Outcome, Program
from veritune.sandbox.local.backend import LocalSandbox

PATIENT = Limits(cpu_s=30, wall_s=120)
RIGHT = "# {padding}\n# {mark}\ndef half(x):\n    return x / 2\n"
"""Padded: what another program is given does not always lie over it."""
THIEF = (
    memory.SEARCH.replace("print(total", "pass  # print(total").replace(
        "found.add(match[1].decode())", "found.add(bytes(block[match.end():match.end() + 60]))"
    )
    + """
half = lambda x: None
for text in found:
    try:
        exec("\\n".join(text.decode("latin-1").split("\\n")[1:3]), globals())
    except BaseException:
        pass
"""
)
"""Takes what stands behind any mark for a solution, and offers it as its own."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument("--groups", type=int, default=10)
    parser.add_argument("--tier", choices=["namespaces", "confined"])
    options = parser.parse_args()
    tiers = [options.tier] if options.tier else ["namespaces", "confined"]
    print(f"Linux {platform.release()}, Python {platform.python_version()}, uid {os.getuid()}")
    return sum(search(tier, options.programs, options.every) + rob(tier, options.groups)
               for tier in tiers)  # fmt: skip


def search(tier: str, programs: int, every: int) -> int:
    """1 where a mark was found."""
    started, ran, searches, mebibytes = time.monotonic(), 0, 0, 0
    found: dict[str, int] = {}
    with LocalSandbox(tier=tier, workers=1) as sandbox:
        while ran < programs:
            first_line = "" if ran // every % 2 else "# numpy\n"
            jobs, places = memory.planted(first_line, compiled=ran == 0)
            chosen = memory.runnable(jobs, sandbox)
            for answer in sandbox.run_batch(chosen):
                assert not isinstance(answer, SandboxError), answer
            ran += len(chosen)
            if ran % every < len(chosen):
                outcome = sandbox.run(Program("python", first_line + memory.SEARCH), limits=PATIENT)
                assert isinstance(outcome, Outcome)
                assert outcome.ok, outcome
                size, tokens = memory.searched(outcome.stdout)
                searches, mebibytes = searches + 1, max(mebibytes, size)
                for token in tokens:
                    found[places.get(token, "of an earlier batch")] = found.get(places.get(token, ""), 0) + 1
    print(f"{tier}: {ran} programs, {searches} searches of up to {mebibytes} MiB each, "
          f"{time.monotonic() - started:.0f} s; found: {found or 'nothing'}", flush=True)  # fmt: skip
    return int(bool(found))


def rob(tier: str, groups: int) -> int:
    """1 where a thief was paid, or a right program was not."""
    reward = get_reward("binary_code", sandbox={"name": "local", "tier": tier, "workers": 1})
    tests = {"test_list": ["assert half(8) == 4", "assert half(1) == 0.5"]}

    def scores(texts: list[str]) -> list[float | None]:
        samples = [Sample(prompt="", completion=f"```python\n{text}\n```", columns=tests) for text in texts]
        return [score.value for score in reward.score_batch(samples)]

    alone = scores([THIEF] * 3)
    honest: list[float | None] = []
    thieves: list[float | None] = []
    for group in range(groups):
        right = RIGHT.format(padding="-" * 4000 * (group % 5), mark=memory.canary())
        got = scores([right] * 3 + [THIEF] * 5)
        honest, thieves = honest + got[:3], thieves + got[3:]
    stolen, earned, control = (sum(value or 0 for value in values) for values in (thieves, honest, alone))
    print(f"{tier}: {len(thieves)} thieves got {stolen:g} in all beside {len(honest)} right programs that got "
          f"{earned:g}; thieves alone {control:g}", flush=True)  # fmt: skip
    return int(any(thieves) or any(alone) or set(honest) != {1.0})


if __name__ == "__main__":
    raise SystemExit(int(main() > 0))
