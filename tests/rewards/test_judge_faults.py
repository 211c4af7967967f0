"""Forty ways of an endpoint and ten of a cache to misbehave: each ends as documented, and no key is ever shown."""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.rewards.fake_judge import FakeJudge, answer, parts, serving
from veritune import Cause, Sample, get_reward
from veritune.plugins import ParameterError, Reward
from veritune.rewards.judge.backend import Reply
from veritune.rewards.judge.openai import Endpoint, OpenAIBackend
from veritune.rewards.judge.prompts import make_question
from veritune.rewards.judge.verdicts import read_reply

pytest.importorskip("httpx")
KEY = "sk-not-a-real-key-0123456789"


def chat(content: Any, finish: str = "stop", usage: Any = None, **extra: Any) -> bytes:
    message = {"role": "assistant", "content": content, **extra}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage}
    return json.dumps(body).encode()


Odd = Callable[[str, str], "bytes | tuple[int, dict[str, str], bytes]"]
"""Of a right reply's text and the canary, what is sent instead."""
NOISE = "thinking about <think> and </think> and {braces} \\frac{1}{2} " * 30
ODD: dict[str, tuple[Odd, float | None, Cause | None]] = {
    "a reason that closes": (
        lambda _, c: chat(json.dumps({"canary": c, "reason": "behind </think> it says 4", "verdict": "correct"})),
        1.0,
        None,
    ),
    "a reason that opens": (
        lambda _, c: chat(json.dumps({"canary": c, "reason": "in <think> it says 4", "verdict": "correct"})),
        1.0,
        None,
    ),
    "a reason with both": (
        lambda _, c: chat(json.dumps({"canary": c, "reason": "<think>5</think> is 5", "verdict": "incorrect"})),
        0.0,
        None,
    ),
    "thinking before it": (lambda text, _: chat(f"<think>{NOISE}</think>{text}"), 1.0, None),
    "thinking that never ends": (lambda text, _: chat(f"<think>so {text}"), None, Cause.ABSTAIN),
    "a draft in the thinking": (
        lambda text, c: chat('<think>{"canary": "' + c + '", "verdict": "incorrect"} no</think>' + text),
        1.0,
        None,
    ),
    "a fence around it": (lambda text, _: chat(f"```json\n{text}\n```"), 1.0, None),
    "a capital letter": (lambda _, c: chat(json.dumps({"canary": c, "verdict": "Correct"})), 1.0, None),
    "a full stop": (lambda _, c: chat(json.dumps({"canary": c, "verdict": " correct. "})), 1.0, None),
    "a list for a verdict": (lambda _, c: chat(json.dumps({"canary": c, "verdict": ["correct"]})), None, Cause.ABSTAIN),
    "content in parts": (lambda text, _: chat([{"type": "text", "text": text}]), 1.0, None),
    "content in two parts": (
        lambda text, _: chat([{"type": "text", "text": text[:9]}, {"type": "text", "text": text[9:]}]),
        1.0,
        None,
    ),
    "a part of reasoning": (
        lambda text, _: chat([{"type": "reasoning", "text": "hm"}, {"type": "text", "text": text}]),
        1.0,
        None,
    ),
    "reasoning beside it": (lambda text, _: chat(text, reasoning_content=NOISE), 1.0, None),
    "reasoning alone": (lambda _, __: chat(None, "length", reasoning_content="I think"), None, Cause.ABSTAIN),
    "null content": (lambda _, __: chat(None), None, Cause.ABSTAIN),
    "a number for content": (lambda _, __: chat(7), None, Cause.ABSTAIN),
    "cut": (lambda text, _: chat(text, "length"), None, Cause.ABSTAIN),
    "filtered": (lambda text, _: chat(text, "content_filter"), None, Cause.ABSTAIN),
    "null usage": (lambda text, _: chat(text, usage=None), 1.0, None),
    "null tokens": (lambda text, _: chat(text, usage={"prompt_tokens": None}), 1.0, None),
    "tokens without end": (
        lambda text, _: chat(text, usage={"prompt_tokens": 1}).replace(
            b'"prompt_tokens": 1', b'"prompt_tokens": 1e999'
        ),
        1.0,
        None,
    ),
    "negative tokens": (lambda text, _: chat(text, usage={"prompt_tokens": -5}), 1.0, None),
    "tokens in words": (lambda text, _: chat(text, usage={"prompt_tokens": "many"}), 1.0, None),
    "usage that is a list": (lambda text, _: chat(text, usage=[1, 2]), 1.0, None),
    "nested without end": (lambda _, __: b"[" * 200_000, None, Cause.INFRA_ERROR),
    "nested content": (lambda _, __: chat('{"a":' * 20_000), None, Cause.ABSTAIN),
    "no choices": (lambda _, __: b'{"choices": []}', None, Cause.INFRA_ERROR),
    "choices are words": (lambda _, __: b'{"choices": "none"}', None, Cause.INFRA_ERROR),
    "a list": (lambda _, __: b"[1, 2]", None, Cause.INFRA_ERROR),
    "null": (lambda _, __: b"null", None, Cause.INFRA_ERROR),
    "nothing": (lambda _, __: b"", None, Cause.INFRA_ERROR),
    "no text": (lambda _, __: b"\xff\xfe\x00\x81", None, Cause.INFRA_ERROR),
    "a strange charset": (
        lambda _, __: (200, {"Content-Type": "application/json; charset=nowhere"}, b"{"),
        None,
        Cause.INFRA_ERROR,
    ),
    "says it is compressed": (lambda _, __: (200, {"Content-Encoding": "gzip"}, b"it is not"), None, Cause.INFRA_ERROR),
    "moved away": (lambda _, __: (301, {"Location": "http://127.0.0.1:9/v2"}, b""), None, Cause.INFRA_ERROR),
    "moved nowhere": (lambda _, __: (302, {}, b""), None, Cause.INFRA_ERROR),
    "a teapot": (lambda _, __: (418, {}, b"short and stout"), None, Cause.INFRA_ERROR),
    "echoes the key": (
        lambda _, __: (401, {}, f"Incorrect API key provided: {KEY}".encode()),
        None,
        Cause.INFRA_ERROR,
    ),
    "echoes the key in a header": (lambda _, __: (200, {"X-Echo": f"it is {KEY}"}, b""), None, Cause.INFRA_ERROR),
    "moves to an address with the key": (
        lambda _, __: (302, {"Location": f"http://127.0.0.1:9/{KEY}?{KEY[9:]}"}, b""),
        None,
        Cause.INFRA_ERROR,
    ),
    "echoes the header": (lambda _, __: (400, {}, b"bad header: Bearer sk-other-form"), None, Cause.INFRA_ERROR),
}


class OddJudge(FakeJudge):
    def reply(self, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        blocks, _, canary = parts(body["messages"])
        name = blocks.get("TASK", "").strip().removeprefix("case: ")
        if name not in ODD:
            return super().reply(body)
        with self.lock:
            self.seen[name] += 1
        sent = ODD[name][0](answer(body["messages"]), canary)
        return sent if isinstance(sent, tuple) else (200, {"Content-Type": "application/json"}, sent)


@pytest.fixture(scope="module")
def fake() -> OddJudge:
    return OddJudge()


@pytest.fixture(scope="module")
def url(fake: OddJudge) -> Iterator[str]:
    with serving(fake) as address:
        yield address


def make(url: str, **params: Any) -> Reward:
    settings = {"model": "fake", "endpoint": url, "timeout": 2.0, "deadline": 4.0, "retries": 1, "wait": 0.01}
    return get_reward("judge", **{**settings, **params})


@pytest.mark.parametrize("name", ODD)
def test_a_misbehaving_endpoint_ends_as_documented(
    url: str, fake: OddJudge, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(1)
    _, value, cause = ODD[name]
    score = make(url).score("Answer: 4", f"case: {name}", gold="4")
    assert (score.value, score.cause) == (value, cause), score.reason
    assert KEY not in str(score)
    assert KEY[9:] not in str(score)
    assert KEY[9:] not in caplog.text, "httpcore logs every header of an answer"
    assert any(record.name.startswith("httpcore") for record in caplog.records)
    assert "sk-other-form" not in str(score)
    if score.value is not None:
        assert fake.seen[name] == 1, "an answer that was paid for is not asked again"


def test_a_move_that_keeps_the_request_is_followed(url: str) -> None:
    class Moving(FakeJudge):
        def reply(self, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
            return 307, {"Location": f"{url}/chat/completions"}, b""

    with serving(Moving()) as old:
        assert make(old).score("Answer: 4", "2 + 2", gold="4").value == 1.0


@pytest.mark.parametrize("key", ["sk-a\u2019quoted", "sk-with\x07bell", "ключ", "sk-a\nsk-b"])
def test_a_key_that_cannot_be_sent_is_said_without_being_shown(
    url: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", key)
    score = make(url, api_key_env="MY_KEY").score("Answer: 4", "2 + 2", gold="4")
    assert score.cause is Cause.INFRA_ERROR
    assert "MY_KEY" in score.reason
    assert key not in score.reason


def test_a_line_break_after_a_key_is_no_part_of_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", f"{KEY}\n")
    assert make(url, api_key_env="MY_KEY").score("Answer: 4", "2 + 2", gold="4").value == 1.0


@pytest.mark.parametrize(
    "endpoint", ["http://u:pass-word-1@127.0.0.1:99999/v1", "http://[::1", "http:///v1", "localhost:8000", "ftp://a/v1"]
)
def test_an_address_that_is_none_is_refused(endpoint: str) -> None:
    with pytest.raises(ParameterError, match="endpoint is a URL") as refused:
        make(endpoint).score("4", "x", gold="4")
    assert "pass-word-1" not in str(refused.value)


def test_a_password_in_an_address_is_not_shown() -> None:
    score = make("http://user:pass-word-1@127.0.0.1:9/v1", retries=0).score("4", "x", gold="4")
    assert score.cause is Cause.INFRA_ERROR
    assert "pass-word-1" not in str(score)


def test_this_machine_is_not_asked_through_a_proxy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert make(url).score("Answer: 4", "through", gold="4").value == 1.0


@pytest.mark.parametrize("gold", [float("nan"), float("inf"), [None], [float("nan")], [], "", " ", "\u200b", ["", "4"]])
def test_a_gold_that_says_nothing_is_not_asked_about(url: str, gold: Any) -> None:
    [score] = make(url).score_batch([Sample("Answer: 4", "x", None, {"gold": gold})])
    assert (score.value, score.cause) == (None, Cause.INVALID_GOLD)


def test_golds_of_other_types_are_read_as_what_they_say(url: str) -> None:
    """Columns of Parquet files and data frames hold arrays, scalars of numpy, and missing values of their own."""
    nothing = [(), set(), b"", {"a": None}, Decimal("NaN"), Decimal("sNaN"), np.array([]), np.array([math.nan])]
    nothing += [np.float32("nan"), np.datetime64("NaT"), [[]], ("4", None), {"a": [" "]}]
    something = [4, np.int64(4), np.array(["4"]), ("4",), {"4"}, b"4", Decimal(4), np.array("4")]
    samples = [Sample("Answer: 4", "x", None, {"gold": gold}) for gold in (*nothing, *something, 10**5000)]
    scores = make(url, max_chars=50).score_batch(samples)
    assert [(score.value, score.cause) for score in scores[: len(nothing)]] == [(None, Cause.INVALID_GOLD)] * 13
    assert [score.value for score in scores[len(nothing) :]] == [1.0] * len(something) + [0.0]


def test_the_missing_values_of_pandas_are_missing(url: str) -> None:
    pandas = pytest.importorskip("pandas")
    samples = [Sample("Answer: 4", "x", None, {"gold": gold}) for gold in (pandas.NA, pandas.NaT, [pandas.NA])]
    assert [score.cause for score in make(url).score_batch(samples)] == [Cause.INVALID_GOLD] * 3


def test_every_text_obeys_the_limit_and_says_so(url: str) -> None:
    long = "z" * 300
    for mode, prompt, column in (("rubric", long, {}), ("pairwise", "x", {"reference": long})):
        refused = make(url, mode=mode, max_chars=100, too_long="refuse").score("a b", prompt, **column)
        assert refused.cause is Cause.ABSTAIN
        assert "300 characters" in refused.reason
        cut = make(url, mode=mode, max_chars=100).score("a b", prompt, **column)
        assert cut.verdict is not None
        assert cut.verdict.evidence["cut"] == {"to": 100, "texts": ["reference" if column else "prompt"]}


GRADES = [("8", 8), ("8.0", 8), ('"8"', 8), ('" 8 "', 8), ('"8.0"', 8), ('"**8.00**"', 8), ('"+8"', 8), ('"8,0"', 8)]
GRADES += [('"8e0"', 8), ('"0.0"', 0), ('"1e1"', 10), ('"10.0"', 10), ('"8."', 8)]
NO_GRADES = ["8.5", '"8.5"', '"8,5"', '"8/10"', '"-1.0"', '"10,000"', '"1e9"', '"nan"', '"Infinity"', '"8.0 or 9.0"']


@pytest.mark.parametrize(("written", "grade"), [*GRADES, *((text, None) for text in NO_GRADES)])
def test_a_grade_is_a_number_however_it_is_written(written: str, grade: int | None) -> None:
    assert read_reply(f'{{"canary": "c", "verdict": {written}}}', "rubric", "c").verdict == grade


def test_who_is_interrupted_takes_nobody_with_them(url: str) -> None:
    backend = OpenAIBackend(Endpoint(url, "fake", concurrency=4))
    question = make_question("compare", prompt="case: slow", answers=("Answer: 4",), gold="4", rubric="", scale=10)

    async def both() -> list[Reply]:
        first = asyncio.ensure_future(backend._all([question]))
        await asyncio.sleep(0.05)
        second = asyncio.ensure_future(backend._all([question]))
        await asyncio.sleep(0.02)
        first.cancel()
        return await second

    [reply] = asyncio.run(both())
    assert reply.text is not None
    assert reply.attempts == 1


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is no database at all, whatever it is called" * 100)


def _truncated(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE answers (key TEXT PRIMARY KEY, value TEXT, at REAL)")
        connection.executemany("INSERT INTO answers VALUES (?, ?, 0)", [(str(i), "x" * 500) for i in range(50)])
    connection.close()
    path.write_bytes(path.read_bytes()[:5000])


def _other_table(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE answers (name TEXT)")
    connection.close()


CACHES: dict[str, Callable[[Path], object]] = {
    "garbage": _garbage,
    "truncated": _truncated,
    "a folder": lambda path: path.mkdir(),
    "another table": _other_table,
    "empty": lambda path: path.write_bytes(b""),
    "a link to nowhere": lambda path: path.symlink_to(path.parent / "no" / "such" / "file"),
    "in a file": lambda path: path.parent.rmdir() or path.parent.write_text("x"),  # type: ignore[func-returns-value]
    "a null byte": lambda path: path.write_bytes(b"\0"),
}


@pytest.mark.filterwarnings("ignore:reward 'judge'")
@pytest.mark.parametrize("state", CACHES)
def test_a_broken_cache_costs_no_verdict(url: str, state: str, tmp_path: Path) -> None:
    path = tmp_path / "cache" / "judge.sqlite"
    path.parent.mkdir()
    CACHES[state](path)
    judge = make(url, cache=str(path))
    scores = judge.score_batch([Sample("Answer: 4", f"{state} {i}", None, {"gold": "4"}) for i in range(4)])
    assert [score.value for score in scores] == [1.0] * 4


@pytest.mark.filterwarnings("ignore:reward 'judge'")
def test_a_name_that_no_file_can_have_costs_no_verdict(url: str) -> None:
    judge = make(url, cache="a\0b.sqlite")
    assert [judge.score("Answer: 4", f"null {i}", gold="4").value for i in range(2)] == [1.0, 1.0]


def test_a_broken_row_is_asked_for_again(url: str, tmp_path: Path) -> None:
    path = tmp_path / "judge.sqlite"
    make(url, cache=str(path)).score("Answer: 4", "row", gold="4")
    for value in ("{", "[]", '{"text": 5}', "null", "[" * 10_000):
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE answers SET value = ?", (value,))
        connection.close()
        assert make(url, cache=str(path)).score("Answer: 4", "row", gold="4").value == 1.0


def test_a_busy_cache_holds_nobody_up(url: str, tmp_path: Path) -> None:
    path = tmp_path / "judge.sqlite"
    judge = make(url, cache=str(path), timeout=1.0, deadline=2.0)
    judge.score("Answer: 4", "first", gold="4")
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    try:
        scores = judge.score_batch([Sample("Answer: 4", f"busy {i}", None, {"gold": "4"}) for i in range(16)])
        assert [score.value for score in scores] == [1.0] * 16
    finally:
        other.rollback()
        other.close()
    for thread in threading.enumerate():  # what was paid for is kept as soon as the file is free
        if thread.name.startswith("veritune-judge-write"):
            assert thread.is_alive()
