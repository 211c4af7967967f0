"""``python -m benchmarks`` lists the benchmarks; with a NAME it runs one, with ``all`` every one."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
HELPERS = {"__main__", "__init__"}


def summaries() -> dict[str, str]:
    """Benchmark name → the first line of its docstring. Files without a ``main`` are helpers of others."""
    found = {}
    for path in sorted(HERE.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        runs = any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)
        if path.stem not in HELPERS and runs:
            found[path.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def run(name: str, arguments: list[str]) -> int:
    """The benchmark in a process of its own, with this checkout's package and without its root on the path."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE.parent / "src"), os.environ.get("PYTHONPATH", "")]),
    }
    print(f"== {name}", flush=True)
    return subprocess.run(
        [sys.executable, str(HERE / f"{name}.py"), *arguments], env=environment, check=False
    ).returncode


def main() -> None:
    known = summaries()
    if len(sys.argv) == 1:
        for name, summary in known.items():
            print(f"{name:24} {summary}")
        print("\npython -m benchmarks NAME [options], or: python -m benchmarks all")
        return
    name, arguments = sys.argv[1], sys.argv[2:]
    if name == "all":
        sys.exit(max(run(one, []) for one in known))
    if name not in known:
        sys.exit(f"no benchmark {name!r}; known: {', '.join(known)}")
    sys.exit(run(name, arguments))


if __name__ == "__main__":
    main()
