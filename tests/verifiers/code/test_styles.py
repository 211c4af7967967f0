"""A right program is found in whatever way it is handed in, and one in the thinking never is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.verifiers.code.styles import STYLES
from veritune.plugins import get_reward
from veritune.verifiers.code import extract_code

Rows = Callable[[str], list[dict[str, Any]]]
TRICKY = {
    "fence in a docstring": 'def f(x):\n    """Say:\n\n```\nf(1)\n```\n"""\n    return x',
    "fence in a string": "def f(x):\n    return '```' + str(x) + \"```python\"",
    "fence in a comment": "def f(x):\n    # ends in ```\n    return x",
    "fence in a raw string": "import re\ndef f(x):\n    return re.findall(r'```(.*?)```', x)",
    "quotes of the other kind": "def f(x):\n    return \"it's\" + 'say \"'",
    "tags in strings": "def f(x):\n    return '<answer>' + x",
}


def unified(code: str | None) -> str | None:
    return None if code is None else code.replace("\r\n", "\n").strip("\n").rstrip()


@pytest.mark.parametrize("style", STYLES)
def test_programs_of_humaneval_are_found_in_every_style(style: str, shared_rows: Rows) -> None:
    wrap = STYLES[style]
    for row in shared_rows("code/humaneval.jsonl")[::3]:
        program = f"{row['prompt']}{row['canonical_solution']}".strip("\n").rstrip()
        assert unified(extract_code(wrap(program))) == program, style


NOT_TRICKY = ("no tag, then output without one",)


@pytest.mark.parametrize("about", TRICKY)
def test_fences_inside_a_program_do_not_end_it(about: str) -> None:
    program = TRICKY[about]
    bad = {s: unified(extract_code(wrap(program))) for s, wrap in STYLES.items()}
    assert {s: c for s, c in bad.items() if c != program} == {}


@pytest.mark.parametrize("style", [s for s in STYLES if s not in ("no fence", "answer without a fence")])
def test_the_format_reward_sees_the_block_that_the_judge_runs(style: str) -> None:
    text = STYLES[style]("def f(x):\n    return x")
    value = get_reward("code_format", strict=False).score(text).value
    tagged = "no tag" not in style and "stray" not in style and "never closed" not in style
    assert value == float(tagged), style


THINKING = {
    "only in the thinking": "<think>\n```python\nprint(1)\n```\n</think>\nNo code.",
    "thinking without end": "<think>\n```python\nprint(1)\n```\n",
    "thinking on one line": "<think>```python\nprint(1)```</think>",
    "closing tag only": "so ```python\nprint(1)\n```\n</think>\n",
}


@pytest.mark.parametrize("about", THINKING)
def test_a_program_in_the_thinking_never_counts(about: str) -> None:
    assert extract_code(THINKING[about], no_fence="none") is None
    found = extract_code(THINKING[about])
    assert found is None or "print" not in found


def test_a_fence_that_the_prompt_opened_is_supplied() -> None:
    row = {"tests": [{"stdin": "", "stdout": "1\n"}]}
    text = "x = 1\nprint(x)\n```\nAnd an example:\n```python\nprint(2)\n```\n"
    reward = get_reward("code", prefilled="```python\n")
    assert reward.score("print(1)\n```\nIt prints 1.", **row).value == 1.0
    prompt = "Write it.\n\n```python\n"
    assert get_reward("code").score("print(1)\n```\nIt prints 1.", prompt=prompt, **row).value == 1.0
    assert get_reward("code").score("print(1)", prompt=prompt, **row).value == 1.0
    assert get_reward("code").score(text, prompt=prompt, **row).value == 0.0  # the last block counts
    assert get_reward("code").score("no</think>print(1)\n```", prompt="go <think>", **row).value == 1.0
