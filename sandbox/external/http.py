"""What the HTTP back-ends share: JSON over urllib with patience for a service that restarts."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from veritune.sandbox.errors import JobRefused, SandboxClosed, SandboxCrashed, SandboxError, SandboxUnavailable
from veritune.sandbox.interface import IsolationReport, Job, Limits, Outcome, Program, Sandbox
from veritune.sandbox.languages import Language, find_language
from veritune.sandbox.local.wire import checked_files, encoded

_PAUSES_S = (0.2, 1.0, 3.0)
"""Before a request is made again. Several wait at a time, so a service that restarts is given a few times this."""
_NETWORK_S = 30.0
_BUSY = (408, 425, 429)


class HttpSandbox(Sandbox):
    """Base of the back-ends that are services. Streams are text there: bytes that are not UTF-8 are refused.

    A service that was reached once and then fails, refuses or keeps silent, also when asked again, fails the job alone
    (SandboxCrashed); one that was never reached is SandboxUnavailable.
    """

    lacks = frozenset({"binary", "cpu_time", "units"})

    def __init__(self, url: str, workers: int, headers: Mapping[str, str] | None) -> None:
        self.url = url.rstrip("/")
        self.workers = workers
        self.headers = dict(headers or {})
        self._closed = False
        self._reached = False

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
            raise JobRefused(f"sandbox {self.name!r} takes text on stdin only; use 'local' for bytes") from error
        if program.units or program.options:
            raise JobRefused(f"sandbox {self.name!r} compiles single sources only; use 'local' for graders and headers")
        return self.execute(job, language, text, content)

    def ask(self, path: str, body: Mapping[str, Any] | None, timeout_s: float) -> Any:
        """POST (GET without a body) and read JSON; again, after pauses, where the service does not answer or is busy.

        SandboxCrashed for the server's own failures, and for everything once it has answered before; else
        SandboxUnavailable where nobody answers or the request is refused.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json", **self.headers}
        request = urllib.request.Request(self.url + path, data=data, headers=headers)
        problem: SandboxError | None = None
        for pause in (0.0, *_PAUSES_S):
            time.sleep(pause)
            try:
                with urllib.request.urlopen(request, timeout=timeout_s + _NETWORK_S) as answer:
                    said = json.loads(answer.read())
                self._reached = True
                return said
            except urllib.error.HTTPError as error:
                text = f"{self.url}{path}: {error.code} {_body(error)}"
                if error.code < 500 and error.code not in _BUSY:
                    raise self._refusal(text) from error
                problem = SandboxCrashed(f"sandbox {self.name!r}: {text}")
            except ValueError as error:
                raise SandboxCrashed(f"sandbox {self.name!r}: {self.url}{path} did not answer JSON") from error
            except (OSError, http.client.HTTPException) as error:
                problem = self._refusal(f"{self.url} does not answer: {error}")
        assert problem is not None
        raise problem

    def _refusal(self, text: str) -> SandboxError:
        kind = SandboxCrashed if self._reached else SandboxUnavailable
        return kind(f"sandbox {self.name!r}: {text}")

    def close(self) -> None:
        self._closed = True


def _body(error: urllib.error.HTTPError) -> str:
    try:
        return error.read(500).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return ""


def bounded(text: str | None, limits: Limits) -> tuple[bytes, bool]:
    """A stream of an answer as bytes, cut to the limit, and whether it was cut."""
    data = (text or "").encode("utf-8", "surrogatepass")
    most = int(limits.output_kb * 1024)
    return data[:most], len(data) > most
