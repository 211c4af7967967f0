"""Rows to imitate are read in every form, and only the assistant's tokens have a loss: all of them, and the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from veritune.plugins import ColumnError, DataError
from veritune.trainer.config import ConversationsConfig, DataConfig
from veritune.trainer.data.conversation_tokens import ConversationEncoder
from veritune.trainer.data.conversations import TURNS, load_conversations, to_conversation, words
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.policy.models import make_tokenizer

ASKED = {"role": "user", "content": "2+2="}
SYSTEM = {"role": "system", "content": "be brief"}
ANSWER = {"role": "assistant", "content": "<think>two</think>4"}
DATA = DataConfig(train="rows.jsonl")
PLAIN = ConversationsConfig()

FORMS: dict[str, dict[str, Any]] = {
    "messages": {"messages": [SYSTEM, ASKED, ANSWER]},
    "open_thoughts": {
        "system": "be brief",
        "conversations": [{"from": "user", "value": "2+2="}, {"from": "assistant", "value": ANSWER["content"]}],
    },
    "share_gpt": {
        "conversations": [
            {"from": "system", "value": "be brief"},
            {"from": "human", "value": "2+2="},
            {"from": "gpt", "value": ANSWER["content"]},
        ]
    },
    "alpaca": {"system": "be brief", "instruction": "2+2=", "input": "", "output": ANSWER["content"]},
    "prompt_messages": {"prompt": [SYSTEM, ASKED], "completion": [ANSWER]},
    "prompt_and_text": {"prompt": [SYSTEM, ASKED], "completion": ANSWER["content"]},
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_the_same_conversation(name: str) -> None:
    row = to_conversation(FORMS[name], DATA, PLAIN, "here")
    assert row.prompt == [SYSTEM, ASKED]
    assert row.columns[TURNS] == [ANSWER]


def test_an_input_stands_below_its_instruction_and_history_before_both() -> None:
    record = {"instruction": "Add", "input": "2+2", "output": "4", "history": [["hi", "ho"]]}
    row = to_conversation(record, DATA, PLAIN, "here")
    assert row.prompt == [{"role": "user", "content": "hi"}]
    assert words(row) == ["ho", "4"]
    assert row.columns[TURNS][1]["content"] == "Add\n2+2"


def test_what_a_user_says_last_is_left_out() -> None:
    row = to_conversation({"messages": [ASKED, ANSWER, ASKED]}, DATA, PLAIN, "here")
    assert row.columns[TURNS] == [ANSWER]


@pytest.mark.parametrize(
    ("record", "error", "message"),
    [
        ({"messages": [ASKED]}, DataError, "no turn is an assistant's"),
        ({"messages": [ANSWER]}, DataError, "nothing stands before its answer"),
        ({"messages": []}, DataError, "not a list of messages"),
        ({"messages": [{"role": "usr", "content": "a"}, ANSWER]}, DataError, "Did you mean 'user'"),
        ({"conversations": [{"from": "human", "value": None}]}, DataError, "content is None"),
        ({"instruction": "a", "output": ""}, DataError, "'output'"),
        ({"prompt": "a", "completion": ""}, DataError, "completion.: it is empty"),
        ({"prompt": "a", "completion": None}, ColumnError, "'completion'"),
        ({"instruction": "a", "output": None}, DataError, "no text in the column 'output'"),
        ({"instruction": None, "output": "b", "messages": None}, DataError, "'messages' holds None"),
        ({"conversations": None}, DataError, "'conversations' holds None"),
        ({"prompt": "a", "completion": None, "messages": None}, ColumnError, "'completion'"),
        ({"prompt": "a", "completion": [ASKED]}, DataError, "the assistant's"),
        ({"question": "a", "answer": "b"}, ColumnError, "no column 'prompt'"),
    ],
)
def test_what_is_no_conversation_is_named(record: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        to_conversation(record, DATA, PLAIN, "row 3")


@pytest.mark.parametrize("role", ["narrator", "asistant", "Assistant", "function_call"])
def test_a_role_that_nobody_knows_is_refused_in_every_form(role: str) -> None:
    """What it says would be shown, or left out, and not learnt."""
    asked, answer = {"from": "human", "value": "2+2"}, {"from": "gpt", "value": "4"}
    talk = {"conversations": [asked, answer, asked, {"from": role, "value": "4"}]}
    with pytest.raises(DataError, match=f"message 4: its role is '{role}'"):
        to_conversation(talk, DATA, PLAIN, "here")
    messages = [{"role": "user", "content": "2+2"}, {"role": "assistant", "content": "4"}]
    with pytest.raises(DataError, match=f"message 3: its role is '{role}'"):
        to_conversation({"messages": [*messages, {"role": role, "content": "4"}]}, DATA, PLAIN, "here")


def test_the_names_of_other_assistants_are_the_assistants() -> None:
    for name in ("gpt", "bing", "bard", "model", "assistant"):
        talk = {"conversations": [{"from": "human", "value": "2+2"}, {"from": name, "value": "4"}]}
        assert words(to_conversation(talk, DATA, PLAIN, "here")) == ["4"]


def test_rows_without_the_shape_are_counted_or_refused(tmp_path: Path) -> None:
    texts = ["<think>a</think>b", "b", "<think></think>b", "<think>a</think>", "<think>a<think>b</think>c"]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"prompt": "x", "completion": text}) + "\n" for text in texts))
    rows, dropped = load_conversations(str(path), DATA, ConversationsConfig(shape="think"))
    assert [words(row) for row in rows] == [["<think>a</think>b"]]
    assert sum(dropped.values()) == 4
    with pytest.raises(DataError, match="row 2"):
        load_conversations(str(path), DATA, ConversationsConfig(shape="think", off_shape="refuse"))


def test_marks_of_thought_are_put_into_ours() -> None:
    text = "<|begin_of_thought|>two<|end_of_thought|>4"
    how = ConversationsConfig(replace={"<|begin_of_thought|>": "<think>", "<|end_of_thought|>": "</think>"})
    row = to_conversation({"prompt": "<|begin_of_thought|>", "completion": text}, DATA, how, "here")
    assert words(row) == [ANSWER["content"]]
    assert row.prompt == "<|begin_of_thought|>"  # a user's words stay


# -- tokens ------------------------------------------------------------------------------------------------------------

MARKED = (
    "{% for m in messages %}<|{{ m['role'] }}|>{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] }}<eos>"
    "{% endgeneration %}\n{% else %}{{ m['content'] }}<eos>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
UNMARKED = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<eos>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
FORGETS = (
    "{% for m in messages %}<|{{ m['role'] }}|>{% if m['role'] == 'assistant' %}"
    "{{ m['content'].split('</think>')[-1] }}{% else %}{{ m['content'] }}{% endif %}<eos>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|><think>{% endif %}"
)
ENDLESS = UNMARKED.replace("<eos>", "")
TEMPLATES = {"marked": MARKED, "unmarked": UNMARKED, "forgets": FORGETS, "endless": ENDLESS}
LETTERS = [chr(c) for c in range(32, 127)]


def encoder(template: str | None, **data: Any) -> ConversationEncoder:
    tokenizer = make_tokenizer(["<think>", "</think>", "<|user|>", "<|assistant|>", "<|system|>", "\n", *LETTERS])
    tokenizer.chat_template = template
    made = PromptEncoder(tokenizer, DataConfig(train="rows.jsonl", **data))
    return ConversationEncoder(made, [tokenizer.eos_token_id])


def learnt(one: ConversationEncoder, rollout: Rollout) -> list[str]:
    """The runs of tokens that have a loss, as text."""
    written = rollout.written or [True] * len(rollout.token_ids)
    runs: list[list[int]] = [[]]
    for token, mark in zip(rollout.token_ids, written, strict=True):
        if mark:
            runs[-1].append(token)
        elif runs[-1]:
            runs.append([])
    return [one.tokenizer.decode(run) for run in runs if run]


LATER = {"role": "assistant", "content": "<think>six</think>6"}
TALK: dict[str, Any] = {"messages": [ASKED, ANSWER, {"role": "user", "content": "+2"}, LATER]}


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_turn_of_the_assistants_is_learnt_once_with_its_end(name: str) -> None:
    one = encoder(TEMPLATES[name])
    found = one(to_conversation(TALK, DATA, PLAIN, "here"))
    assert len(found) == (1 if name in ("marked", "unmarked") else 2)
    begun = "<think>" if name == "forgets" else ""
    expected = [turn["content"].removeprefix(begun) + "<eos>" for turn in (ANSWER, LATER)]
    assert [text for rollout in found for text in learnt(one, rollout)] == expected


def test_tool_calls_that_the_template_leaves_out_are_no_row_to_learn() -> None:
    call = {"type": "function", "function": {"name": "add", "arguments": {"a": 2}}}
    calls = {"role": "assistant", "content": "", "tool_calls": [call]}
    shown = UNMARKED.replace("{{ m['content'] }}", "{{ m['content'] }}{{ m.get('tool_calls') or '' }}")
    talk = {"messages": [ASKED, calls]}
    (found,) = encoder(shown)(to_conversation(talk, DATA, PLAIN, "here"))
    assert len(found.token_ids) > 10
    with pytest.raises(DataError, match="leaves the tool calls of a turn out"):
        encoder(UNMARKED)(to_conversation(talk, DATA, PLAIN, "here"))


@pytest.mark.parametrize("name", [*TEMPLATES, None])
def test_an_end_token_that_the_words_close_with_is_learnt_once(name: str | None) -> None:
    one = encoder(TEMPLATES[name] if name else None)
    for tail in ("<eos>", "<eos>\n", "<eos> <eos>"):
        if name:
            ended: dict[str, Any] = {"messages": [ASKED, *({**m, "content": m["content"] + tail} for m in (ANSWER,))]}
            plain: dict[str, Any] = {"messages": [ASKED, ANSWER]}
        else:
            ended = {"prompt": "2+2=", "completion": f"4{tail}"}
            plain = {"prompt": "2+2=", "completion": "4"}
        (found,), (right,) = (one(to_conversation(row, DATA, PLAIN, "here")) for row in (ended, plain))
        assert found.token_ids == right.token_ids
        assert found.token_ids.count(one.end) == 1
    talk = {
        "messages": [m if m["role"] == "user" else {**m, "content": m["content"] + "<eos>"} for m in TALK["messages"]]
    }
    if name:
        rows = [one(to_conversation(row, DATA, PLAIN, "here")) for row in (talk, TALK)]
        assert [r.token_ids for r in rows[0]] == [r.token_ids for r in rows[1]]


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("which", [0, 1])
def test_what_stands_before_a_turn_is_what_the_policy_will_be_shown(name: str, which: int) -> None:
    one = encoder(TEMPLATES[name])
    found = one(to_conversation(TALK, DATA, PLAIN, "here"))
    shown = one.encode(TALK["messages"][: 1 if which == 0 else 3])
    rollout = found[min(which, len(found) - 1)]
    ids = [*rollout.prompt_ids, *rollout.token_ids]
    if name != "marked":  # whose author left the end's line break outside the marks, and it is shown all the same
        assert ids[: len(shown)] == shown
    assert one.tokenizer.decode(ids).startswith(one.tokenizer.decode(shown))


def test_without_a_template_a_row_is_prompt_words_and_end() -> None:
    one = encoder(None, prefill="<think>")
    (found,) = one(to_conversation({"prompt": "2+2=", "completion": ANSWER["content"]}, DATA, PLAIN, "here"))
    assert one.tokenizer.decode(found.prompt_ids) == "2+2=<think>"
    assert one.tokenizer.decode(found.token_ids) == "two</think>4<eos>"
    with pytest.raises(DataError, match="chat template"):
        one(to_conversation(TALK, DATA, PLAIN, "here"))


def test_the_configs_system_turn_is_before_a_conversation_that_has_none() -> None:
    one = encoder(UNMARKED, system="be kind")
    for talk, said in ((TALK, "be kind"), ({"messages": [SYSTEM, *TALK["messages"]]}, "be brief")):
        (found,) = one(to_conversation(talk, DATA, PLAIN, "here"))
        assert one.tokenizer.decode(found.prompt_ids).startswith(f"<|system|>{said}<eos>")
