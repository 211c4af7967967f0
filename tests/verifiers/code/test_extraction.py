"""Which part of a completion is the program."""

from __future__ import annotations

import pytest

from veritune.verifiers.code import extract_code

CASES = {
    "the last block counts": ("```python\na\n```\n```python\nb\n```", "python", "b"),
    "py is python": ("```py\na\n```", "python", "a"),
    "python3 is python": ("```python3\na\n```", "python", "a"),
    "capitals": ("```Python\na\n```", "python", "a"),
    "c++ is cpp": ("```c++\na\n```", "cpp", "a"),
    "another language is no program": ("```javascript\na\n```", "python", None),
    "another language after it": ("```python\na\n```\n```bash\nls\n```", "python", "a"),
    "a block without a tag": ("```\na\n```", "python", "a"),
    "a tagged block before one without a tag": ("```python\na\n```\nprints\n```\n3\n```", "python", "a"),
    "never closed": ("```python\na\nb", "python", "a\nb"),
    "a closed block before one that never closes": ("```python\na\n```\n```python\nb", "python", "a"),
    "no fence": ("    return 1", "python", "    return 1"),
    "inside answer tags": ("<answer>\n```python\na\n```\n</answer>", "python", "a"),
    "never closed inside answer tags": ("<answer>\n```python\na\n</answer>", "python", "a"),
    "not from the thinking": ("<think>\n```python\na\n```\n</think>\n```python\nb\n```", "python", "b"),
    "only in the thinking": ("<think>\n```python\na\n```\n</think>\n", "python", None),
    "thinking without end": ("<think>\n```python\na\n```", "python", None),
    "four backticks around three": ("````python\n'''\n```\n'''\n````", "python", "'''\n```\n'''"),
    "tildes": ("~~~python\na\n~~~", "python", "a"),
    "an indented block": ("1. so:\n   ```python\n   if a:\n       b\n   ```", "python", "if a:\n    b"),
    "empty": ("", "python", None),
}


@pytest.mark.parametrize("about", CASES)
def test_the_program_of_a_completion(about: str) -> None:
    text, language, expected = CASES[about]
    found = extract_code(text, language)
    assert (found.rstrip("\n") if found is not None else None) == expected


def test_what_has_no_fence_can_be_no_program() -> None:
    assert extract_code("print(1)", no_fence="none") is None


def test_the_thinking_counts_if_asked_for() -> None:
    assert extract_code("<think>\n```python\na\n```", thinking=True) == "a\n"
