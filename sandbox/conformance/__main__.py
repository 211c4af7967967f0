"""``python -m veritune.sandbox.conformance [--corpus FOLDER] [--tier TIER]``: what holds here, as JSON lines."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from veritune.sandbox.conformance import World, corpus, examine
from veritune.sandbox.errors import SandboxUnavailable
from veritune.sandbox.interface import Sandbox
from veritune.sandbox.local.backend import LocalSandbox


def main() -> int:
    """0 where everything held, 1 where something did not, 3 where the tier is not to be had."""
    parser = argparse.ArgumentParser(prog="python -m veritune.sandbox.conformance", description=__doc__)
    parser.add_argument("--corpus", type=Path, help="folder of hostile programs with a manifest.jsonl")
    parser.add_argument("--tier", choices=["namespaces", "confined"])
    parser.add_argument("--seconds", type=float, default=2.0, help="time limit of programs that are to be killed")
    options = parser.parse_args()
    with LocalSandbox(tier=options.tier, workers=1) as sandbox:
        try:
            report = sandbox.report()
        except SandboxUnavailable as error:
            print(json.dumps({"unavailable": str(error)}))
            return 3
        print(json.dumps({"report": report.as_evidence(), "uid": os.getuid()}))
        if options.corpus is not None:
            return _attack(sandbox, options.corpus, options.seconds)
        findings = examine(sandbox)
    for finding in findings:
        print(json.dumps({"check": finding.check.name, "problem": finding.problem, "skipped": finding.skipped}))
    return int(not all(finding.held for finding in findings))


def _attack(sandbox: Sandbox, folder: Path, seconds: float) -> int:
    attacks, problems = corpus.load(folder)
    spoken = sandbox.languages()
    broken = 0
    with World() as world:
        for attack in attacks:
            if not attack.mode.startswith("stdio") or corpus.language_of(attack) not in spoken:
                continue
            doomed = "killed within limit" in attack.holds
            limits = corpus.quicker(attack.limits, seconds) if doomed else attack.limits
            result = corpus.run_surely(sandbox, attack, problems[attack.mode], world, limits)
            broken += bool(result.broken)
            ended = result.outcomes[-1].describe()
            row = {"attack": attack.file, "category": attack.category, "broken": result.broken, "ended": ended}
            print(json.dumps({**row, "seconds": round(result.seconds, 3)}), flush=True)
    return int(broken > 0)


if __name__ == "__main__":
    raise SystemExit(main())
