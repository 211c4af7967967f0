"""vLLM and what it needs in files of a bounded size, for a machine that no registry can be reached from.

    pip download --no-deps --only-binary=:all: --python-version 3.12 --platform manylinux_2_28_x86_64 -d WHEELS \
        vllm==0.22.1 …
    python benchmarks/vllm_pack.py WHEELS PARTS [--megabytes 55]  # where there is a network: says what is missing
    python benchmarks/vllm_pack.py --join PARTS FOLDER            # on the other machine; then gpu_rows.py --vllm FOLDER

vLLM 0.21 to 0.23 is built for torch 2.11; the wheel of 0.22.1 holds 260 MB. What colocated text generation on an H100
or H200 does not import is left out (:data:`DROPPED`; 127 MB stay, three parts of 55), and of the requirements those of
:data:`UNNEEDED`. ``--have NAMES``: packages that the machine has, so that what is said to be missing is what it lacks.
fastapi 0.121 and openai 2.9 went with 0.22.1.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

DROPPED = (
    "vllm/vllm_flash_attn/_vllm_fa2_C*",
    "vllm/vllm_flash_attn/cute/*",
    "vllm/_moe_C*",
    "vllm/_flashmla*",
    "vllm/_qutlass*",
    "vllm/third_party/deep_gemm/*",
    "vllm/vllm-rs",
    "*/static/swagger-ui*",
    "*.jpg",
)
"""FlashAttention 2 and 4, experts, latent attention, DeepGEMM, the Rust front end, pages."""
UNNEEDED = (
    *("flashinfer-python", "flashinfer-cubin", "tilelang", "nvidia-cutlass-dsl", "quack-kernels", "tokenspeed-mla"),
    *("humming-kernels", "opentelemetry-sdk", "opentelemetry-api", "opentelemetry-exporter-otlp"),
    *("opentelemetry-semantic-conventions-ai", "anthropic", "mcp", "outlines-core", "lm-format-enforcer"),
)
"""Requirements that the job ran without."""
LIST = "parts.json"


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(wheel: Path) -> Iterator[str]:
    """Of a wheel, without extras and those for older Pythons."""
    with zipfile.ZipFile(wheel) as opened:
        path = next(name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
        for line in opened.read(path).decode().splitlines():
            if line.startswith("Requires-Dist: ") and "extra ==" not in line and "python_version <" not in line:
                yield re.split(r"[^\w.-]", line.removeprefix("Requires-Dist: "), maxsplit=1)[0]


def missing(wheels: Sequence[Path], have: Sequence[str]) -> list[str]:
    """What the wheels ask for and is neither among them nor there nor unneeded."""
    known = {plain(wheel.name.split("-")[0]) for wheel in wheels} | set(map(plain, (*have, *UNNEEDED)))
    return sorted({plain(name) for wheel in wheels for name in requirements(wheel)} - known)


def pack(wheels: Sequence[Path], parts: Path, size: int) -> list[Path]:
    """One archive of all wheels, cut into files of at most ``size`` bytes."""
    parts.mkdir(parents=True, exist_ok=True)
    whole = parts / "pack.zip"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as opened:
                for name in opened.namelist():
                    if not any(fnmatch.fnmatch(name, pattern) for pattern in DROPPED) and not name.endswith("/"):
                        made.writestr(name, opened.read(name))
    found, sums = [], {}
    with whole.open("rb") as stream:
        while piece := stream.read(size):
            part = parts / f"pack.{len(found):02}"
            part.write_bytes(piece)
            sums[part.name] = hashlib.sha256(piece).hexdigest()
            found.append(part)
    whole.unlink()
    (parts / LIST).write_text(json.dumps(sums, indent=1), encoding="utf-8")
    return found


def join(parts: Path, folder: Path) -> None:
    """Unpack what :func:`pack` made. Raises SystemExit where a part is not there or not whole."""
    sums = json.loads((parts / LIST).read_text(encoding="utf-8"))
    wrong = [
        name
        for name, wanted in sums.items()
        if not (parts / name).is_file() or hashlib.sha256((parts / name).read_bytes()).hexdigest() != wanted
    ]
    if wrong:
        sys.exit(f"{parts}: {', '.join(wrong)} of {len(sums)} parts is not there, or not whole")
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / "pack.zip"
    with whole.open("wb") as stream:
        for name in sums:
            stream.write((parts / name).read_bytes())
    with zipfile.ZipFile(whole) as opened:
        opened.extractall(folder)
    whole.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, nargs="?")
    parser.add_argument("target", type=Path, nargs="?")
    parser.add_argument("--join", action="store_true")
    parser.add_argument("--megabytes", type=int, default=55)
    parser.add_argument("--have", default="", help="names of packages that the other machine has")
    options = parser.parse_args()
    if options.target is None:
        parser.print_usage()
        return
    if options.join:
        join(options.source, options.target)
        return
    wheels = sorted(options.source.glob("*.whl"))
    if not wheels:
        sys.exit(f"{options.source} holds no wheels")
    for part in pack(wheels, options.target, options.megabytes * 10**6):
        print(f"{part}  {part.stat().st_size / 1e6:.1f} MB")
    rest = missing(wheels, re.split(r"[\s,]+", options.have))
    print(f"asked for and not here: {' '.join(rest) or 'nothing'}")


if __name__ == "__main__":
    main()
