"""Threads and deep stacks as contest programs use them, within the limits on memory and processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from veritune.sandbox import Limits, Program
from veritune.sandbox.local.backend import LocalSandbox

LIMITS = Limits(cpu_s=8, wall_s=20)


@pytest.fixture(scope="module", params=["namespaces", "confined"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[LocalSandbox]:
    sandbox = LocalSandbox(tier=request.param, workers=1)
    yield sandbox
    sandbox.close()


DEEP = "import sys, threading, functools\nsys.setrecursionlimit(10**6)\n@functools.lru_cache(None)\n"
DEEP += "def f(n): return n and 1 + f(n - 1)\n"
PYTHON = {
    "the stack's usual limit is raised": "import resource\nresource.setrlimit(resource.RLIMIT_STACK, "
    "[0x10000000, resource.RLIM_INFINITY])\nprint(1)",
    "and to infinity": "import resource\nresource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, "
    "resource.RLIM_INFINITY))\nprint(1)",
    "32 threads": "import threading, time\nts = [threading.Thread(target=time.sleep, args=(0.2,)) for _ in range(32)]\n"
    "for t in ts: t.start()\nfor t in ts: t.join()\nprint(1)",
    "a pool of 32": "from concurrent.futures import ThreadPoolExecutor\nimport time\n"
    "with ThreadPoolExecutor(32) as pool: list(pool.map(time.sleep, [0.02] * 64))\nprint(1)",
    "a thread of 512 MB": f"{DEEP}threading.stack_size(512 << 20)\nt = threading.Thread(target=lambda: "
    "print(f(40000) // 40000))\nt.start()\nt.join()",
}
CPP = {
    "24 threads": "#include <thread>\n#include <vector>\n#include <cstdio>\nint main() { std::vector<std::thread> v; "
    "for (int i = 0; i < 24; i++) v.emplace_back([] { std::vector<int> x(1000000, 1); }); "
    'for (auto& t : v) t.join(); puts("1"); }',
    "a deep recursion": "#include <cstdio>\n"
    "int f(int n) { volatile char b[100]; b[0] = n; return n ? 1 + f(n - 1) : 0; }\n"
    'int main() { printf("%d\\n", f(1000000) / 1000000); }',
    "a raised limit": "#include <sys/resource.h>\n#include <cstdio>\nint main() { rlimit r{256 << 20, RLIM_INFINITY}; "
    'if (!setrlimit(RLIMIT_STACK, &r)) puts("1"); }',
}


@pytest.mark.parametrize("what", PYTHON)
def test_python(sandbox: LocalSandbox, what: str) -> None:
    outcome = sandbox.run(Program("python", PYTHON[what]), limits=LIMITS)
    assert outcome.stdout == b"1\n", (outcome.describe(), outcome.stderr_text)


@pytest.mark.parametrize("what", CPP)
def test_cpp(sandbox: LocalSandbox, what: str) -> None:
    if "cpp" not in sandbox.languages():
        pytest.skip("no C++ toolchain here")
    outcome = sandbox.run(Program("cpp", CPP[what]), limits=LIMITS)
    assert outcome.stdout == b"1\n", (outcome.describe(), outcome.stderr_text, outcome.compiled)


def test_what_is_reserved_may_not_be_used(sandbox: LocalSandbox) -> None:
    """Room for stacks is no room for data: what is touched counts."""
    for source in ("x = b'x' * (700 << 20)\nprint(len(x))", "x = []\nwhile True: x.append(bytearray(8 << 20))"):
        outcome = sandbox.run(Program("python", source), limits=Limits(cpu_s=8, wall_s=20, memory_mb=128))
        assert outcome.limit_hit == "memory", outcome
        assert outcome.peak_memory_mb < 500
