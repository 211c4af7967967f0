"""The verdict server: samples a second, what a killed server and cut connections cost, memory, hostile bodies.

``python -m benchmarks serve`` writes ``benchmarks/results/serve.txt``. The rewards are ``accuracy`` and ``format`` on
answers like GSM8K's, every one different; eight client processes ask at once, on the same cores as the server. CPU
seconds are counted beside the clock, since a machine that does other things shows in the clock only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from veritune import Sample
from veritune.client import AsyncClient, Client

CLIENTS = 8
REWARDS = """
rewards:
  accuracy: {}
  format: {weight: 0.2}
"""
NUMBERED = """
from veritune import reward


@reward
def number(prompt: str) -> float:
    \"\"\"The sample's own number, by which it is known again.\"\"\"
    return float(prompt.rsplit("#", 1)[1])
"""


def samples(first: int, count: int, words: int = 60) -> list[Sample]:
    """Answers in the format, two of three right, with about ``words`` words of reasoning."""
    made = []
    for n in range(first, first + count):
        draw = random.Random(n)
        a, b = draw.randint(2, 999), draw.randint(2, 999)
        steps = " ".join(draw.choice(WORDS) for _ in range(words))
        answer = a + b + (n % 3 == 0)
        thought = f"There are {a} and {b}. {steps}: {a} + {b} = {a + b}."
        text = f"<think>\n{thought}\n</think>\n<answer>\n\\boxed{{{answer}}}\n</answer>"
        made.append(Sample(text, f"What is {a} + {b}? #{n}", columns={"gold": str(a + b)}))
    return made


WORDS = ["so", "then", "we", "add", "both", "of", "them", "first", "and", "see", "how", "many", "were", "in", "each"]


def expected(n: int) -> float:
    """The value of sample ``n`` by accuracy and 0.2 × format."""
    return 0.2 if n % 3 == 0 else 1.2


@contextmanager
def serving(folder: Path, config: str, port: int, *flags: str) -> Iterator[subprocess.Popen[str]]:
    """The server as a process, until the block ends or it is killed."""
    (folder / "r.yaml").write_text(config)
    (folder / "number.py").write_text(NUMBERED)
    command = [sys.executable, "-m", "veritune", "serve", "r.yaml", f"--port={port}", *flags]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    line = process.stderr.readline()
    if "http://" not in line:
        raise SystemExit(line + process.stderr.read())
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def family(root: int) -> list[int]:
    """A process and all that come from it."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        with suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{int(entry)}/stat").read_text().rpartition(")")[2].split()
            parents[int(entry)] = int(fields[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def cpu_seconds(root: int) -> float:
    """Of a process, its children and those of them that are gone."""
    total = 0
    for pid in family(root):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def memory(root: int) -> tuple[float, float]:
    """MiB of the server process, and of all that belong to it, each page once (PSS)."""
    own = all_ = 0.0
    for pid in family(root):
        with suppress(OSError, StopIteration):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            pss = next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
            all_ += pss
            own += pss if pid == root else 0.0
    return own, all_


# -- throughput -------------------------------------------------------------------------------------------------------


def one_client(url: str, first: int, count: int, batch: int, words: int, gate: Any, found: Any) -> None:
    """In a process of its own: score ``count`` samples once all are ready, and say how it went."""
    mine = samples(first, count, words)
    with Client(url, batch=batch, concurrency=2) as client:
        client.score(mine[:batch])
        gate.wait()
        begun, cpu = time.time(), time.process_time()
        scores = client.score(mine)
        took = (begun, time.time(), time.process_time() - cpu)
    wrong = sum(s.value is None or abs(s.value - expected(first + i)) > 1e-9 for i, s in enumerate(scores))
    found.put((took, wrong))


def throughput(url: str, server: int, count: int, batch: int, words: int) -> dict[str, float]:
    """Eight clients at once, ``count`` samples together."""
    context = multiprocessing.get_context("spawn")
    gate, found = context.Barrier(CLIENTS + 1), context.Queue()
    each = count // CLIENTS
    clients = [
        context.Process(target=one_client, args=(url, n * each, each, batch, words, gate, found))
        for n in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    gate.wait()
    before = cpu_seconds(server)
    results = [found.get() for _ in clients]
    spent = cpu_seconds(server) - before
    for client in clients:
        client.join()
    begun, ended = min(r[0][0] for r in results), max(r[0][1] for r in results)
    return {
        "rate": each * CLIENTS / (ended - begun),
        "server_us": spent / each / CLIENTS * 1e6,
        "client_us": sum(r[0][2] for r in results) / each / CLIENTS * 1e6,
        "wrong": sum(r[1] for r in results),
    }


# -- chaos ------------------------------------------------------------------------------------------------------------


class Cutting:
    """A TCP proxy that cuts one answer in a hundred in the middle."""

    def __init__(self, target: int, share: float = 0.01) -> None:
        self.target, self.share, self.cuts, self.connections = target, share, 0, 0
        self.random = random.Random(7)

    async def start(self) -> int:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            there, out = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(self._pump(reader, out, False), self._pump(there, writer, True), return_exceptions=True)
        for each in (writer, out):
            each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: bool) -> None:
        try:
            while data := await reader.read(65536):
                if self.random.random() < self.share:
                    self.cuts += 1
                    writer.write(data[: len(data) // 2])
                    writer.transport.abort() if cut else writer.close()
                    return
                writer.write(data)
                await writer.drain()
        finally:
            with suppress(OSError):
                writer.close()


async def chaos(folder: Path, count: int, kills: int) -> dict[str, Any]:
    """``count`` samples through a proxy that cuts, while the server is killed ``kills`` times and started again."""
    port = free_port()
    config = REWARDS + '  number: {use: "number.py:number", weight: 0}\n'
    proxy = Cutting(port)
    through = await proxy.start()
    everything = samples(0, count, 20)
    done = asyncio.Event()
    killed = 0

    async def keep_serving() -> None:
        nonlocal killed
        while not done.is_set():
            server = serving(folder, config, port, f"--journal={folder / 'journal.sqlite'}")
            process = await asyncio.to_thread(server.__enter__)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(done.wait(), 6 if killed < kills else 10_000)
            if not done.is_set():
                process.send_signal(signal.SIGKILL)
                killed += 1
            await asyncio.to_thread(server.__exit__, None, None, None)

    keeper = asyncio.ensure_future(keep_serving())
    begun = time.time()
    async with AsyncClient(f"http://127.0.0.1:{through}", batch=128, concurrency=8, deadline=1500) as client:
        scores = await client.score(everything)
    took = time.time() - begun
    done.set()
    await keeper
    return {
        "samples": len(everything),
        "answers": len(scores),
        "seconds": took,
        "killed": killed,
        "connections": proxy.connections,
        "cut": proxy.cuts,
        "undecided": sum(score.value is None for score in scores),
        "another's": sum(s.value is not None and s.parts["number"].value != n for n, s in enumerate(scores)),
        "wrong value": sum(s.value is not None and abs(s.value - expected(n)) > 1e-9 for n, s in enumerate(scores)),
        "zero": sum(score.value == 0 for score in scores),
    }


# -- hostile ----------------------------------------------------------------------------------------------------------

POST = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def framed(body: bytes) -> list[bytes]:
    return [POST + b"Content-Length: %d\r\n\r\n" % len(body), body]


def hostile() -> dict[str, list[bytes]]:
    """What is sent, by name."""
    mib = b" " * (1 << 20)
    twice = json.dumps({"samples": [{"completion": "a", "id": "x"}, {"completion": "b", "id": "x"}]}).encode()
    return {
        "lists in lists, 10 MB": framed(b'{"samples":' + b"[" * 10_000_000),
        "objects in objects, 10 MB": framed(b'{"a":' * 2_000_000),
        "1 GB, declared": [POST + b"Content-Length: 1073741824\r\n\r\n", b"{"],
        "1 GB, streamed": [POST + b"Transfer-Encoding: chunked\r\n\r\n", *([b"100000\r\n" + mib + b"\r\n"] * 1024)],
        "a slow body": [POST + b"Content-Length: 1000\r\n\r\n{"],
        "a slow head": [b"POST /score HT"],
        "a head of 1 MB": [b"GET / HTTP/1.1\r\n", b"x: y\r\n" * 170_000],
        "wrong types": framed(b'{"samples": [{"completion": {"a": 1}}]}'),
        "NaN": framed(b'{"samples": [{"completion": "a", "columns": {"gold": NaN}}]}'),
        "ids given twice": framed(twice),
        "no UTF-8": framed(b'{"samples": [{"completion": "\xff\xfe"}]}'),
        "a form": [POST.replace(b"application/json", b"text/plain") + b"Content-Length: 2\r\n\r\n{}"],
        "no HTTP": [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n"],
    }


def exchange(port: int, parts: Sequence[bytes]) -> tuple[str, float]:
    """The status line and the seconds to it; nothing more is sent once there is an answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        begun = time.monotonic()
        with suppress(BrokenPipeError, ConnectionResetError):
            for part in parts:
                if select.select([sock], [], [], 0)[0]:
                    break
                sock.sendall(part)
        with suppress(ConnectionResetError):
            line = sock.recv(4096).split(b"\r\n")[0].decode()
            return line.removeprefix("HTTP/1.1 "), time.monotonic() - begun
    return "no answer", time.monotonic() - begun


# -- the report -------------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=48_000)
    parser.add_argument("--chaos", type=int, default=100_000)
    parser.add_argument("--memory", type=int, default=300_000)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "serve.txt")
    options = parser.parse_args(list(arguments))
    lines = [
        f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    ]
    lines[0] += "".join(f", {name} {version(name)}" for name in ("starlette", "uvicorn", "httptools", "httpx"))

    def say(line: str = "") -> None:
        lines.append(line)
        print(line, flush=True)

    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with serving(folder, REWARDS, port) as server:
            if options.samples:
                say(f"accuracy + format, {CLIENTS} client processes and the server on the same {os.cpu_count()} CPUs")
                say(" words  batch  samples/s  server µs CPU  client µs CPU  wrong")
                throughput(url, server.pid, 16_000, 256, 60)  # workers load sympy once, behind their first answers
                for words, batch in ((10, 256), (60, 256), (60, 64), (200, 256)):
                    load = os.getloadavg()[0]
                    got = throughput(url, server.pid, options.samples, batch, words)
                    cpu = f"{got['server_us']:>14.0f} {got['client_us']:>14.0f}"
                    say(
                        f"{words:>6} {batch:>6} {got['rate']:>10,.0f} {cpu} {got['wrong']:>6.0f}"
                        f"   (load before {load:.1f})"
                    )
            if options.memory:
                say()
                say("memory in MiB, each page once: the server process, and with its workers")
                with Client(url, batch=256) as client:
                    step = options.memory // 6
                    for done in range(0, options.memory, step):
                        client.score(samples(done, step, 20))
                        own, all_ = memory(server.pid)
                        say(f"  after {done + step:>8,} samples: {own:7.1f} {all_:8.1f}")
            say()
            say("hostile requests: the answer, and seconds to it")
            for name, parts in hostile().items():
                status, seconds = exchange(port, parts)
                say(f"  {name:<28} {status:<34} {seconds:7.3f}")
        if options.chaos:
            say()
            say(f"{options.chaos:,} samples, the server killed -9 and restarted three times, answers cut on the way")
            for name, value in asyncio.run(chaos(folder, options.chaos, 3)).items():
                say(f"  {name:<12} {value:>10,.0f}")
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
