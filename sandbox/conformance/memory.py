"""No memory between programs: what one run was given or said is nowhere in the address space of a later one."""

from __future__ import annotations

import secrets

from veritune.sandbox.conformance.checks import SHORT, check
from veritune.sandbox.errors import SandboxError
from veritune.sandbox.interface import Job, Limits, Linked, Program, Request, Sandbox

MARK = "CANARY-"
_PATIENT = Limits(cpu_s=20, wall_s=60)
SEARCH = '''
import os, re, sys
ct = __import__("cty" + "pes")           # not by name: a back-end may choose its interpreter by the modules named
as_pointer = getattr(ct, "ca" + "st")
mark = "-YRANAC"[::-1].encode()          # the source itself must not hold it
page = 4096
libc = ct.CDLL(None, use_errno=True)
libc.sbrk.restype = ct.c_void_p
libc.getauxval.restype = ct.c_ulong
seen = ct.create_string_buffer(1 << 12)

def mapped(address, pages=1):
    return libc.mincore(ct.c_void_p(address), ct.c_size_t(pages * page), seen) == 0

def listed():
    """The regions by /proc, where there is one."""
    regions = []
    for line in open("/proc/self/maps"):
        span, rights = line.split()[:2]
        start, end = (int(x, 16) for x in span.split("-"))
        if rights.startswith("r") and "[v" not in line:
            regions.append((start, end))
    return regions

def probed():
    """The regions around every kind of address that a process knows of: heap, arenas, mappings, libraries, stack."""
    keep = [object(), bytearray(1 << 20), bytearray(1 << 12), ct.create_string_buffer(64), [None] * 10000]
    anchors = [id(x) for x in keep] + [ct.addressof(keep[3]), id(sys), id(int), id(None), id(main_frame)]
    anchors += [as_pointer(libc.mincore, ct.c_void_p).value, libc.sbrk(0) - 1]
    anchors += [libc.getauxval(n) for n in (25, 31, 3)]
    anchors += [ct.c_void_p.in_dll(libc, name).value or 0 for name in ("environ", "__libc_argv")
                if hasattr(libc, name)]
    regions = []
    for anchor in anchors:
        start = anchor & -page
        if anchor < page or any(low <= start < high for low, high in regions) or not mapped(start):
            continue
        regions.append((walk(start, -1), walk(start, 1)))
    return regions

def walk(start, step):
    """The farthest mapped page in a direction, over holes of up to 32 MB."""
    at = edge = start
    hole = 0
    while hole < 8192:
        if hole == 0 and mapped(at - 511 * page if step < 0 else at, 512):
            at += step * 512 * page
            edge = at - step * page
        elif mapped(at):
            edge, hole = at, 0
            at += step * page
        else:
            hole += 1
            at += step * page
    return edge if step < 0 else edge + page

def readable(regions):
    """Parts that can be read: a write to a pipe tells without a fault."""
    out, into = os.pipe()
    os.set_blocking(into, False)
    write = ct.CDLL(None, use_errno=True).write
    for start, end in regions:
        at = start
        while at < end:
            if mapped(at) and write(into, ct.c_void_p(at), 1) == 1:
                os.read(out, 1)
                run = at
                while at < end and mapped(at) and write(into, ct.c_void_p(at), 1) == 1:
                    os.read(out, 1)
                    at += page
                yield run, at
            else:
                at += page

main_frame = sys._getframe()
try:
    regions = listed()
except OSError:
    regions = probed()
total, found = 0, set()
for start, end in readable(regions):
    at = start
    while at < end:
        size = min(1 << 20, end - at)
        block = ct.string_at(at, min(size + 64, end - at))
        total += size
        for match in re.finditer(re.escape(mark) + b"([0-9a-f]{8,32})", block):
            found.add(match[1].decode())
        at += size
print(total >> 20, len(regions), *sorted(found))
'''
"""Prints the mebibytes that it searched, the number of regions, and what stood behind each mark that it found."""


def canary() -> str:
    """A fresh mark; no two are alike."""
    return MARK + secrets.token_hex(16)


def planted(first_line: str = "", compiled: bool = True) -> tuple[list[Request], dict[str, str]]:
    """Runs that hold a canary wherever a run can hold something, and canary → the place."""
    places: dict[str, str] = {}

    def mark(place: str, length: int = 32) -> str:
        token = secrets.token_hex(16)[:length]
        places[token] = place
        return MARK + token

    say = f"x = '{mark('source')}'  # {mark('comment')}\nprint(input(), '{mark('stdout')}')\n"
    names = f"import os\nos.mkdir('{mark('folder name')}')\nopen('{mark('file name')}', 'w').write('{mark('file')}')\n"
    names += "import time; time.sleep(0.1)\n"
    rename = f"c.CDLL(None).prctl(15, b'{mark('process name', 8)}', 0, 0, 0)"
    title = f"import time\nc = __import__('cty' + 'pes')\n{rename}\ntime.sleep(0.1)\n"
    named = f"open('/dev/stdout', 'w').write('{mark('/dev/stdout')}')\nraise ValueError('{mark('exception')}')\n"
    helper = {"solution.py": f"answer = '{mark('a file of the job')}'\n", f"{mark('name of a file of the job')}.py": ""}
    judge = (
        f"import socket\ns = socket.socket(fileno=3)\ns.sendall(input().encode())\nprint(s.recv(99), '{mark('tests')}')"
    )
    answer = f"import socket\ns = socket.socket(fileno=3)\ns.recv(99)\ns.sendall(b'{mark('what the program answers')}')"
    say, names, title, named, judge, answer = (first_line + each for each in (say, names, title, named, judge, answer))
    jobs: list[Request] = [
        Job(Program("python", say), mark("stdin"), limits=SHORT),
        Job(Program("python", names), limits=SHORT),
        Job(Program("python", title), limits=SHORT),
        Job(Program("python", named), limits=SHORT),
        Job(Program("python", f"{first_line}import solution; print(solution.answer)"), files=helper, limits=SHORT),
        Job(Program("python", f"{first_line}def f(:\n    '{mark('what does not compile')}'"), limits=SHORT),
        Job(Program("python", first_line, args=(mark("an argument"),)), limits=SHORT),
        Job(Program("bash", f"read x; echo {mark('shell')} $x"), mark("stdin of a shell"), limits=SHORT),
        Linked(
            Job(Program("python", answer), limits=SHORT),
            Job(Program("python", judge), mark("the tests' input"), limits=SHORT),
        ),
    ]
    if compiled:
        jobs += [
            Job(
                Program("cpp", f'#include <cstdio>\nint main() {{ puts("{mark("a compiled source")}"); }}'),
                limits=SHORT,
            ),
            Job(Program("java", f"public class A{mark('a class name').replace('-', '')} {{ }}"), limits=SHORT),
        ]
    return jobs, places


def runnable(jobs: list[Request], sandbox: Sandbox) -> list[Request]:
    """Those whose language is here, and pairs where two programs can be joined."""
    spoken = sandbox.languages()
    chosen: list[Request] = []
    for job in jobs:
        if isinstance(job, Linked):
            if sandbox.can_link:
                chosen.append(job)
        elif job.program.language in spoken and not (job.program.args and "arguments" in sandbox.lacks):
            chosen.append(job)
    return chosen


def searched(stdout: bytes) -> tuple[int, list[str]]:
    """(mebibytes searched, what was found) from the output of :data:`SEARCH`."""
    size, _, *found = stdout.decode().split()
    return int(size), found


@check()
def inherits_nothing(sandbox: Sandbox) -> None:
    """Nothing that an earlier run was given, wrote or was called is in the memory of a later one."""
    for first_line in ("", "# numpy, asyncio\n"):  # a back-end may keep several kinds of interpreters
        jobs, places = planted(first_line, compiled=False)
        for answer in sandbox.run_batch(runnable(jobs, sandbox)):
            assert not isinstance(answer, SandboxError), answer
        for _ in range(sandbox.workers):
            outcome = sandbox.run(Program("python", first_line + SEARCH), limits=_PATIENT)
            assert outcome.ok, (outcome.describe(), outcome.stderr[-300:])
            size, found = searched(outcome.stdout)
            assert size >= 4, f"only {size} MiB were searched"
            assert not found, [places.get(token, "a mark of another run") for token in found]


_LOOK = "import os\ns = os.stat('.')\nprint(s.st_atime > s.st_mtime, oct(s.st_mode), s.st_nlink, len(os.listdir('.')))"
_TOUCH = (
    "import os; os.listdir('.')\nopen('x', 'w').write('x')\nos.mkdir('d')\nfor _ in '12345': os.fork() or os._exit(0)\n"
)


@check()
def forgets_what_was_touched(sandbox: Sandbox) -> None:
    """A program cannot tell from its folder whether an earlier one looked into it or changed it."""
    first = sandbox.run(Program("python", _LOOK), limits=SHORT)
    for source in ("import os; os.listdir('.')", _TOUCH):
        sandbox.run(Program("python", source), limits=SHORT)
        outcome = sandbox.run(Program("python", _LOOK), limits=SHORT)
        assert outcome.stdout == first.stdout, (source, outcome.stdout, first.stdout)
