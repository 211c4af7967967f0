"""Build one wheel, compare it with the tree, install it in a fresh environment and try it there."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("rewards", "verifiers", "sandbox", "trainer", "kernels", "plugins")
DATA_FOLDERS = ("data", "templates", "presets")

TRY = """
import importlib.util, sys, time
start = time.perf_counter()
import veritune
elapsed = time.perf_counter() - start
assert elapsed < 0.15, f"import veritune took {elapsed:.3f} s"
assert importlib.util.find_spec("torch") is None, "torch came along with the core"
from veritune.plugins import get_reward, reward_names
assert get_reward("accuracy").score(r"The answer is \\\\boxed{4}", gold="4").value == 1.0
assert get_reward("accuracy").score(r"The answer is \\\\boxed{2}", gold=r"2\\\\sqrt{3}").value == 0.0
for name in reward_names():
    reward = __import__("veritune.plugins.registry", fromlist=["resolve"]).resolve(name)
assert "torch" not in sys.modules
print(f"import {elapsed:.3f} s, {len(reward_names())} rewards, from {veritune.__file__}")
"""


def tree() -> set[str]:
    """Every file the wheel must hold, as the path inside it."""
    expected = set()
    for base, prefix in [(ROOT / "src" / "veritune", "veritune"), *((ROOT / r, f"veritune/{r}") for r in ROOMS)]:
        for path in base.rglob("*"):
            relative = path.relative_to(base)
            if (base.name == "veritune" and relative.parts[0] in ROOMS) or "__pycache__" in relative.parts:
                continue
            is_data = path.parent.name in DATA_FOLDERS or path.name == "py.typed"
            if path.is_file() and (path.suffix == ".py" or is_data):
                expected.add(f"{prefix}/{relative}")
    return expected


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        subprocess.run(
            [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        wheel = next(out.glob("*.whl"))
        packed = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
        expected = tree()
        if packed != expected:
            sys.exit(f"wheel and tree differ: lost {sorted(expected - packed)}, extra {sorted(packed - expected)}")
        environment = out / "env"
        venv.create(environment, with_pip=True)
        python = environment / "bin" / "python"
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-c", str(ROOT / "constraints.txt"), str(wheel)], check=True, cwd=out)
        clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        subprocess.run([str(python), "-m", "compileall", "-q", str(environment / "lib")], check=False, cwd=out)
        subprocess.run([str(python), "-c", TRY], check=True, cwd=out, env=clean)
        for arguments in (["--help"], ["rewards"], ["doctor"]):
            command = [str(environment / "bin" / "veritune"), *arguments]
            subprocess.run(command, check=True, cwd=out, env=clean, stdout=subprocess.DEVNULL)
    print("wheel: contents match the tree, it installs without torch and works")


if __name__ == "__main__":
    main()
