"""The ways in which models hand in one and the same program."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

Style = Callable[[str], str]


def _indented(code: str, by: str) -> str:
    return textwrap.indent(code, by, lambda line: True)


STYLES: dict[str, Style] = {
    "plain fence": lambda c: f"```python\n{c}\n```",
    "prose around": lambda c: f"Here it is.\n\n```python\n{c}\n```\n\nIt runs in O(n). Done!",
    "after text on the line": lambda c: f"Here is the code:```python\n{c}\n```",
    "after text and a space": lambda c: f"Solution: ```python\n{c}\n```\nbye",
    "after bold text": lambda c: f"**Code:** ```py\n{c}\n```",
    "list item, unindented code": lambda c: f"- ```python\n{c}\n```",
    "list item, indented code": lambda c: f"- ```python\n{_indented(c, '  ')}\n  ```",
    "numbered item": lambda c: f"1. ```python\n{_indented(c, '   ')}\n   ```",
    "numbered item with text": lambda c: f"2) The code: ```python\n{c}\n```",
    "indented fence": lambda c: f"1. so:\n   ```python\n{_indented(c, '   ')}\n   ```",
    "indented by a tab": lambda c: f"* so:\n\t```python\n{_indented(c, chr(9))}\n\t```",
    "quoted": lambda c: f"> ```python\n{_indented(c, '> ')}\n> ```",
    "closed on a code line": lambda c: f"```python\n{c.rstrip()}```",
    "closed on a code line, prose after": lambda c: f"```python\n{c.rstrip()}``` This works.",
    "closed on a code line, more after": lambda c: f"```python\n{c.rstrip()}```\n\nExample:\n```\n3\n```",
    "closed by too many": lambda c: f"```python\n{c}\n`````",
    "stray closer": lambda c: f"{c}\n```",
    "stray closer, prose after": lambda c: f"{c}\n```\nThis works because of induction.",
    "stray closer glued": lambda c: f"{c.rstrip()}```",
    "stray closer, examples after": lambda c: f"{c}\n```\n\nExample:\n```\n>>> 3\n```\n",
    "no fence": lambda c: c,
    "tildes": lambda c: f"~~~python\n{c}\n~~~",
    "four backticks": lambda c: f"````python\n{c}\n````",
    "four, with prose": lambda c: f"Look:\n````py\n{c}\n````\nok",
    "nested in markdown": lambda c: f"````markdown\n# Answer\n```python\n{c}\n```\n````",
    "nested in md of three": lambda c: f"```markdown\n# Answer\n```python\n{c}\n```\n```",
    "CRLF": lambda c: f"Code:\n```python\n{c}\n```\nend\n".replace("\n", "\r\n"),
    "answer tag on the line": lambda c: f"<answer>```python\n{c}\n```</answer>",
    "answer tags": lambda c: f"<think>hm</think>\n<answer>\n```python\n{c}\n```\n</answer>",
    "think and fence on one line": lambda c: f"<think>hm</think>```python\n{c}\n```",
    "answer after text": lambda c: f"The answer: <answer>```python\n{c}\n```</answer>",
    "answer without a fence": lambda c: f"<think>hm</think>\n<answer>\n{c}\n</answer>",
    "python3 with a title": lambda c: f'```python3 title="solution.py"\n{c}\n```',
    "braces": lambda c: f"```{{python}}\n{c}\n```",
    "pandoc braces": lambda c: f"```{{.python .numberLines}}\n{c}\n```",
    "R braces": lambda c: f"```{{python, echo=FALSE}}\n{c}\n```",
    "upper case": lambda c: f"```PYTHON\n{c}\n```",
    "a space before the tag": lambda c: f"``` python\n{c}\n```",
    "a file name after a colon": lambda c: f"```python:solution.py\n{c}\n```",
    "python with version": lambda c: f"```python3.11\n{c}\n```",
    "pypy": lambda c: f"```pypy3\n{c}\n```",
    "no tag": lambda c: f"```\n{c}\n```",
    "no tag, then output without one": lambda c: f"```\n{c}\n```\nOutput:\n```\n3\n```",
    "draft first": lambda c: f"```python\nraise SystemExit\n```\nBetter:\n```python\n{c}\n```",
    "another language after": lambda c: f"```python\n{c}\n```\nRun:\n```bash\npython solution.py\n```",
    "output after": lambda c: f"```python\n{c}\n```\nOutput:\n```text\n3\n```",
    "example before, never closed": lambda c: f"Input:\n```\n3\n```\nSo:\n```python\n{c}\n",
    "never closed": lambda c: f"```python\n{c}\n",
    "never closed in an answer": lambda c: f"<answer>\n```python\n{c}\n</answer>",
    "opened twice": lambda c: f"```python\n# no\n\nBetter:\n```python\n{c}\n```",
    "thinking with code": lambda c: f"<think>\n```python\nraise SystemExit\n```\n</think>\n```python\n{c}\n```",
    "inline code in the prose": lambda c: f"Use `x` and ```y``` here.\n```python\n{c}\n```\nThen ```z``` ok.",
    "code on the fence's line": lambda c: (
        f"```python {c.lstrip()}\n```" if c[:1] not in " #@" else f"```python\n{c}\n```"
    ),
    "a file's name": lambda c: f"```solution.py\n{c}\n```",
    "a word that names no language (no tag)": lambda c: f"```code\n{c}\n```",
    "three spaces and a dot behind": lambda c: f"So:\n\n   ```python\n{c}\n   ```.",
    "in quotation marks": lambda c: f"“```python\n{c}\n```”",
    "closed twice": lambda c: f"```python\n{c}\n```\n```",
    "a blank line first": lambda c: f"```python\n\n{c}\n\n```",
}
"""Name → the completion around a program. Each one's program is the same but for blank lines around it."""
