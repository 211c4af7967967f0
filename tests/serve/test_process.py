"""The real thing: ``veritune serve`` as a process, its socket, its signals."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from veritune import Sample, compose
from veritune.client import AsyncClient
from veritune.plugins import ConfigError, MissingExtraError
from veritune.serve.process import run_server
from veritune.serve.settings import Settings

pytest.importorskip("uvicorn")
SLOW = '''
import time
from veritune import reward


@reward
def slow(completion: str) -> float:
    """The number in the completion, after a moment."""
    time.sleep(0.002)
    return float(completion)
'''


@contextmanager
def serving(folder: Path, port: int = 0, **options: Any) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address."""
    (folder / "slow.py").write_text(SLOW)
    (folder / "r.yaml").write_text('rewards: {slow: {use: "slow.py:slow"}}\n')
    flags = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "veritune", "serve", "r.yaml", f"--port={port}", "--workers=1", *flags]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.search(r"http://\S+", line)
    assert found is not None, line + process.stderr.read()
    try:
        yield process, found[0]
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_killed_and_restarted_nothing_is_lost_doubled_or_zero(tmp_path: Path) -> None:
    """The server ends by SIGKILL in the middle of a batch; every value is still the sample's own."""
    samples = [Sample(str(n)) for n in range(1, 601)]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kills = 0

    async def score() -> list[Any]:
        async with AsyncClient(f"http://127.0.0.1:{port}", batch=20, concurrency=2, wait=0.05) as client:
            return list(await client.score(samples))

    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.extend(asyncio.run(score())))
    journal = tmp_path / "journal.sqlite"
    thread.start()
    while thread.is_alive():
        with serving(tmp_path, port, journal=journal) as (process, _):
            thread.join(60 if kills else 0.5)
            process.send_signal(signal.SIGKILL)
            kills += 1
    assert [score.value for score in found] == [float(n) for n in range(1, 601)]
    assert kills >= 2


def test_sigterm_answers_what_was_accepted_and_takes_nothing_more(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, address):
        answers: list[httpx.Response] = []
        body = {"samples": [{"completion": str(n)} for n in range(400)]}
        thread = threading.Thread(target=lambda: answers.append(httpx.post(f"{address}/score", json=body, timeout=30)))
        thread.start()
        while "held 400" not in httpx.get(f"{address}/metrics").text:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        thread.join(30)
        assert process.wait(20) == 0
        assert [each["value"] for each in answers[0].json()["results"]] == list(range(400))
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{address}/health")


def test_what_draining_has_no_time_for_is_told_so(tmp_path: Path) -> None:
    with serving(tmp_path, drain=1) as (process, address):
        answers: list[httpx.Response] = []
        body = {"samples": [{"completion": str(n)} for n in range(3000)]}
        thread = threading.Thread(target=lambda: answers.append(httpx.post(f"{address}/score", json=body, timeout=30)))
        thread.start()
        while "held 3000" not in httpx.get(f"{address}/metrics").text:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        thread.join(30)
        assert (answers[0].status_code, answers[0].json()["error"]["code"]) == (503, "ending")
        process.wait(20)


def test_on_a_socket_the_hostile_are_told_and_left(tmp_path: Path) -> None:
    """A declared and a streamed gigabyte, a head without an end, a head that never comes: an answer, then the end."""
    with serving(tmp_path, patience=1) as (_, address):
        port = int(address.rpartition(":")[2])
        post = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        declared = post + b"Content-Length: 1073741824\r\n\r\n{"
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        streamed = post + b"Transfer-Encoding: chunked\r\n\r\n"
        assert _exchange(port, declared, []).startswith(b"HTTP/1.1 413")
        assert _exchange(port, streamed, [chunk] * 64).startswith(b"HTTP/1.1 413")
        assert _exchange(port, b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000, []).startswith(b"HTTP/1.1 431")
        assert _exchange(port, b"\x16\x03\x01 nonsense\r\n\r\n", []).startswith(b"HTTP/1.1 400")
        begun = time.monotonic()
        assert _exchange(port, b"GET / HT", []).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - begun < 20
        assert httpx.get(f"{address}/ready").status_code == 200


def _exchange(port: int, head: bytes, rest: list[bytes]) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        answer = b""
        with suppress(BrokenPipeError, ConnectionResetError):
            sock.sendall(head)
            for each in rest:
                sock.sendall(each)
        with suppress(ConnectionResetError):
            while part := sock.recv(65536):
                answer += part
        return answer


def test_whoever_reads_no_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that nobody takes is not kept for ever: the connection ends, and what was held of it goes."""
    import uvicorn

    from veritune.serve import protocol

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(64):
                await send({"type": "http.response.body", "body": b" " * (1 << 20), "more_body": True})

    async def run() -> int:
        config = uvicorn.Config(endless, http=protocol.PatientProtocol, log_level="critical", lifespan="off")
        server = uvicorn.Server(config)
        listening = socket.create_server(("127.0.0.1", 0))
        task = asyncio.ensure_future(server._serve([listening]))
        _, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while not server.server_state.connections:
            await asyncio.sleep(0.02)
        for _ in range(200):
            await asyncio.sleep(0.05)
            if not server.server_state.connections:
                break
        left = len(server.server_state.connections)
        writer.transport.abort()
        server.should_exit = True
        await task
        return left

    monkeypatch.setattr(protocol, "UNREAD", 0.3)
    assert asyncio.run(run()) == 0


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'veritune\[serve\]'"):
        run_server(compose(["format"]), Settings(), host="127.0.0.1", port=0)
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'veritune\[client\]'"):
        AsyncClient("http://127.0.0.1:9")


def test_an_address_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigError, match="in use"):
        run_server(compose(["format"]), Settings(), host="127.0.0.1", port=taken.getsockname()[1])


def test_a_wrong_config_ends_before_anything_listens(tmp_path: Path) -> None:
    env = {**os.environ, "VERITUNE_SERVE_KEY": ""}
    for arguments, said in ((["accuracy", "--host", "0.0.0.0"], "no key is set"), (["acuracy"], "Did you mean")):
        command = [sys.executable, "-m", "veritune", "serve", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert said in done.stderr
