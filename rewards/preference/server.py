"""A scoring server for ``preference`` rewards: ``python -m veritune.rewards.preference.server MODEL --port 8100``.

Standard library only, one model, requests one after another on the device. It has no authentication: bind it to an
address that only the training machines reach.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from veritune.plugins.errors import ParameterError
from veritune.rewards.preference.encoding import EncodingOptions
from veritune.rewards.preference.items import from_json
from veritune.rewards.preference.model import Loaded, LocalScorer, load_model

LARGEST = 1 << 28
"""Bytes of a request, a quarter of a gigabyte: whole batches of long completions."""


def make_server(loaded: Loaded, host: str = "127.0.0.1", port: int = 8100, budget: int = 16_384) -> ThreadingHTTPServer:
    """A server that is not yet serving: call ``serve_forever``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            try:
                body = json.loads(self._body())
                if not isinstance(body, dict):
                    raise TypeError(f"the body is an object with items, got {type(body).__name__}")
                scorer = LocalScorer(loaded, EncodingOptions(**body.get("options", {})), budget)
                outcomes = [asdict(outcome) for outcome in scorer.score(from_json(body["items"]))]
            except (
                ParameterError,
                KeyError,
                TypeError,
                ValueError,
                AttributeError,
                RecursionError,
                IndexError,
            ) as error:
                self._answer(400, {"error": f"{type(error).__name__}: {error}"})
                return
            self._answer(200, {"outcomes": outcomes, "labels": scorer.labels, "trained": dict(scorer.trained)})

        def _body(self) -> bytes:
            said = self.headers.get("Content-Length", "")
            size = int(said) if said.isascii() and said.isdecimal() and len(said) < 20 else -1
            if not 0 <= size <= LARGEST:
                self.close_connection = True  # what follows is not read, and is no request of its own
                raise ValueError(f"Content-Length is a whole number up to {LARGEST} bytes, got {said[:40]!r}")
            return self.rfile.read(size)

        def _answer(self, status: int, value: Any) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return ThreadingHTTPServer((host, port), Handler)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="Serve a reward model for the reward 'preference'.")
    parser.add_argument("model")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto", choices=["auto", "float32", "bfloat16", "float16"])
    parser.add_argument("--token-budget", type=int, default=16_384)
    given = parser.parse_args()
    loaded = load_model(given.model, given.device, given.dtype)
    make_server(loaded, given.host, given.port, given.token_budget).serve_forever()


if __name__ == "__main__":
    main()
