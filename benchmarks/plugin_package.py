"""`veritune new plugin` in a fresh environment: wheel, install, tests that pass, broken rewards that fail them."""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import venv
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOUND = "return Score(float(1 <= count <= most)"
BROKEN = {
    "pays everything": (SOUND, "return Score(1.0"),
    "pays by the count": (SOUND, "return Score(float(count)"),
    "pays nothing": (SOUND, "return Score(0.0"),
    "forgets to return": (SOUND, "Score(float(1 <= count <= most)"),
    "0 where there is nothing to judge": ('return Score.none("the completion is empty")', "return Score(0.0)"),
    "parts of words count": (r"\b{re.escape(word)}\b", "{re.escape(word)}"),
    "another reason": ("of its words, wanted", "words, wanted"),
    "a parameter is lost": ("most: int = 1", "at_most: int = 1"),
    "evaluates the completion": ("count = len(", "_tried(completion)\n    count = len("),
    "does not import": ("import re\n", "import re\nimport nothing_of_that_name\n"),
}
"""What is broken → text of the reward, and what stands in its place."""
TRIED = """

def _tried(completion: str) -> None:
    for line in completion.splitlines():
        try:
            exec(line)
        except BaseException:
            pass
"""


def sh(*command: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    if check and done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}")
    return done


def tests(python: Path, folder: Path) -> tuple[int, str]:
    """Exit status and last line of ``pytest``, with whatever plugins are installed there."""
    done = sh(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=folder, check=False)
    last = (done.stdout.strip().splitlines() or [done.stderr.strip()])[-1]
    return done.returncode, re.sub(r" in [\d.]+s", "", last.strip("= "))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="the interpreter of the fresh environment")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        sh(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", out, ROOT, cwd=out)
        wheel = next(out.glob("*.whl"))
        if arguments.python == sys.executable:
            venv.create(out / "env", with_pip=True)
        else:
            sh(arguments.python, "-m", "venv", out / "env", cwd=out)
        python, bin_ = out / "env" / "bin" / "python", out / "env" / "bin"
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        sh(*pip, wheel, cwd=out)
        sh(bin_ / "veritune", "new", "plugin", "politeness", cwd=out)
        package = out / "veritune-politeness"
        sh(*pip, "-e", ".[dev]", cwd=package)
        versions = sh(python, "-c", VERSIONS, cwd=out).stdout.strip()
        print(f"date      {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC")
        print(f"machine   {platform.machine()}, CPU")
        print(f"versions  {versions}")
        print("command   python -m benchmarks plugin_package")
        print("a fresh environment: the wheel, veritune new plugin politeness, pip install -e '.[dev]', pytest\n")
        wrong = 0
        status, said = tests(python, package)
        wrong += status != 0
        print(f"{'as it is written':36} {'passes' if status == 0 else 'FAILS'}   {said}")
        found = sh(bin_ / "veritune", "rewards", "politeness", cwd=out).stdout
        print(f"{'veritune rewards politeness':36} {'found' if 'politeness' in found else 'NOT FOUND'}")
        file = package / "src" / "veritune_politeness" / "rewards.py"
        text = file.read_text(encoding="utf-8")
        for what, (old, new) in BROKEN.items():
            assert old in text, what
            file.write_text(text.replace(old, new) + (TRIED if "_tried" in new else ""), encoding="utf-8")
            status, said = tests(python, package)
            wrong += status == 0
            print(f"{what:36} {'fails' if status else 'PASSES'}    {said}")
        file.write_text(text, encoding="utf-8")
        alone = out / "alone"
        alone.mkdir()
        sh(bin_ / "veritune", "new", "reward", "brevity", cwd=alone)
        status, said = tests(python, alone)
        wrong += status != 0
        print(f"{'veritune new reward brevity':36} {'passes' if status == 0 else 'FAILS'}   {said}")
        cases = alone / "brevity_cases.jsonl"
        with cases.open("a", encoding="utf-8") as stream:
            stream.write('{"id": "new", "completion": "thank you"}\n')
        before = tests(python, alone)[0]
        sh(python, "-m", "pytest", "-q", "--reward-update", "-p", "no:cacheprovider", cwd=alone)
        after = tests(python, alone)[0]
        wrong += (before, after) != (1, 0)
        print(
            f"{'a new case, then --reward-update':36} {'fails, then passes' if (before, after) == (1, 0) else 'WRONG'}"
        )
    print(f"\n{wrong} of {len(BROKEN) + 3} wrong")
    sys.exit(bool(wrong))


VERSIONS = """
import sys
from importlib.metadata import version
names = ("veritune", "pytest", "pluggy", "pydantic")
print(f"Python {sys.version.split()[0]},", ", ".join(f"{name} {version(name)}" for name in names))
"""

if __name__ == "__main__":
    main()
