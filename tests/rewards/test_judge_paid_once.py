"""An answer that an endpoint gave is paid for once: what has arrived is read, and what is in flight is joined."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.rewards.fake_judge import FakeJudge, answer, serving
from veritune import Cause, Sample, get_reward
from veritune.plugins import Reward
from veritune.rewards.judge import reward as module
from veritune.rewards.judge.backend import Reply
from veritune.rewards.judge.cache import PatientCache
from veritune.rewards.judge.openai import Endpoint, OpenAIBackend
from veritune.rewards.judge.patience import Patience
from veritune.rewards.judge.prompts import make_question

pytest.importorskip("httpx")


def make(url: str, **params: Any) -> Reward:
    settings = {"model": "fake", "endpoint": url, "timeout": 5.0, "deadline": 20.0, "retries": 2, "wait": 0.01}
    return get_reward("judge", **{**settings, **params})


def test_what_arrived_while_the_loop_was_held_up_is_read() -> None:
    async def held() -> bytes:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)

        async def read() -> bytes:
            return await reader.readexactly(100_000)

        async def block() -> None:
            theirs.sendall(b"x" * 100_000)
            time.sleep(0.2)  # twenty times the patience

        blocking = asyncio.ensure_future(block())
        try:
            return await Patience().within(0.01, read())
        finally:
            await blocking
            writer.close()
            theirs.close()

    assert len(asyncio.run(held())) == 100_000


def test_silence_is_not_waited_for_longer_than_was_said() -> None:
    async def silent() -> float:
        patience = Patience()
        with pytest.raises(asyncio.TimeoutError):
            await patience.within(0.05, asyncio.sleep(30))
        return patience.late

    assert asyncio.run(silent()) < 20


def test_a_held_up_loop_asks_nothing_twice() -> None:
    fake = FakeJudge()

    async def ask(url: str) -> list[Reply]:
        backend = OpenAIBackend(Endpoint(url, "fake", timeout=0.3, deadline=2.0, concurrency=8))
        questions = [
            make_question("compare", prompt=f"case: slow {i}", answers=("Answer: 4",), gold="4", rubric="", scale=10)
            for i in range(8)
        ]
        asking = asyncio.ensure_future(backend._all(questions))
        while fake.active < 8 and not asking.done():
            await asyncio.sleep(0.005)
        time.sleep(0.6)  # all eight answers come meanwhile, and lie unread for longer than an attempt may take
        return await asking

    with serving(fake) as url:
        replies = asyncio.run(ask(url))
    assert [reply.attempts for reply in replies] == [1] * 8
    assert set(fake.served.values()) == {1}


def test_reading_for_addresses_holds_no_answer_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(text: str, limit: int) -> dict[str, str]:
        time.sleep(0.01)
        return {}

    monkeypatch.setattr(module, "injections", slow)
    fake = FakeJudge()
    with serving(fake) as url:
        judge = make(url, timeout=0.4, concurrency=16)
        logged: dict[str, float] = {}
        samples = [Sample(f"Answer: {i}", f"{i}", None, {"gold": str(i)}) for i in range(60)]
        scores = judge.score_batch(samples, log_metric=logged.__setitem__)
    assert [score.value for score in scores] == [1.0] * 60
    assert set(fake.served.values()) == {1}
    assert logged["judge/unheard"] == logged["judge/retries"] == 0


Ending = Callable[[socket.socket, bytes], None]


def _longer(connection: socket.socket, data: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(data) + 50) + data)


def _chunk_without_end(connection: socket.socket, data: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(data) + data + b"\r\n")


def _hangs_behind_it(connection: socket.socket, data: bytes) -> None:
    _longer(connection, data)
    connection.settimeout(5)
    connection.recv(1)


def _half(connection: socket.socket, data: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data[: len(data) // 2])


def _says_nothing(connection: socket.socket, data: bytes) -> None:
    pass


@contextmanager
def ending(how: Ending) -> Iterator[tuple[str, Counter[str]]]:
    """A server whose first answer to a question ends so and whose next is whole; and how often each was asked."""
    server, seen = socket.create_server(("127.0.0.1", 0)), Counter[str]()

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                got = b""
                while b"\r\n\r\n" not in got:
                    got += connection.recv(65536)
                head, _, body = got.partition(b"\r\n\r\n")
                found = re.search(rb"(?i)content-length: (\d+)", head)
                while found is not None and len(body) < int(found[1]):
                    body += connection.recv(65536)
                messages = json.loads(body)["messages"]
                message = {"role": "assistant", "content": answer(messages)}
                data = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
                seen[messages[1]["content"]] += 1
                if seen[messages[1]["content"]] == 1:
                    how(connection, data)
                else:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1", seen
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


@pytest.mark.parametrize("how", [_longer, _chunk_without_end, _hangs_behind_it])
def test_an_answer_that_is_all_there_is_taken_although_its_connection_breaks(how: Ending) -> None:
    with ending(how) as (url, seen):
        score = make(url, timeout=0.5, concurrency=1).score("Answer: 4", "x", gold="4")
    assert score.value == 1.0
    assert set(seen.values()) == {1}


@pytest.mark.parametrize("how", [_half, _says_nothing])
def test_an_answer_that_was_not_heard_is_asked_for_again_and_counted(how: Ending) -> None:
    logged: dict[str, float] = {}
    with ending(how) as (url, seen):
        sample = Sample("Answer: 4", "x", None, {"gold": "4"})
        [score] = make(url, concurrency=1).score_batch([sample], log_metric=logged.__setitem__)
    assert score.value == 1.0
    assert score.verdict is not None
    assert score.verdict.evidence["unheard"] == logged["judge/unheard"] == 1
    assert set(seen.values()) == {2}


def test_nobody_who_was_never_reached_is_counted_as_not_heard() -> None:
    [score] = make("http://127.0.0.1:9/v1", retries=1).score_batch([Sample("4", "x", None, {"gold": "4"})])
    assert score.cause is Cause.INFRA_ERROR
    assert "unheard" not in (score.verdict.evidence if score.verdict is not None else {})


def test_rewards_with_one_cache_ask_once_together(tmp_path: Path) -> None:
    fake, found = FakeJudge(), list[float | None]()
    with serving(fake) as url:

        def work() -> None:
            judge = make(url, cache=str(tmp_path / "judge.sqlite"))
            found.extend(s.value for s in judge.score_batch([Sample("Answer: 4", "case: slow", None, {"gold": "4"})]))

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [1.0] * 6
    assert sum(fake.seen.values()) == 1


def test_what_is_not_written_yet_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    cache = PatientCache.at(str(tmp_path / "judge.sqlite"))
    written = cache.disk.put

    def waits(key: str, value: Any) -> None:
        free.wait(10)
        written(key, value)

    monkeypatch.setattr(cache.disk, "put", waits)
    fake = FakeJudge()
    with serving(fake) as url:
        for _ in range(3):
            assert make(url, cache=str(tmp_path / "judge.sqlite")).score("Answer: 4", "x", gold="4").value == 1.0
            assert sum(fake.seen.values()) == 1
        free.set()
        cache.wait()
    assert cache.unwritten("anything") is None
    assert not cache._unwritten


@pytest.mark.filterwarnings("ignore:reward 'judge'")
def test_a_file_that_cannot_be_written_costs_nothing_twice(tmp_path: Path) -> None:
    (tmp_path / "judge.sqlite").mkdir()
    fake = FakeJudge()
    with serving(fake) as url:
        for _ in range(3):
            assert make(url, cache=str(tmp_path / "judge.sqlite")).score("Answer: 4", "x", gold="4").value == 1.0
    assert sum(fake.seen.values()) == 1
