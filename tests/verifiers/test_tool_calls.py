"""A completion earns where it makes the calls of its row, in any form that models write, not where it mentions one."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pytest

from veritune import Cause, get_reward, get_verifier
from veritune.plugins import ParameterError

CALL = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
LLAMA = CALL.replace("arguments", "parameters")
ARGS = '{"city": "Paris"}'
GOLD = [{"get_weather": {"city": ["Paris", "Paris, France"], "unit": ["c", ""]}}]
FENCE = "```"


def said(*calls: Any, content: str | None = "") -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": content, "tool_calls": list(calls)}]


def function(name: str, arguments: Any) -> dict[str, Any]:
    return {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}


FORMS: list[tuple[str, Any]] = [
    ("json", '{"name": "get_weather", "parameters": {"city": "Paris"}, "arguments": {"city": "Paris"}}'),
    ("json", '{"name": "get_weather", "parameters": null, "arguments": {"city": "Paris"}}'),
    ("hermes", f"<tool_call>\n{CALL}\n</tool_call>"),
    ("hermes", f"<think>Paris?</think>\nLet me look.\n<tool_call>{CALL}</tool_call><|im_end|>"),
    ("hermes", f"<tool_call>\n{CALL}"),
    (
        "qwen_xml",
        "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>",
    ),
    ("glm", "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n</tool_call>"),
    ("llama", f"<|python_tag|>{LLAMA}<|eom_id|>"),
    ("llama", LLAMA),
    ("llama", '<|python_tag|>get_weather.call(city="Paris")'),
    ("llama_function", f"<function=get_weather>{ARGS}</function>"),
    (
        "deepseek",
        f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n{FENCE}json\n{ARGS}\n{FENCE}"
        "<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜>",
    ),
    (
        "deepseek",
        f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{ARGS}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    ),
    ("mistral", f"[TOOL_CALLS][{CALL}]</s>"),
    ("mistral", f"[TOOL_CALLS]get_weather[ARGS]{ARGS}"),
    ("mistral", f"[TOOL_CALLS]get_weather{ARGS}"),
    ("pythonic", '[get_weather(city="Paris")]'),
    ("pythonic", "get_weather(city='Paris', unit='c')"),
    ("pythonic", f"{FENCE}tool_code\nprint(get_weather(city='Paris'))\n{FENCE}"),
    ("pythonic", '<|tool_call_start|>[get_weather(city="Paris")]<|tool_call_end|>'),
    ("json", CALL),
    ("json", f"{FENCE}json\n[{CALL}]\n{FENCE}"),
    (
        "invoke",
        '<function_calls>\n<invoke name="get_weather">\n<parameter name="city">Paris</parameter>\n</invoke>\n'
        "</function_calls>",
    ),
    (
        "kimi",
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>"
        f"{ARGS}<|tool_call_end|><|tool_calls_section_end|>",
    ),
    (
        "harmony",
        "<|channel|>analysis<|message|>I look it up.<|end|><|start|>assistant<|channel|>commentary "
        f"to=functions.get_weather <|constrain|>json<|message|>{ARGS}<|call|>",
    ),
    ("harmony", f" to=functions.get_weather<|channel|>commentary json<|message|>{ARGS}<|call|>"),
    ("gemma", '<|tool_call>call:get_weather{city:<|"|>Paris<|"|>}<tool_call|>'),
    ("gemma", "<start_function_call>call:get_weather{city:<escape>Paris<escape>}<end_function_call>"),
    ("tool_calls", said(function("get_weather", ARGS))),
    ("tool_calls", said(function("get_weather", {"city": "Paris"}), content=None)),
    ("tool_calls", said({"name": "get_weather", "arguments": {"city": "Paris"}})),
    (
        "tool_calls",
        [
            *said(function("get_weather", ARGS)),
            {"role": "tool", "content": "3 degrees"},
            {"role": "assistant", "content": "It is 3 degrees in Paris."},
        ],
    ),
    ("hermes", [{"role": "assistant", "content": f"<tool_call>{CALL}</tool_call>"}]),
]
"""The same call in every form."""
NONE: list[Any] = [
    "",
    "It is sunny in Paris.",
    "I would call get_weather(city='Paris').",
    f"I could send {CALL}",
    f"Example: `<tool_call>{CALL}</tool_call>`",
    f'You write "<tool_call>{CALL}</tool_call>" for that.',
    f"> <tool_call>{CALL}</tool_call>",
    f"The answer is not <tool_call>{CALL}</tool_call>.",
    f"<tool_call>{CALL}</tool_call> is wrong",
    f"<tool_call>{CALL}</tool_call>, or maybe another",
    rf"\boxed{{<tool_call>{CALL}</tool_call>}}",
    f"For example:\n{FENCE}\n<tool_call>{CALL}</tool_call>\n{FENCE}\nDone.",
    f"{FENCE}json\n{CALL}\n{FENCE}\nis how to call it.",
    f"<think><tool_call>{CALL}</tool_call></think>It is sunny.",
    f"<think>\n<tool_call>{CALL}</tool_call>",
    '{"city": "Paris"}',
    "[1, 2, 3]",
    said(content="It is sunny."),
    [{"role": "user", "content": f"<tool_call>{CALL}</tool_call>"}],
]
"""No call: prose, quotes, examples, thoughts, what others say."""
UNREADABLE: list[Any] = [
    # two keys for one thing that say different things; print() where no fence of tool_code is
    '{"name": "get_weather", "parameters": {"city": "Rome"}, "arguments": {"city": "Paris"}}',
    '{"name": "get_weather", "arguments": {"city": "Paris"}, "input": {}}',
    '{"name": "get_weather", "tool": "set_alarm", "arguments": {"city": "Paris"}}',
    '{"function": {"name": "get_weather", "arguments": {"city": "Paris"}}, "arguments": {"city": "Rome"}}',
    '{"function": {"name": "get_weather", "arguments": {"city": "Paris"}}, "name": "set_alarm"}',
    '<tool_call>{"name": "get_weather", "args": {"city": "Rome"}, "arguments": {"city": "Paris"}}</tool_call>',
    "print(get_weather(city='Paris'))",
    f"{FENCE}python\nprint(get_weather(city='Paris'))\n{FENCE}",
    "<|tool_call_start|>[print(get_weather(city='Paris'))]<|tool_call_end|>",
    f"{FENCE}tool_code\nprint(print(get_weather(city='Paris')))\n{FENCE}",
    "<tool_call>{bad}</tool_call>",
    "<tool_call></tool_call>",
    "<tool_call>get the weather</tool_call>",
    f"<tool_call>{CALL[:-1]}</tool_call>",
    f"<tool_call>{CALL.replace('}}', ', x: 1}}')}</tool_call>",
    '<tool_call>{"arguments": {"city": "Paris"}}</tool_call>',
    '<tool_call>{"name": "get_weather", "arguments": "Paris"}</tool_call>',
    '<tool_call>{"name": "get_weather", "arguments": {"city": "Paris", "city": "Rome"}}</tool_call>',
    '<tool_call>{"name": "get_weather", "arguments": {"city": NaN}}</tool_call>',
    "<tool_call><function=get_weather><parameter=city>Paris</function></tool_call>",
    "get_weather(city=open('x'))",
    "get_weather(**{'city': 'Paris'})",
    "[get_weather(city='Paris'), 3]",
    f"[TOOL_CALLS][{CALL}",
    said(function("get_weather", '{"city": ')),
    said(function("", ARGS)),
    said("get_weather"),
    "<tool_call>" + '{"name": "f", "arguments": ' + "[" * 5000 + "</tool_call>",
    "[f(a=" + "(" * 500 + ")]",
    "f(a=" + "-" * 5000 + "1)",
    "<|tool_call>call:get_weather{city:Paris}<tool_call|>",
    '<|tool_call>call:get_weather{city:<|"|>Paris}<tool_call|>',
    "<|tool_call>call:get_weather{city:1,city:2}<tool_call|>",
    "<|tool_call>call:get_weather{city:" + "[" * 5000 + "<tool_call|>",
]


def numbers(**arguments: Any) -> str:
    return json.dumps({"name": "f", "arguments": arguments})


PAIRS: list[tuple[Any, Any, float]] = [
    # types are exact
    (numbers(x=5), [{"f": {"x": [5]}}], 1.0),
    (numbers(x="5"), [{"f": {"x": [5]}}], 0.0),
    (numbers(x=5.0), [{"f": {"x": [5]}}], 0.0),
    (numbers(x=5), [{"f": {"x": [5.0]}}], 1.0),
    (numbers(x=True), [{"f": {"x": [1]}}], 0.0),
    (numbers(x=1), [{"f": {"x": [True]}}], 0.0),
    (numbers(x=None), [{"f": {"x": ["", 1]}}], 0.0),
    (numbers(x=[1, 2]), [{"f": {"x": [[1, 2]]}}], 1.0),
    (numbers(x=[2, 1]), [{"f": {"x": [[1, 2]]}}], 0.0),
    (numbers(x=1), [{"f": {"x": [[1]]}}], 0.0),
    (numbers(x={"a": 1, "b": 2}), [{"f": {"x": [{"a": [1], "b": [2, 3]}]}}], 1.0),
    (numbers(x={"a": 1}), [{"f": {"x": [{"a": [1], "b": [2, ""]}]}}], 1.0),
    (numbers(x={"a": 1, "c": 2}), [{"f": {"x": [{"a": [1]}]}}], 0.0),
    (numbers(x=[{"a": 1}]), [{"f": {"x": [[{"a": [1]}]]}}], 1.0),
    # BFCL's checker: case and separators of texts aside, in numbers not
    (numbers(x="new-york"), [{"f": {"x": ["New York"]}}], 1.0),
    (numbers(x="15"), [{"f": {"x": ["1.5"]}}], 0.0),
    (numbers(x="-5"), [{"f": {"x": ["5"]}}], 0.0),
    (numbers(x="new york"), [{"name": "f", "arguments": {"x": "New York"}}], 0.0),
    # arguments: none may be missing, none may be there that was not asked for
    (numbers(), [{"f": {"x": [1, ""]}}], 1.0),
    (numbers(), [{"f": {"x": [1]}}], 0.0),
    (numbers(x=1, y=2), [{"f": {"x": [1]}}], 0.0),
    (numbers(), [{"f": {}}], 1.0),
    ('{"name": "g", "arguments": {}}', [{"f": {}}], 0.0),
    ('{"name": "F", "arguments": {}}', [{"f": {}}], 0.0),
    ('{"name": "math_gcd", "arguments": {}}', [{"math.gcd": {}}], 1.0),
    # several calls: each once, in any order
    ("[f(x=1), f(x=2)]", [{"f": {"x": [2]}}, {"f": {"x": [1]}}], 1.0),
    ("[f(x=1), f(x=1)]", [{"f": {"x": [1]}}, {"f": {"x": [1]}}], 1.0),
    ("[f(x=1), f(x=1)]", [{"f": {"x": [1]}}, {"f": {"x": [2]}}], 0.0),
    ("[f(x=1), f(x=2)]", [{"f": {"x": [1, 2]}}, {"f": {"x": [1]}}], 1.0),
    ("[f(x=1)]", [{"f": {"x": [1]}}, {"f": {"x": [2]}}], 0.0),
    ("[f(x=1), f(x=2)]", [{"f": {"x": [1]}}], 0.0),
    (
        "<tool_call>" + numbers(x=1) + "</tool_call>\n<tool_call>" + numbers(x=2) + "</tool_call>",
        [{"f": {"x": [1]}}, {"f": {"x": [2]}}],
        1.0,
    ),
    ("<|python_tag|>" + numbers(x=1) + "; " + numbers(x=2), [{"f": {"x": [1]}}, {"f": {"x": [2]}}], 1.0),
    # a closing mark in a text closes nothing
    (
        "<tool_call>" + numbers(x="</tool_call>") + "</tool_call>",
        [{"name": "f", "arguments": {"x": "</tool_call>"}}],
        1.0,
    ),
    # values of XML forms have the type that is asked for
    ("<tool_call><function=f><parameter=x>5</parameter></function></tool_call>", [{"f": {"x": [5]}}], 1.0),
    ("<tool_call><function=f><parameter=x>5</parameter></function></tool_call>", [{"f": {"x": ["5"]}}], 1.0),
    ("<tool_call><function=f><parameter=x>five</parameter></function></tool_call>", [{"f": {"x": [5]}}], 0.0),
    ("<tool_call><function=f><parameter=x>[1]</parameter></function></tool_call>", [{"f": {"x": [[1]]}}], 1.0),
]
SAME: list[Any] = [
    GOLD,
    np.array(GOLD, dtype=object),
    json.dumps(GOLD),
    [json.dumps(GOLD[0])],
    [{"name": "get_weather", "arguments": {"city": "Paris"}}],
    {"name": "get_weather", "arguments": {"city": "Paris"}},
    json.dumps([{"name": "get_weather", "arguments": {"city": "Paris"}}]),
    [function("get_weather", ARGS)],
    said(function("get_weather", ARGS))[0],
    ["get_weather(city='Paris')"],
    "[get_weather(city='Paris')]",
    f"<tool_call>{CALL}</tool_call>",
    [{"get_weather": {"city": ["Paris"], "other": None}, "set_alarm": None}],
]
"""One gold in the shapes that sets have; the last as Arrow fills up columns of objects."""
BAD: list[Any] = [
    None,
    "",
    float("nan"),
    "no call",
    "{",
    [{}],
    [3],
    [{"f": 3}],
    [{"f": {"x": 1}}],
    [{"f": {"x": []}}],
    5,
]


@pytest.mark.parametrize(("form", "completion"), FORMS, ids=[f"{n}-{row[0]}" for n, row in enumerate(FORMS)])
def test_one_call_in_every_form(form: str, completion: Any) -> None:
    score = get_reward("tool_calls").score(completion, gold=GOLD)
    assert (score.value, score.verdict and score.verdict.evidence["form"]) == (1.0, form), score.reason
    other = [{"get_weather": {"city": ["Rome"]}}]
    assert get_reward("tool_calls").score(completion, gold=other).value == 0.0
    assert get_reward("tool_calls").score(completion, gold=[]).value == 0.0


@pytest.mark.parametrize("completion", NONE)
def test_what_only_mentions_a_call_makes_none(completion: Any) -> None:
    reward = get_reward("tool_calls")
    assert reward.score(completion, gold=GOLD).value == 0.0
    assert reward.score(completion, gold=[]).value == 1.0


@pytest.mark.parametrize("completion", UNREADABLE)
def test_a_call_that_cannot_be_read_is_wrong_with_its_reason(completion: Any) -> None:
    score = get_reward("tool_calls").score(completion, gold=GOLD)
    assert score.value == 0.0
    assert score.reason.startswith("a call cannot be read"), score.reason
    assert get_reward("tool_calls").score(completion, gold=[]).value == 0.0


@pytest.mark.parametrize(("completion", "gold", "value"), PAIRS)
def test_names_arguments_and_types(completion: Any, gold: Any, value: float) -> None:
    score = get_reward("tool_calls").score(completion, gold=gold)
    assert score.value == value, score.reason


@pytest.mark.parametrize("gold", SAME)
def test_golds_in_the_shapes_of_sets(gold: Any) -> None:
    reward = get_reward("tool_calls")
    assert reward.score(CALL, gold=gold).value == 1.0
    assert reward.score(CALL.replace("Paris", "Rome"), gold=gold).value == 0.0


@pytest.mark.parametrize("gold", BAD)
def test_a_gold_that_is_none_is_undecided(gold: Any) -> None:
    assert get_reward("tool_calls").score(CALL, gold=gold).cause is Cause.INVALID_GOLD


def test_part_of_the_calls_or_of_the_arguments_can_be_paid() -> None:
    gold = [{"f": {"x": [1], "y": [2]}}, {"f": {"x": [3], "y": [4]}}]
    text = "[f(x=1, y=2), f(x=3, y=0)]"
    values = [get_reward("tool_calls", credit=c).score(text, gold=gold).value for c in ("all", "fraction", "arguments")]
    assert values == [0.0, 0.5, 0.75]
    more = "[f(x=1, y=2), f(x=3, y=4), f(x=0), f(x=0)]"
    assert get_reward("tool_calls", credit="fraction").score(more, gold=gold).value == 0.5


def test_order_counts_where_it_is_asked_for() -> None:
    gold = [{"f": {"x": [1]}}, {"f": {"x": [2]}}]
    ordered = get_reward("tool_calls", order="same", credit="arguments")
    assert ordered.score("[f(x=1), f(x=2)]", gold=gold).value == 1.0
    assert ordered.score("[f(x=2), f(x=1)]", gold=gold).value == 0.0


def test_descriptions_give_types_names_and_defaults() -> None:
    properties = {"x": {"type": "integer"}, "s": {"type": "string", "default": "a"}, "r": {"type": "number"}}
    tools = [
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": properties}}}
    ]
    reward = get_reward("tool_calls")
    rows: list[tuple[str, Any, float]] = [
        ("f(1)", {"x": 1}, 1.0),
        ("f(1, 'a')", {"x": 1}, 1.0),
        ("f(x=1)", {"x": 1, "s": "a"}, 1.0),
        ("f(x=1, s='b')", {"x": 1}, 0.0),
        ("f(r=2.0)", {"r": 2}, 1.0),
        ("<tool_call><function=f><parameter=x>1</parameter></function></tool_call>", {"x": 1}, 1.0),
        ("<tool_call><function=f><parameter=s>1</parameter></function></tool_call>", {"s": "1"}, 1.0),
    ]
    for text, arguments, value in rows:
        for given in (tools, json.dumps(tools), [tools[0]["function"]]):
            gold = [{"name": "f", "arguments": arguments}]
            assert reward.score(text, gold=gold, tools=given).value == value, text


def test_one_form_can_be_asked_for() -> None:
    hermes = get_reward("tool_calls", form="hermes")
    assert hermes.score(f"<tool_call>{CALL}</tool_call>", gold=GOLD).value == 1.0
    assert hermes.score(CALL, gold=GOLD).value == 0.0
    assert hermes.score(said(function("get_weather", ARGS)), gold=GOLD).value == 1.0
    with pytest.raises(ParameterError, match="'hermes'"):
        get_reward("tool_calls", form="hermis")


def test_reasoning_that_the_prompt_opened_makes_no_call() -> None:
    text = f"<tool_call>{CALL}</tool_call>"
    assert get_reward("tool_calls").score(text, prompt="What?<think>", gold=GOLD).value == 0.0
    assert get_reward("tool_calls").score(f"So.</think>{text}", prompt="What?<think>", gold=GOLD).value == 1.0


@pytest.mark.parametrize(
    "piece", ["<tool_call>", "<tool_call>{", "f(", "[", "```\n", "{\"name\":", "<|channel|>commentary to=f<|message|>",
              " ", "f()", "<parameter=x>", "<function=f>", "<invoke name=\"f\">", "[TOOL_CALLS]"]
)  # fmt: skip
def test_hostile_text_takes_linear_time(piece: str) -> None:
    start = time.process_time()
    verdict = get_verifier("tool_calls").verify(f"f(){piece * (200_000 // len(piece))}x", GOLD)
    assert verdict.correct is False
    assert time.process_time() - start < 2.0
