"""Every grader of math answers that ``veritune bench math`` knows, on its packaged rows and on files of labelled rows.

    python benchmarks/math_graders.py ENVIRONMENT [ROWS.jsonl …] [--limit N] [--out FILE]

Builds ENVIRONMENT (a virtual environment of some 4 GB) if it is not there: the peers, pinned below. Some cannot be
installed whole beside each other; they come without their dependencies, and what their grading imports is named here.
lighteval and Qwen's evaluation want other versions of what the others use: those are in folders of their own. Each
grader is asked row by row, in turn with the others.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WHOLE = (
    *("torch==2.13.0", "math-verify==0.9.0", "latex2sympy2_extended[antlr4_9_3]==1.11.0", "trl==1.16.0"),
    *("inspect-ai==0.3.285", "mathruler==0.1.0", "pylatexenc==2.10", "reward-doctor==0.2.0"),
    *("pluggy", "pydantic", "PyYAML", "typer", "rich", "langdetect"),  # what veritune itself needs
)
ALONE = ("verl==0.9.1", "lighteval==0.13.0", "evalscope==1.14.1")
"""Without their dependencies: the pins of verl and lighteval contradict the others'."""
IMPORTED = (
    *("ray", "tensordict", "omegaconf", "hydra-core", "codetiming", "peft", "torchdata"),  # by verl's package
    *("sacrebleu", "rouge-score", "nltk", "scikit-learn", "pytablewriter", "aenum", "GitPython", "langcodes"),
    *("pycountry", "sentencepiece", "termcolor"),  # these by lighteval's metrics
    *("colorlog", "filetype", "editdistance", "jieba", "Markdown", "more_itertools", "pillow", "plotly", "openai"),
    *("rouge-chinese", "zhconv", "python-dotenv", "modelscope[datasets]"),  # these by evalscope's metrics
)
OWN = {
    "lighteval": ("latex2sympy2_extended==1.0.6", "antlr4-python3-runtime==4.13.2"),
    "qwen-deps": (
        *("sympy==1.12", "mpmath==1.3.0", "antlr4-python3-runtime==4.11.1", "word2number", "regex"),
        *("python-dateutil", "six", "timeout-decorator", "Pebble"),
    ),
}
"""Folders with the versions that one grader wants for itself."""
QWEN = "https://github.com/QwenLM/Qwen2.5-Math"
QWEN_COMMIT = "a45202bd16f1ec06f433442dc1152d0074773465"
SHOWN = (
    *("math-verify", "latex2sympy2_extended", "sympy", "antlr4-python3-runtime", "trl", "verl", "inspect-ai"),
    *("lighteval", "evalscope", "mathruler", "reward-doctor"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("environment", type=Path, nargs="?")
    parser.add_argument("rows", nargs="*", type=Path)
    parser.add_argument("--limit", type=int, default=0, help="rows of each file that are used, evenly spread; 0: all")
    parser.add_argument("--qwen", default=QWEN, help="where Qwen's repository is cloned from")
    parser.add_argument("--out", type=Path, help="write the text there too")
    arguments = parser.parse_args()
    if arguments.environment is None:
        print("not run: give a folder for the peers' environment")
        return 0
    folder = arguments.environment.resolve()
    if not (folder / "complete").exists():
        build(folder, arguments.qwen)
    parts = [machine(folder), bench(folder)]
    for path in arguments.rows:
        text = bench(folder, str(path), "--kinds", "none", "--limit", str(arguments.limit))
        parts.append(text.replace(str(path), path.name))
        print(parts[-1], flush=True)
    text = "\n\n".join(part.strip() for part in parts) + "\n"
    print(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    return 0


def build(folder: Path, qwen: str) -> None:
    """Everything that is measured, in one folder."""
    venv.create(folder, with_pip=True)
    for packages in ((WHOLE[0],), WHOLE, ("--no-deps", *ALONE), IMPORTED):
        pip(folder, *packages)
    for name, packages in OWN.items():
        pip(folder, "--no-deps", "--target", str(folder / name), *packages)
    clone = ("git", "clone", "--quiet", "--no-checkout", "--filter=blob:none", qwen, str(folder / "qwen"))
    subprocess.run(clone, check=True)
    wanted = ("evaluation/*.py", "evaluation/latex2sympy")
    subprocess.run(["git", "-C", str(folder / "qwen"), "checkout", "--quiet", QWEN_COMMIT, "--", *wanted], check=True)
    (folder / "complete").touch()


def pip(folder: Path, *arguments: str) -> None:
    """Install into the environment."""
    subprocess.run([str(folder / "bin/python"), "-m", "pip", "install", "-q", *arguments], check=True)


def graders(folder: Path) -> str:
    """All of them, those with folders of their own by these."""
    qwen = os.pathsep.join(map(str, (folder / "qwen/evaluation", folder / "qwen-deps")))
    plain = "veritune,math-verify,trl,verl-gsm8k,verl-math,inspect-ai,evalscope,mathruler,reward-doctor"
    return f"{plain},lighteval={folder / 'lighteval'},qwen={qwen}"


def bench(folder: Path, *arguments: str) -> str:
    """What ``veritune bench math`` prints."""
    command = ["-m", "veritune", "bench", "math", *arguments, "--graders", graders(folder), "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    python = str(folder / "bin/python")
    return subprocess.run(
        [python, *command], env=environment, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    ).stdout


def machine(folder: Path) -> str:
    """The day, the machine and the versions that the figures belong to."""
    code = f"import importlib.metadata as m\nprint(', '.join(f'{{name}} {{m.version(name)}}' for name in {SHOWN!r}))"
    versions = subprocess.check_output([str(folder / "bin/python"), "-c", code], encoding="utf-8").strip()
    host = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, CPython {platform.python_version()}"
    own = "; ".join(f"{name} with {', '.join(packages)}" for name, packages in OWN.items())
    day = f"{datetime.datetime.now(datetime.timezone.utc):%d %B %Y}"
    return f"{day}; {host}\n{versions}\nQwen2.5-Math {QWEN_COMMIT[:7]}; {own}"


if __name__ == "__main__":
    sys.exit(main())
