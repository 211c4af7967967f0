"""What works on this machine: the rows of ``veritune doctor``."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from veritune.sandbox.errors import SandboxError
from veritune.sandbox.interface import IsolationReport, Limits, Program, Sandbox
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
    working: list[str] = []
    for tier in ("namespaces", "confined"):
        local = LocalSandbox(tier=tier, workers=1)
        row = _row(f"sandbox local, tier {tier}", local)
        rows.append(row)
        if row.status != "missing":
            working.append(tier)
    rows.append(_row("sandbox bubblewrap", BubblewrapSandbox(workers=1)))
    rows.append(_docker(DockerSandbox(workers=1)))
    rows.append(DoctorRow("sandbox sandbox_fusion, piston", "partial", "services: give their url= to get_sandbox"))
    rows += [_e2b(), _ray()]
    return rows + _languages(working)


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


SUMS: dict[str, str] = {
    "python": "print(sum(map(int, input().split())))",
    "cpp": "#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b << std::endl; }",
    "c": '#include <stdio.h>\nint main(void) { int a, b; scanf("%d %d", &a, &b); printf("%d\\n", a + b); return 0; }',
    "javascript": "const [a, b] = require('fs').readFileSync(0, 'utf8').split(' ').map(Number); console.log(a + b);",
    "bash": "read a b\necho $((a + b))",
    "java": "public class Sum { public static void main(String[] x) { var in = new java.util.Scanner(System.in); "
    "System.out.println(in.nextInt() + in.nextInt()); } }",
    "rust": "use std::io::*;\nfn main() { let mut s = String::new(); stdin().read_to_string(&mut s).unwrap(); "
    'println!("{}", s.split_whitespace().map(|x| x.parse::<i64>().unwrap()).sum::<i64>()); }',
    "go": 'package main\nimport "fmt"\nfunc main() { var a, b int; fmt.Scan(&a, &b); fmt.Println(a + b) }',
}
"""A program a language that adds two numbers: what says that the language works is that it runs."""


def _languages(tiers: Sequence[str]) -> list[DoctorRow]:
    from veritune.sandbox.local.backend import LocalSandbox

    said: dict[str, dict[str, str | None]] = {name: {} for name in LANGUAGES}
    for tier in tiers:
        with LocalSandbox(tier=tier, workers=1) as sandbox:
            for name, problems in said.items():
                problems[tier] = language_problem(sandbox, name)
    return [_language_row(name, problems) for name, problems in said.items()]


def language_problem(sandbox: Sandbox, name: str) -> str | None:
    """Compile and run a program in the sandbox; what is wrong with the result, or None."""
    try:
        outcome = sandbox.run(Program(name, SUMS[name]), "20 22\n", limits=Limits(cpu_s=10, wall_s=60))
    except SandboxError as error:
        return str(error)
    if outcome.ok and outcome.stdout.split() == [b"42"]:
        return None
    said = outcome.compiled.messages if outcome.compile_failed and outcome.compiled is not None else outcome.stderr
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return f"a small program does not work: {outcome.describe()}{': ' + lines[-1][:200] if lines else ''}"


def _language_row(name: str, problems: dict[str, str | None]) -> DoctorRow:
    works = [tier for tier, problem in problems.items() if problem is None]
    failed = [f"tier {tier}: {problem}" for tier, problem in problems.items() if problem is not None]
    detail = "; ".join([*(["a program ran in tier " + ", ".join(works)] if works else []), *dict.fromkeys(failed)])
    status: Status = "missing" if not works else "partial" if failed else "ok"
    return DoctorRow(f"language {name}", status, detail or "no tier to try it in")
