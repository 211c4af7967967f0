"""Stand-ins for services and tools that tests cannot have, faithful to their published interfaces."""

from __future__ import annotations

import base64
import json
import signal
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from veritune.sandbox import Limits, Outcome, Program, Sandbox

Answer = tuple[int, Any]


class Service:
    """A JSON service on loopback: a function from (method, path, body) to (status, answer)."""

    def __init__(self, answer: Callable[[str, str, Any], Answer]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                status, said = answer(self.command, self.path, body)
                data = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = _serve

            def log_message(self, *_: object) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def fusion(engine: Sandbox) -> Callable[[str, str, Any], Answer]:
    """SandboxFusion's ``/run_code``; the programs really run, on ``engine``."""
    names = {"python": "python", "cpp": "cpp", "bash": "bash", "nodejs": "javascript"}

    def command(outcome: Outcome) -> dict[str, Any]:
        late = outcome.limit_hit in ("wall", "cpu")
        code = -outcome.signal if outcome.signal is not None else outcome.exit_code
        return {
            "status": "TimeLimitExceeded" if late else "Finished",
            "execution_time": outcome.wall_s,
            "return_code": None if late else code,
            "stdout": outcome.stdout_text,
            "stderr": outcome.stderr_text,
        }

    def answer(method: str, path: str, body: Any) -> Answer:
        if (method, path) != ("POST", "/run_code"):
            return 404, {"detail": "Not Found"}
        if body["language"] not in names:
            return 422, {"detail": [{"loc": ["body", "language"], "msg": "unexpected value"}]}
        files = {name: base64.b64decode(content) for name, content in body["files"].items()}
        limits = Limits(cpu_s=60, wall_s=body["run_timeout"], memory_mb=body["memory_limit_MB"], output_kb=8192)
        program = Program(names[body["language"]], body["code"])
        outcome = engine.run(program, body["stdin"] or "", files, limits)
        compiled = outcome.compiled
        result = None
        if compiled is not None:
            said = {"stdout": "", "stderr": compiled.messages.decode(), "execution_time": compiled.wall_s}
            result = {"status": "Finished", "return_code": 0 if compiled.ok else 1, **said}
        ran = None if outcome.compile_failed else command(outcome)
        status = "Success" if outcome.ok else "Failed"
        return 200, {"status": status, "message": "", "compile_result": result, "run_result": ran, "files": {}}

    return answer


def piston(engine: Sandbox) -> Callable[[str, str, Any], Answer]:
    """Piston's ``/api/v2``; the programs really run, on ``engine``."""
    runtimes = [
        {"language": "python", "version": "3.12.0", "aliases": ["py", "python3"]},
        {"language": "c++", "version": "10.2.0", "aliases": ["cpp", "g++"], "runtime": "gcc"},
        {"language": "bash", "version": "5.2.0", "aliases": ["sh"]},
    ]
    names = {"python": "python", "c++": "cpp", "bash": "bash"}

    def stage(outcome: Outcome) -> dict[str, Any]:
        status = {"wall": "TO", "cpu": "TO", "output": "OL", "memory": "SG"}.get(outcome.limit_hit or "")
        name = signal.Signals(outcome.signal).name if outcome.signal else None
        return {
            "stdout": outcome.stdout_text,
            "stderr": outcome.stderr_text,
            "output": outcome.stdout_text + outcome.stderr_text,
            "code": outcome.exit_code,
            "signal": name or ("SIGKILL" if status == "TO" else None),
            "message": None,
            "status": status or (None if outcome.ok else "RE"),
            "cpu_time": int(outcome.cpu_s * 1000),
            "wall_time": int(outcome.wall_s * 1000),
            "memory": int(outcome.peak_memory_mb * (1 << 20)),
        }

    def answer(method: str, path: str, body: Any) -> Answer:
        if (method, path) == ("GET", "/api/v2/runtimes"):
            return 200, runtimes
        if (method, path) != ("POST", "/api/v2/execute"):
            return 404, {"message": "Not Found"}
        found = [r for r in runtimes if r["language"] == body["language"] and r["version"] == body["version"]]
        if not found:
            return 400, {"message": f"{body['language']}-{body['version']} runtime is unknown"}
        if body["run_timeout"] > 60000:
            return 400, {"message": "run_timeout cannot exceed the configured limit of 60000"}
        main, *others = body["files"]
        files = {f["name"]: base64.b64decode(f["content"]) for f in others}
        memory = body["run_memory_limit"] >> 20
        limits = Limits(cpu_s=60, wall_s=body["run_timeout"] / 1000, memory_mb=memory)
        program = Program(names[body["language"]], main["content"], tuple(body["args"]))
        outcome = engine.run(program, body["stdin"], files, limits)
        said: dict[str, Any] = {"language": body["language"], "version": body["version"], "run": stage(outcome)}
        if outcome.compiled is not None:
            text = outcome.compiled.messages.decode()
            code = 0 if outcome.compiled.ok else 1
            said["compile"] = {"stdout": "", "stderr": text, "output": text, "code": code, "signal": None}
        return 200, said

    return answer
