"""What the HTTP back-ends share: JSON over urllib with patience for a service that restarts."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from veritune.sandbox.errors import SandboxClosed, SandboxCrashed, SandboxUnavailable
from veritune.sandbox.interface import IsolationReport, Job, Limits, Outcome, Program, Sandbox
from veritune.sandbox.languages import Language, find_language
from veritune.sandbox.local.wire import checked_files, encoded

_PAUSES_S = (0.2, 1.0, 3.0)
_NETWORK_S = 30.0


class HttpSandbox(Sandbox):
    """Base of the back-ends that are services. Streams are text there: bytes that are not UTF-8 are refused."""

    lacks = frozenset({"binary", "cpu_time"})

    def __init__(self, url: str, workers: int, headers: Mapping[str, str] | None) -> None:
        self.url = url.rstrip("/")
        self.workers = workers
        self.headers = dict(headers or {})
        self._closed = False

    @abstractmethod
    def execute(self, job: Job, language: Language, stdin: str, files: dict[str, bytes]) -> Outcome:
        """One request to the service, and its answer as an outcome."""

    @abstractmethod
    def report(self) -> IsolationReport:
        """What the service says it enforces: nothing that can be tested from here."""

    def run(
        self,
        program: Program,
        stdin: bytes | str = b"",
        files: Mapping[str, bytes | str] | None = None,
        limits: Limits | None = None,
    ) -> Outcome:
        if self._closed:
            raise SandboxClosed("this sandbox has been closed")
        language = find_language(program.language)
        job = Job(program, stdin, files or {}, limits or Limits())
        content = checked_files(job.files)
        for module, code in program.support.items():
            content[f"{module}.py"] = code.encode()
        try:
            text = encoded(stdin).decode("utf-8")
        except UnicodeDecodeError as error:
            raise SandboxUnavailable(
                f"sandbox {self.name!r} takes text on stdin only; use 'local' for bytes"
            ) from error
        return self.execute(job, language, text, content)

    def ask(self, path: str, body: Mapping[str, Any] | None, timeout_s: float) -> Any:
        """POST (GET without a body) and read JSON.

        SandboxUnavailable where nobody answers or the request is refused, SandboxCrashed for the server's own failures.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json", **self.headers}
        problem: Exception | None = None
        for pause in (0.0, *_PAUSES_S):
            time.sleep(pause)
            request = urllib.request.Request(self.url + path, data=data, headers=headers)
            try:
                with urllib.request.urlopen(request, timeout=timeout_s + _NETWORK_S) as answer:
                    return json.loads(answer.read())
            except urllib.error.HTTPError as error:
                said = error.read(500).decode("utf-8", "replace")
                if error.code < 500 and error.code != 429:
                    raise SandboxUnavailable(f"sandbox {self.name!r}: {self.url}{path}: {error.code} {said}") from error
                problem = SandboxCrashed(f"sandbox {self.name!r}: {self.url}{path}: {error.code} {said}")
            except ValueError as error:
                raise SandboxCrashed(f"sandbox {self.name!r}: {self.url}{path} did not answer JSON") from error
            except (OSError, urllib.error.URLError) as error:
                problem = SandboxUnavailable(f"sandbox {self.name!r}: {self.url} does not answer: {error}")
        assert problem is not None
        raise problem

    def close(self) -> None:
        self._closed = True


def bounded(text: str | None, limits: Limits) -> tuple[bytes, bool]:
    """A stream of an answer as bytes, cut to the limit, and whether it was cut."""
    data = (text or "").encode("utf-8", "surrogatepass")
    most = int(limits.output_kb * 1024)
    return data[:most], len(data) > most
