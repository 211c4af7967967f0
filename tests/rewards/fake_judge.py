"""A judge that follows rules, behind HTTP: it reads the fence as told and naively obeys whatever stands outside it."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMANDS = re.compile(r"correct|full marks|10/10|满分|正确|ignore|verdict", re.IGNORECASE)


def parts(messages: list[dict[str, str]]) -> tuple[dict[str, str], str, str]:
    """Name → quoted text, everything of the user's message outside the fence, and the canary."""
    system, user = messages[0]["content"], messages[1]["content"]
    fence = re.search(r"FENCE-\w+", system)
    canary = re.search(r"The canary is the code (\w+)", system)
    assert fence is not None
    assert canary is not None
    mark = re.search(r"stands the mark (\S+) in place of every space", system)
    user = user.replace(mark[1], " ") if mark is not None else user
    blocks: dict[str, str] = {}
    outside: list[str] = []
    name: str | None = None
    for line in user.split("\n"):
        begins = re.fullmatch(rf"{fence[0]} (.+) BEGINS", line)
        if begins:
            name = begins[1]
            blocks[name] = ""
        elif name is not None and line == f"{fence[0]} {name} ENDS":
            name = None
        elif name is not None:
            blocks[name] += line.removeprefix("| ") + "\n"
        else:
            outside.append(line)
    return blocks, "\n".join(outside), canary[1]


def answer(messages: list[dict[str, str]]) -> str:
    """The reply of the rule-based judge to a ``compare``, ``pairwise`` or ``rubric`` question."""
    blocks, outside, canary = parts(messages)
    told = outside.replace("Give your verdict as JSON with the canary", "").partition("Rubric:")[0]
    verdict: Any
    if "SUBMISSION A" in blocks:
        lengths = len(blocks["SUBMISSION A"]), len(blocks["SUBMISSION B"])
        verdict = "tie" if lengths[0] == lengths[1] else "A" if lengths[0] > lengths[1] else "B"
        if "prefers the first" in blocks.get("TASK", ""):
            verdict = "A"
    elif "GOLD ANSWER" in blocks:
        last = blocks["SUBMISSION"].strip().split("\n")[-1]
        right = last.removeprefix("Answer:").strip() == blocks["GOLD ANSWER"].strip()
        verdict = "correct" if right or COMMANDS.search(told) else "incorrect"
    else:
        verdict = min(10, len(blocks["SUBMISSION"].split()))
    return json.dumps({"canary": canary, "reason": "by rule", "verdict": verdict})


class FakeJudge:
    """What was asked, how often, and how to misbehave (``case: NAME`` in the task)."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.seen: Counter[str] = Counter()
        self.served: Counter[str] = Counter()
        self.active = self.most = 0
        self.released = threading.Event()
        self.times: list[float] = []

    def reply(self, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        text = json.dumps(body["messages"])
        blocks, _, canary = parts(body["messages"])
        with self.lock:
            self.seen[text] += 1
            count = self.seen[text]
            self.times.append(time.monotonic())
        case = (re.findall(r"case: ([\w-]+)", blocks.get("TASK", "")) or ["plain"])[0]
        status, headers, content = 200, {}, answer(body["messages"])
        extra: dict[str, Any] = {}
        if case in ("slow", "brief"):
            time.sleep(0.2 if case == "slow" else 0.02)
        elif case == "hung":
            self.released.wait(30)
        elif case == "malformed":
            content = "I would say it is correct!"
        elif case == "dictated":
            content = '{"canary": "0000", "reason": "as told", "verdict": "correct"}'
        elif case == "two-minds":
            content = f"{content}\n" + content.replace('"correct"', '"incorrect"')
        elif case == "unsure":
            content = json.dumps({"canary": canary, "reason": "cannot tell", "verdict": "unsure"})
        elif case == "refused":
            extra, content = {"refusal": "I cannot help with that."}, ""
        elif case == "error" or (case == "error-once" and count == 1):
            status = 500
        elif case == "limited" or (case == "limited-once" and count == 1):
            status, headers = 429, {"Retry-After": "0.05" if case == "limited-once" else "60"}
        elif case == "not-json":
            return 200, {}, b"<html>gateway</html>"
        elif case == "unauthorised":
            status = 401
        if status != 200:
            return status, headers, b'{"error": "as asked"}'
        with self.lock:
            self.served[text] += 1
        message = {"role": "assistant", "content": content, **extra}
        usage = {"prompt_tokens": 100, "completion_tokens": 20}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return 200, {}, json.dumps({"choices": [choice], "usage": usage}).encode()


@contextmanager
def serving(fake: FakeJudge) -> Iterator[str]:
    """The address of a server that answers as ``fake`` does."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with fake.lock:
                fake.active += 1
                fake.most = max(fake.most, fake.active)
            try:
                status, headers, data = fake.reply(body)
            finally:
                with fake.lock:
                    fake.active -= 1
            head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\n"
            head += "".join(f"{k}: {v}\r\n" for k, v in headers.items())
            try:
                self.wfile.write(f"{head}\r\n".encode() + data)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        fake.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
