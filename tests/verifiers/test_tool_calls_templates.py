"""Calls as real chat templates write them (TRL's copies of the models' own) are read back, whatever the family."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from veritune import get_reward

ARGUMENTS = {"city": 'San José "x"', "days": 3, "tags": ["a", "b c"], "exact": True}
ROME = {"city": "Rome"}
PROPERTIES = {
    "city": {"type": "string"},
    "days": {"type": "integer"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "exact": {"type": "boolean"},
}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city.",
            "parameters": {"type": "object", "properties": PROPERTIES, "required": ["city"]},
        },
    }
]
FAMILIES = ("qwen2_5", "qwen3", "qwen3_5", "llama3_1", "llama3_2", "deepseekv3", "glm4moe", "gptoss", "gemma4", "lfm2")
"""Of which a template has to be among those that write calls."""


def templates() -> dict[str, str]:
    """The templates of the installed package, by name; its code is not imported."""
    found = importlib.util.find_spec("trl")
    if found is None or found.origin is None:
        pytest.skip("TRL, whose chat templates are read, is not installed")
    files = sorted((Path(found.origin).parent / "chat_templates").glob("*.jinja"))
    return {file.stem: file.read_text("utf-8") for file in files if "training" not in file.stem}


def written(template: str, arguments: list[Any]) -> str:
    """What a template makes of an assistant message with calls: the text behind the generation prompt."""
    from transformers.utils.chat_template_utils import render_jinja_template

    calls = [{"type": "function", "function": {"name": "get_weather", "arguments": given}} for given in arguments]
    asked = [{"role": "user", "content": "What is the weather?"}]
    said = [*asked, {"role": "assistant", "content": "", "tool_calls": calls}]
    texts: list[str] = []
    for messages, begins in ((said, False), (asked, True)):
        made, _ = render_jinja_template(
            [messages], tools=TOOLS, chat_template=template, add_generation_prompt=begins, bos_token="", eos_token=""
        )
        texts.append(made[0])
    said_text, begun = texts
    same = next((at for at, (one, other) in enumerate(zip(said_text, begun, strict=False)) if one != other), len(begun))
    return said_text[same:]


def test_what_real_chat_templates_write_is_read_back() -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("jinja2")
    reward = get_reward("tool_calls")
    read: set[str] = set()
    for name, template in templates().items():
        for given in ([ARGUMENTS], [ARGUMENTS, ROME]):
            values = [json.dumps(one) if "deepseek" in name else one for one in given]
            try:
                text = written(template, values)
            except Exception:  # a template for one call at a time, or for messages of another shape
                continue
            text = f"<{text}" if text.startswith("｜") else text  # the prompt's last token begins with the same sign
            if text.count("get_weather") < len(given):
                continue
            gold = [{"name": "get_weather", "arguments": one} for one in given]
            score = reward.score(text, gold=gold, tools=TOOLS)
            assert score.value == 1.0, (name, score.reason, text)
            wrong = [{**gold[0], "arguments": {**ARGUMENTS, "days": 4}}, *gold[1:]]
            assert reward.score(text, gold=wrong, tools=TOOLS).value == 0.0, name
            read.add(name)
    assert [family for family in FAMILIES if not any(name.startswith(family) for name in read)] == []
