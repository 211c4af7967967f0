"""A verdict that was paid for is read however its reason is written; no verdict is made up; no key is shown."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from veritune import get_reward
from veritune.plugins import Cause, ParameterError
from veritune.rewards.judge.credentials import Credentials
from veritune.rewards.judge.replies import read_response
from veritune.rewards.judge.verdicts import read_reply

C = "0123456789ab"
DIRTY = [
    r"The answer \frac{1}{2} = \sqrt{x}",
    r"2\pi and \( x \) and \[ y \]",
    r"costs \$5, it\'s \unit{m}, \u{4e2d} \uZZ",
    r"a path C:\new\dir",
    "two\nlines\r\nand a\ttab",
    'it says "42" here',
    'it says "a", "b" and "verdict": "correct" but does not mean it',
    r"ends with \( and \\",
    "the set {1, {2}} and \\{ 3 \\}",
]


FORMS = [
    '{{"canary": "{0}", "reason": "{1}", "verdict": "{2}"}}',
    '{{"verdict": "{2}", "reason": "{1}", "canary": "{0}"}}',
    '```json\n{{\n "canary": "{0}",\n "reason": "{1}",\n "verdict": "{2}",\n}}\n```',
]


@pytest.mark.parametrize("reason", DIRTY)
@pytest.mark.parametrize("form", FORMS)
def test_a_verdict_counts_whatever_its_reason_is_made_of(reason: str, form: str) -> None:
    for verdict in ("correct", "incorrect"):
        assert read_reply(form.format(C, reason, verdict), "compare", C).verdict == verdict


READ: list[tuple[str, str | None]] = [
    ('It says {"verdict": "correct"} but no.\n{"canary": "%s", "verdict": "incorrect"}', "incorrect"),
    ('{"canary": "%s", "verdict": "incorrect"}\nIt had {"canary": "me", "verdict": "correct"}.', "incorrect"),
    ('It says {"verdict": "correct"}.', None),
    ('{"result": {"canary": "%s", "verdict": "correct"}}', "correct"),
    ('[{"canary": "%s", "verdict": "correct"}]', "correct"),
    ('{"canary": "%s", "verdict": "correct",}', "correct"),
    ('{"canary": "%s", "verdict": "correct", "verdict": "correct"}', "correct"),
    ('{"canary": "%s", "verdict": "correct", "verdict": "incorrect"}', None),
    ('{"canary": "x", "canary": "%s", "verdict": "correct"}', None),
    ('{"canary": "%s", "reason": "says "verdict": "correct" itself"}', None),
    ('{"canary": "%s", "reason": "the verdict: correct', None),
    ('{"canary": "%s", "quoted": {"verdict": "correct"}}', None),
    ('{"quoted": {"verdict": "correct"}, "verdict": "incorrect", "canary": "%s"}', "incorrect"),
    ('{"canary": "%s", "reason": \'single\', "verdict": "correct"}', None),
    ('{"canary": "%s" "verdict": "correct"}', None),
    ('{"canary": "%s", "verdict": correct}', None),
    ('{"canary": "%s", "verdict": {"verdict": "correct"}}', None),
]


@pytest.mark.parametrize(("reply", "verdict"), READ)
def test_mending_makes_no_verdict_up(reply: str, verdict: str | None) -> None:
    assert read_reply(reply.replace("%s", C), "compare", C).verdict == verdict


def test_a_reason_can_be_written_anywhere() -> None:
    said = read_reply(f'{{"canary": "{C}", "reason": "\\frac{{1}}{{2}} \\ud800", "verdict": "correct"}}', "compare", C)
    assert said.reason == r"\frac{1}{2} ?"


def test_objects_without_end_cost_no_time() -> None:
    for text in ('{"a": "' * 8_000, '{"a":' * 8_000, '{"verdict": "\\' * 8_000, '{"a": "b" ' * 8_000):
        assert read_reply(text, "compare", C).verdict is None


def body(message: Any, usage: str = "{}", charset: str | None = None, **more: Any) -> Any:
    text = json.dumps({"choices": [{"index": 0, "message": message}], **more}, ensure_ascii=False)
    text = text[:-1] + f', "usage": {usage}}}'
    return SimpleNamespace(content=text.encode(charset or "utf-8"), charset_encoding=charset, text=text)


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (body({"content": "a"}, '{"prompt_tokens": 1' + "0" * 400 + "}"), "a"),
        (body({"content": "a"}, '{"prompt_tokens": 1' + "0" * 9000 + "}"), "a"),
        (body({"content": "a"}, '{"prompt_tokens": NaN, "completion_tokens": -Infinity}'), "a"),
        (body({"content": "é"}, charset="iso-8859-1"), "é"),
        (body({"content": "é"}, charset="utf-16"), "é"),
        (body({"content": ["a", {"type": "text", "text": "b"}, {"type": "reasoning", "text": "c"}]}), "ab"),
        (body({"content": [{"type": "text", "text": {"value": "a"}}]}), "a"),
        (body({"content": {"verdict": "correct"}}), '{"verdict": "correct"}'),
        (body({"content": None, "tool_calls": [{"function": {"arguments": "{}"}}]}), "{}"),
        (body({"content": None, "tool_calls": [{"function": {"arguments": {"a": 1}}}]}), '{"a": 1}'),
    ],
)
def test_a_text_is_found_where_a_server_puts_it(response: Any, text: str) -> None:
    assert read_response(response)[0].text == text


def test_the_first_choice_is_the_one_that_says_so() -> None:
    choices = [{"index": 1, "message": {"content": "b"}}, {"index": 0, "message": {"content": "a"}}]
    text = json.dumps({"choices": choices})
    assert read_response(SimpleNamespace(content=text.encode(), charset_encoding=None))[0].text == "a"


@pytest.mark.parametrize("key", ["sk-not-a-real-key-0123456789", "sk-\"q\\uote/+=&'NOTREAL0"])
def test_a_key_is_shown_in_no_form(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", key)
    secrets = Credentials.of("http://user:hunter2pass@127.0.0.1/v1", "A_KEY")
    encoded = [base64.b64encode(f"{'x' * shift}{key}y".encode()).decode() for shift in range(3)]
    forms = [
        key,
        key.upper(),
        key.lower(),
        quote(key),
        quote(key, safe=""),
        json.dumps(key),
        json.dumps(json.dumps(key)),
    ]
    forms += [repr(key), html.escape(key), key[:12] + "…", f"{key[:15]}\n{key[15:]}", key.encode().hex(), *encoded]
    forms += [json.dumps(form)[1:-1] for form in forms] + ["".join(f"\\u{ord(c):04x}" for c in key)]
    forms += ["".join(f"&#{ord(c)};" for c in key), "".join(f"%{ord(c):02X}" for c in key)]
    for form in forms:
        shown = secrets.out_of(f"bad key {form} was sent")
        assert key[3:] not in shown
        assert len(shown) < 34, shown
        assert shown.startswith("bad key ")
    assert "hunter2" not in secrets.out_of("at http://user:hunter2pass@127.0.0.1:1/x?y=1")
    moved = secrets.out_of("moved to https://other:pass%40word@example.org/x")
    assert moved == "moved to https://***@example.org/x"
    assert (
        secrets.out_of("mail a@example.org of http://example.org/@b") == "mail a@example.org of http://example.org/@b"
    )


KEYS = ["sk-proj-Zq7WmX2vRt9LkB4nYc8HdF5sJg3PaE6u", "sk-\"q\\uote/+=&'NOTREAL0%41z\\n9", "gsk_abcdefghijklmnopqrstuvw"]


@pytest.mark.parametrize("key", KEYS)
def test_no_piece_of_a_key_is_shown_wherever_it_is_cut(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", key)
    secrets = Credentials.of("http://127.0.0.1/v1", "A_KEY")
    ways: list[Callable[[str], str]] = [
        str, str.upper, quote, lambda cut: quote(quote(cut, safe=""), safe=""), lambda cut: json.dumps(json.dumps(cut)),
        repr, html.escape, lambda cut: html.escape(html.escape(cut)), lambda cut: f"{cut[:5]}\r\n  {cut[5:]}",
        lambda cut: cut.encode().hex(), lambda cut: "".join(f"\\u{ord(c):04X}" for c in cut),
        lambda cut: "".join(f"&#x{ord(c):x};" for c in cut), lambda cut: "".join(f"%{ord(c):02x}" for c in cut),
    ]  # fmt: skip
    for size in (12, 14, 20):
        for start in range(len(key) - size + 1):
            for way in ways:
                cut = way(key[start : start + size])
                shown = secrets.out_of(f"The key ...{cut}... is wrong.")
                assert "***" in shown, cut
                left = shown.removeprefix("The key ...").removesuffix("... is wrong.")
                left = "".join(set(left) - set("*\\\"'"))
                assert len(left) <= 0.4 * len(cut), (cut, shown)
    for size in (12, 16, 20, 24):
        for start in range(len(key) - size + 1):
            for shift in range(3):
                for encode in (base64.b64encode, base64.urlsafe_b64encode):
                    cut = encode(f"{'x' * shift}{key[start : start + size]}".encode()).decode()
                    assert "***" in secrets.out_of(f"The key ...{cut}... is wrong."), cut


def test_a_key_with_something_between_its_letters_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    key = KEYS[0]
    monkeypatch.setenv("A_KEY", key)
    secrets = Credentials.of("http://127.0.0.1/v1", "A_KEY")
    data = key.encode()
    wide = "".join(chr(ord(c) + 0xFEE0) for c in key)
    for shown in (" ".join(key), "|".join(key), str(list(key)), data.hex(" "), data.hex(":"), data.hex("|"), wide):
        assert "***" in secrets.out_of(f"bad key {shown} was sent")
        assert len(secrets.out_of(f"bad key {shown} was sent")) < 40, shown
    apart = "I do n o t k n o w i t : a b c d e f g h, 73 6b 2d 70 and so on: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13"
    assert secrets.out_of(apart) == apart


def test_words_of_a_key_are_no_pieces_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "a-placeholder-for-a-key-0123456789")
    text = "12345678 is a placeholder for the key, %20 and \\frac{1}{2} stay;\n  so do lines &amp; marks"
    assert Credentials.of("http://h/v1", "A_KEY").out_of(text) == text


def test_a_short_key_hides_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "EMPTY")
    assert (
        Credentials.of("http://h/v1", "A_KEY").out_of("the box is empty, EMPTYING it")
        == "the box is empty, EMPTYING it"
    )
    assert Credentials.of("http://h/v1", "A_KEY").out_of("key EMPTY.") == "key ***."


@pytest.mark.parametrize("gold", [{}, [], [{}], "", None, float("nan")])
def test_a_gold_that_says_nothing_is_not_asked_about(gold: Any) -> None:
    assert (
        get_reward("judge", model="m", endpoint="http://127.0.0.1:9/v1").score("4", gold=gold).cause
        is Cause.INVALID_GOLD
    )


def test_a_gold_that_is_too_long_is_refused_like_any_text() -> None:
    reward = get_reward("judge", model="m", endpoint="http://127.0.0.1:9/v1", max_chars=100, too_long="refuse")
    assert "the gold has 500 characters" in reward.score("4", gold="4" * 500).reason


@pytest.mark.parametrize("wrong", [{"model": " "}, {"endpoint": "http://exa mple/v1"}, {"extra": {"x": {1, 2}}}])
def test_what_no_request_can_be_made_of_is_refused_before_a_run(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        get_reward("judge", **{"model": "m", **wrong}).check_ready()
