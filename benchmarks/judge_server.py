"""A chat-completion endpoint in a process of its own: answers after a while, and misbehaves where the task says how."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.request import urlopen

FAULTS: dict[str, tuple[float | None, str | None]] = {
    "error-once": (1.0, None),
    "limited-once": (1.0, None),
    "reset-once": (1.0, None),
    "cut-once": (1.0, None),
    "not-json-once": (1.0, None),
    "hung-once": (1.0, None),
    "unsent-once": (1.0, None),
    "longer-once": (1.0, None),
    "error": (None, "infra_error"),
    "reset": (None, "infra_error"),
    "unauthorised": (None, "infra_error"),
    "malformed": (None, "abstain"),
    "refused": (None, "abstain"),
    "unsure": (None, "abstain"),
    "dictated": (None, "abstain"),
    "wrong": (0.0, None),
}
"""How an endpoint misbehaves (``-once``: only the first time), and what becomes of the judgement."""
UNHEARD = ("cut-once", "unsent-once")
"""Faults in which it answers, and bills, what nobody can hear (half of it, or nothing): these must be paid for twice.
``longer-once`` says all and announces more before the connection ends: that is heard."""
_CANARY = re.compile(r'canary \\?"([0-9a-f]+)\\?"')
_TASK = re.compile(r"task ([\w.]+)(?: fault ([\w-]+))?")


class Server(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, one request at a time a connection."""

    latency = 0.0
    seen: ClassVar[Counter[str]] = Counter()
    answered: ClassVar[Counter[str]] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            head, mark, rest = self.buffer.partition(b"\r\n\r\n")
            if not mark:
                return
            found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            length = int(found[1]) if found else 0
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            if head.startswith(b"GET /stats"):
                counts = {"seen": self.seen, "answered": self.answered}
                self._send(200, json.dumps(counts).encode())
            else:
                self._respond(rest[:length])

    def _respond(self, body: bytes) -> None:
        text = json.loads(body)["messages"][-1]["content"]
        found, canary = _TASK.search(text), _CANARY.search(json.dumps(text))
        task, fault = (found[1], found[2] or "") if found else ("none", "")
        self.seen[task] += 1
        loop = asyncio.get_running_loop()
        if fault.endswith("-once") and self.seen[task] > 1:
            fault = ""
        if fault.startswith("hung"):
            return
        loop.call_later(self.latency, self._reply, task, fault.removesuffix("-once"), canary[1] if canary else "")

    def _reply(self, task: str, fault: str, canary: str) -> None:
        if self.transport.is_closing():
            return
        if fault in ("reset", "unsent"):
            self.answered[task] += fault == "unsent"
            self.transport.abort()
        elif fault == "error":
            self._send(500, b'{"error": "as asked"}')
        elif fault == "limited":
            self._send(429, b'{"error": "slow down"}', "Retry-After: 0.05\r\n")
        elif fault == "unauthorised":
            self._send(401, b'{"error": "no such key"}')
        elif fault == "not-json":
            self._send(200, b"<html>gateway</html>")
        else:
            verdict = {"unsure": "unsure", "wrong": "incorrect"}.get(fault, "correct")
            said = json.dumps(
                {"canary": "00" if fault == "dictated" else canary, "reason": "by rule", "verdict": verdict}
            )
            content = {"malformed": "I would say it is correct!", "refused": None}.get(fault, said)
            message: dict[str, Any] = {"role": "assistant", "content": content}
            if fault == "refused":
                message["refusal"] = "I cannot help with that."
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            data = json.dumps({"choices": [choice], "usage": {"prompt_tokens": 500, "completion_tokens": 30}}).encode()
            self.answered[task] += 1
            if fault in ("cut", "longer"):
                sent = data[:40] if fault == "cut" else data
                self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(data) + 50) + sent)
                self.transport.close()
            else:
                self._send(200, data)

    def _send(self, status: int, data: bytes, more: str = "") -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n{more}\r\n"
        self.transport.write(head.encode() + data)


@contextmanager
def serving(latency: float) -> Iterator[str]:
    """The address of a server in a process of its own, which takes so many seconds an answer."""
    process = subprocess.Popen([sys.executable, __file__, str(latency)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.kill()
        process.wait()


def stats(address: str) -> dict[str, dict[str, int]]:
    """How often each task was asked about and answered."""
    with urlopen(address.removesuffix("/v1") + "/stats") as response:
        counts: dict[str, dict[str, int]] = json.load(response)
    return counts


async def _serve(latency: float) -> None:
    Server.latency = latency
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
