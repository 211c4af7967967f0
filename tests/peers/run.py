"""``make peers``: each framework's own code drives our adapter, in an environment of its own, for docs/peers.md.

    make peers                # all of environments.yaml
    make peers PEER=verl      # one, or several: PEER="verl trl"

Environments lie in ``$VERITUNE_PEERS`` (default ``~/.cache/veritune/peers``), each a few packages on top of the
environment that runs this, and are made again when their list changes. A run of some updates their rows only.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TABLE = ROOT / "docs" / "peers.md"
CACHE = Path(os.environ.get("VERITUNE_PEERS") or Path.home() / ".cache" / "veritune" / "peers")
LIMIT = 900
"""Seconds for one framework's tests."""
HEAD = "| framework | version | run on | what was driven | result | undecided samples, and more |"


@dataclass(frozen=True)
class Peer:
    """One framework of environments.yaml."""

    name: str
    package: str
    drives: str
    install: list[list[str]] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    file: str = ""
    note: str = ""
    release: str = ""
    """Of a framework that is no installed package."""

    @property
    def tests(self) -> Path:
        return HERE / f"{self.file or self.name}.py"

    @property
    def folder(self) -> Path:
        return CACHE / self.name

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def prepare(self) -> str | None:
        """Make its environment where it is not there; what pip said last where that fails."""
        stamp = self.folder / "made-of"
        made_of = hashlib.sha256(
            json.dumps([self.install, self.remove, sys.prefix, date.today().month]).encode()
        ).hexdigest()
        if stamp.is_file() and stamp.read_text() == made_of:
            return None
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(self.folder)], check=True)
        own = Path(_ask(self.python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
        # Behind its own packages stand those of the development environment, our editable installation among them.
        (own / "development.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
        for arguments in self.install:
            command = [str(self.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [done.stderr[-200:]]
                return said[0]
        if self.remove:
            subprocess.run([str(self.python), "-m", "pip", "uninstall", "--quiet", "--yes", *self.remove], check=True)
        stamp.write_text(made_of)
        return None

    def version(self) -> str:
        ask = f"from importlib.metadata import version; print(version({self.package!r}))"
        try:
            return _ask(self.python, ask)
        except subprocess.CalledProcessError:
            return "none"

    def run(self) -> str:
        """Its row of the table."""
        failed = self.prepare()
        if failed is not None:
            return self.row(f"**not installed**: {failed}", [])
        report = self.folder / "report.xml"
        report.unlink(missing_ok=True)
        command = [
            str(self.python),
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--timeout",
            "300",
            "-o",
            "junit_family=xunit1",
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": _ask(self.python, "import sysconfig; print(sysconfig.get_path('purelib'))"),
            "PYTHONSAFEPATH": "1",  # the root's verifiers/ and kernels/ are packages' names
            "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_NUM_THREADS": "1",
            "PEER": self.name,
        }
        try:
            subprocess.run(
                [*command, "--junitxml", str(report), str(self.tests)], cwd=ROOT, env=environment, timeout=LIMIT
            )
        except subprocess.TimeoutExpired:
            return self.row(f"**no end** within {LIMIT} s", [])
        return self.row(*read(report))

    def row(self, result: str, remarks: list[str]) -> str:
        cells = [self.name, self.release or f"{self.package} {self.version()}", str(date.today())]
        drives = self.drives + (f" ({self.note})" if self.note else "")
        told = "; ".join(dict.fromkeys(remarks))
        return "| " + " | ".join(cell.replace("|", r"\|") for cell in [*cells, drives, result, told]) + " |"


def _ask(python: Path, code: str) -> str:
    return subprocess.run([str(python), "-P", "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def read(report: Path) -> tuple[str, list[str]]:
    """What pytest's report comes to, and what tests had to remark (``record_property("remark", …)``)."""
    if not report.is_file():
        return "**no report**", []
    cases = list(ET.parse(report).getroot().iter("testcase"))
    bad = [
        case.get("name", "?") for case in cases if case.find("failure") is not None or case.find("error") is not None
    ]
    skipped = [case for case in cases if case.find("skipped") is not None]
    remarks = [p.get("value", "") for case in cases for p in case.iter("property") if p.get("name") == "remark"]
    if bad:
        return f"**{len(bad)} of {len(cases)} fail**: {', '.join(bad)}", remarks
    if not cases or len(skipped) == len(cases):
        why = [case.find("skipped").get("message", "") for case in skipped]  # type: ignore[union-attr]
        return f"**not run**: {(why or ['no test'])[0]}", remarks
    return f"works: {len(cases) - len(skipped)} tests" + (f", {len(skipped)} skipped" if skipped else ""), remarks


def update(rows: dict[str, str], order: list[str]) -> None:
    """Put rows into the table; those of others stay as they are."""
    text = TABLE.read_text(encoding="utf-8")
    before, _, after = text.partition(HEAD)
    lines = after.split("\n")[2:]
    table = [line for line in lines if line.startswith("|")]
    rest = [line for line in lines if not line.startswith("|")]
    found = {line.split("|")[1].strip(): line for line in table} | rows
    body = [found[name] for name in order if name in found]
    TABLE.write_text(before + "\n".join([HEAD, "|---|---|---|---|---|---|", *body, *rest]), encoding="utf-8")


def main(names: list[str]) -> int:
    given: dict[str, Any] = yaml.safe_load((HERE / "environments.yaml").read_text(encoding="utf-8"))
    peers = {name: Peer(name, **settings) for name, settings in given.items()}
    unknown = [name for name in names if name not in peers]
    if unknown:
        print(f"no peer {unknown[0]!r}; there are: {', '.join(peers)}", file=sys.stderr)
        return 2
    failed = 0
    for name in names or peers:
        print(f"== {name}", flush=True)
        row = peers[name].run()
        print(row, flush=True)
        update({name: row}, list(peers))
        failed += "**" in row
    print(f"{len(names or peers) - failed} passed, {failed} failed ({platform.python_version()})")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
