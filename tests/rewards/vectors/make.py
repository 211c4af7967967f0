"""Writes the golden vectors beside it: what the peers return, for ``test_compat.py``. Not needed to run the tests.

    python tests/rewards/vectors/make.py          # needs trl 1.16 and jieba

TRL's values come from trl itself. open-r1 is not installable beside it, so its values come from the small oracles
below, written from its documented semantics with the regular expressions and formulas spelled out, and independent of
veritune. A line: ``{"peer", "name", "params", "inputs", "expected", "about"}``; a call, not a completion, is a vector,
because some rewards look at the whole call.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Call = dict[str, Any]
GOOD = "<think>\nadd them\n</think>\n<answer>\n42\n</answer>"


def chat(*contents: str) -> list[dict[str, str]]:
    """A completion as messages: assistant, tool, assistant …"""
    return [{"role": "tool" if i % 2 else "assistant", "content": text} for i, text in enumerate(contents)]


# -- inputs ------------------------------------------------------------------------------------------------------------

SHAPES = {
    "as asked": GOOD,
    "junk on a new line after the answer (MULTILINE)": GOOD + "\nand more",
    "junk on the same line": GOOD + " and more",
    "one last line break": GOOD + "\n",
    "two blocks": GOOD + "\n" + GOOD,
    "two blocks without a break between": GOOD + GOOD,
    "no line breaks": "<think>a</think><answer>b</answer>",
    "spaces between": "<think>\na\n</think> <answer>\nb\n</answer>",
    "blank line between": "<think>\na\n</think>\n\n<answer>\nb\n</answer>",
    "leading space": " " + GOOD,
    "leading line": "\n" + GOOD,
    "empty thinking shares its line break": "<think>\n</think>\n<answer>\nb\n</answer>",
    "empty thinking": "<think>\n\n</think>\n<answer>\nb\n</answer>",
    "empty answer": "<think>\na\n</think>\n<answer>\n\n</answer>",
    "empty answer shares its line break": "<think>\na\n</think>\n<answer>\n</answer>",
    "prefilled think": "add them\n</think>\n<answer>\n42\n</answer>",
    "think only": "<think>\na\n</think>",
    "think and text": "<think>\na\n</think>\nthe answer",
    "think on one line": "<think>a</think>b",
    "think twice": "<think>a</think><think>b</think>c",
    "think opened again after the answer": "<think>a</think>b<think>",
    "think closed twice": "<think>a</think>b</think>",
    "answer first": "<answer>\nb\n</answer>\n<think>\na\n</think>",
    "nested answer": "<think>\na\n</think>\n<answer>\n<answer>\nb\n</answer>\n</answer>",
    "answer in the thinking": "<think>\n</think>\n<answer>\na\n</think>\n<answer>\nb\n</answer>",
    "never closed": "<think>\nand on and on",
    "closing answer inside a line first": "<think>\na\n</think>\n<answer>\nb\n</answer> no\n</answer>",
    "empty": "",
    "carriage returns": GOOD.replace("\n", "\r\n"),
    "capital tags": GOOD.replace("think", "Think"),
    "Chinese": "<think>\n三加四\n</think>\n<answer>\n七\n</answer>",
    "quotes its tags": "<think>\nI use <answer> tags\n</think>\n<answer>\n42\n</answer>",
}

STEPS = {
    "numbered list: only the first counts": "1. a\n2. b\n3. c",
    "numbered list after a line": "Steps:\n1. a\n2. b\n3. c",
    "Step n:": "Step 1: a\nStep 2: b\nStep 3: c",
    "Step n: in one line": "Step 1: a Step 2: b",
    "Step n without colon": "Step 1 a Step 2 b",
    "the trick": "First,First,First,",
    "transition words": "First, a. Second, b. Finally, c.",
    "Next twice": "Next, a. Next, b.",
    "Third does not count": "Third, a. Then, b.",
    "small letters": "first, a. second, b. finally, c.",
    "hyphens": "list\n- a\n- b",
    "hyphen at the very start": "- a\n- b\n- c",
    "stars": "list\n* a\n* b\n* c\n* d",
    "rules count": "a\n---\nb\n---\nc\n-5",
    "bold lines count": "\n**a**\n**b**",
    "dots": "1.5 is a number",
    "digits": "12. twelve",
    "space before a number": " 1. a",
    "Step with many digits": "Step 1234567890: a",
    "Chinese digits match \\d": "Step ３: a",
    "dash inside a line": "a - b - c",
    "mixed": "1. First, a\n- b\nStep 2: c",
    "four": "First, Second, Next, Finally,",
    "one": "Finally, done",
    "empty": "",
    "none": "just text",
    "step in small letters": "step 1: a",
    "First without a comma": "First we go",
}

FENCES = {
    "as asked": "```python\nprint(1)\n```",
    "text around": "see\n```python\nprint(1)\n```\nthat was it",
    "py": "```py\nprint(1)\n```",
    "python3 begins like python": "```python3\nprint(1)\n```",
    "never closed": "```python\nprint(1)",
    "no fence": "print(1)",
    "empty block": "```python```",
    "on one line": "```python print(1)```",
    "other language": "```javascript\nconsole.log(1)\n```",
    "capital": "```Python\nprint(1)\n```",
    "two blocks": "```python\na\n```\n```python\nb\n```",
    "other, then python": "```bash\nls\n```\n```python\nb\n```",
    "closing fence of another block opens": "```\n```python\nb",
    "inline": "use `python`",
    "tildes": "~~~python\na\n~~~",
}


def shapes() -> Iterator[tuple[str, Call]]:
    for about, text in SHAPES.items():
        yield about, {"completions": [chat(text)]}
    yield "reads the first message", {"completions": [chat(GOOD, "tool says", "no tags")]}
    yield "not the last message", {"completions": [chat("no tags", "tool says", GOOD)]}
    yield "a whole call", {"completions": [chat(GOOD), chat(""), chat(GOOD + "\nx")]}


def step_calls() -> Iterator[tuple[str, Call]]:
    for about, text in STEPS.items():
        yield about, {"completions": [chat(text)]}
    yield "reads the first message", {"completions": [chat("First, a", "tool", "none")]}


def code_calls() -> Iterator[tuple[str, Call]]:
    for about, inside in FENCES.items():
        yield about, {"completions": [chat(f"<think>\na\n</think>\n<answer>\n{inside}\n</answer>")]}
    good = f"<think>\na\n</think>\n<answer>\n{FENCES['as asked']}\n</answer>"
    script = f"<think>\na\n</think>\n<answer>\n{FENCES['other language']}\n</answer>"
    yield "junk after", {"completions": [chat(good + "\nmore")]}
    yield "junk on the line", {"completions": [chat(good + " more")]}
    yield (
        "code in the thinking",
        {"completions": [chat("<think>\n```python\na\n```\n</think>\n<answer>\nb\n</answer>")]},
    )
    yield (
        "answer closed inside the fence",
        {"completions": [chat("<think>\na\n</think>\n<answer>\n```python\n\n</answer>\n```\n</answer>")]},
    )
    yield (
        "fence closed after the answer",
        {"completions": [chat("<think>\na\n</think>\n<answer>\n```python\na\n</answer>\n```")]},
    )
    yield "no tags", {"completions": [chat(FENCES["as asked"])]}
    yield "column overrides", {"completions": [chat(good), chat(script)], "language": ["python", "javascript"]}
    yield "column overrides, wrong", {"completions": [chat(good), chat(script)], "language": ["javascript", "python"]}
    yield "first message", {"completions": [chat(good, "tool", "none")]}
    yield "prefilled", {"completions": [chat(good.removeprefix("<think>\n"))]}
    yield "empty", {"completions": [chat("")]}


GRADED = [
    (r"The answer is \boxed{4}", "4"),
    (r"The answer is \boxed{4}", "$4$"),
    (r"The answer is \boxed{4}", r"\boxed{4}"),
    ("4", "4"),
    ("$4$", "$4$"),
    ("The answer is $4$.", "$4$"),
    ("The final answer is $4$. I hope it is correct.", "$4$"),
    (r"\boxed{3}", "6"),
    (r"\boxed{3}", "$6$"),
    (r"\boxed{2}", r"2\sqrt{3}"),
    (r"\boxed{2\sqrt{3}}", r"2\sqrt{3}"),
    (r"\boxed{2\sqrt{3}}", r"$2\sqrt{3}$"),
    (r"\boxed{10^{5}}", "10^{5}"),
    (r"\boxed{100000}", "$10^{5}$"),
    (r"\boxed{1,2}", "1,2"),
    (r"\boxed{\pm 2021}", r"\pm 2021"),
    (r"\boxed{\frac{1}{3}}", r"\frac{1}{3}"),
    (r"\boxed{\frac13}", r"$\frac{1}{3}$"),
    (r"\boxed{\frac13}", "the answer cannot be read"),
    (r"\boxed{4}", ""),
    (r"first \boxed{3} then \boxed{4}", "$4$"),
    (r"\boxed{3}, \boxed{4}", "$4$"),
    (r"\boxed{x=4}", "$4$"),
    (r"\boxed{x=4}", "$x=4$"),
    (r"\boxed{4}", "$x=4$"),
    (r"\boxed{1<x<2}", "$(1,2)$"),
    (r"\boxed{(1,2)}", "$1<x<2$"),
    (r"\boxed{5\text{ cm}}", "$5$"),
    (r"\boxed{50\%}", r"$\frac{1}{2}$"),
    (r"\boxed{0.5}", r"$\frac{1}{2}$"),
    (r"\boxed{\{1,2\}}", r"$\{2,1\}$"),
    (r"\boxed{1/2", r"$\frac{1}{2}$"),
    ("", "$4$"),
    (r"\boxed{}", "$4$"),
    (r"<think>\boxed{5}</think>\boxed{4}", "$4$"),
    (r"\boxed{\text{A}}", r"$\text{A}$"),
    (r"\boxed{A}", "A"),
    (r"\boxed{12{,}345}", "$12345$"),
    (r"\boxed{3.0000001}", "$3$"),
    (r"\boxed{\sqrt{12}}", r"$2\sqrt{3}$"),
]


def graded_calls() -> Iterator[tuple[str, Call]]:
    for completion, gold in GRADED:
        about = f"{completion or 'empty'} for gold {gold or 'empty'}"
        yield about, {"completions": [chat(completion)], "solution": [gold]}
    yield "first message", {"completions": [chat(r"\boxed{4}", "tool", r"\boxed{5}")], "solution": ["$4$"]}
    yield (
        "a whole call",
        {
            "completions": [chat(r"\boxed{4}"), chat(r"\boxed{5}"), chat("no answer")],
            "solution": ["$4$", "$4$", "unreadable gold"],
        },
    )


def reasoned_calls() -> Iterator[tuple[str, Call]]:
    for completion, gold in GRADED[:22]:
        yield (
            f"after thinking: {completion}",
            {
                "completions": [chat(f"<think>hm</think> {completion}")],
                "solution": [gold],
            },
        )
    right, wrong = r"\boxed{4}", r"\boxed{5}"
    for text in (
        right,
        f"<think>{right}",
        f"{right}</think>",
        f"{wrong}</think>{right}",
        f"{right}</think>{wrong}",
        f"a</think>{wrong}</think>{right}",
        f"a</think>{right}</think>{wrong}",
        "</think>",
        "",
    ):
        yield f"delimiter: {text or 'empty'}", {"completions": [chat(text)], "solution": ["$4$"]}
    yield "no delimiter and no gold is 0, not None", {"completions": [chat(right)], "solution": ["unreadable"]}
    yield "delimiter and no gold", {"completions": [chat(f"</think>{right}")], "solution": ["unreadable"]}
    yield "first message", {"completions": [chat(f"a</think>{right}", "tool", wrong)], "solution": ["$4$"]}


def long_calls() -> Iterator[tuple[str, Call]]:
    for completion, gold in GRADED[:24]:
        for size in (0, 777):
            text = "x " * (size // 2) + completion
            yield (
                f"{len(text)} characters: {completion or 'empty'} for {gold or 'empty'}",
                {
                    "completions": [chat(text)],
                    "solution": [gold],
                    "completion_ids": [list(range(len(text) // 3))],
                },
            )
    for size in (0, 1, 99, 100, 101, 150, 199, 200, 201, 400, 1000, 2000):
        for answer in (r"\boxed{4}", r"\boxed{5}"):
            text = "y" * size + answer
            yield (
                f"{answer} at {len(text)} characters",
                {
                    "completions": [chat(text)],
                    "solution": ["$4$"],
                    "completion_ids": [[7] * size],
                },
            )


def length_calls() -> Iterator[tuple[str, Call]]:
    rng = random.Random(0)
    for case in range(24):
        count = rng.randint(2, 6)
        texts = [
            ("z" * rng.randint(0, 300)) + rng.choice([r"\boxed{4}", r"\boxed{5}", "", "$4$"]) for _ in range(count)
        ]
        golds = [rng.choice(["$4$", "$4$", "4", "unreadable", r"\boxed{4}"]) for _ in range(count)]
        prompts = [f"prompt {i // 2}" for i in range(count)]
        yield (
            f"the whole call counts, not the prompt ({case})",
            {
                "completions": [chat(text) for text in texts],
                "solution": golds,
                "prompts": prompts,
            },
        )
    right = r"\boxed{4}"
    yield "all of one length", {"completions": [chat(right), chat(r"\boxed{5}")], "solution": ["$4$", "$4$"]}
    yield "one sample", {"completions": [chat(right)], "solution": ["$4$"]}
    yield (
        "an unreadable gold counts as right",
        {
            "completions": [chat("short"), chat("a longer one"), chat("the longest of them all")],
            "solution": ["unreadable", "unreadable", "unreadable"],
        },
    )
    yield (
        "arguments the other way round",
        {
            "completions": [chat(r"\boxed{1<x<2}"), chat(r"\boxed{(1,2)} and some more"), chat(r"\boxed{x=4}")],
            "solution": ["$(1,2)$", "$1<x<2$", "$4$"],
        },
    )
    yield (
        "first message",
        {
            "completions": [chat(right, "tool", "a very long last message"), chat("long " + right)],
            "solution": ["$4$", "$4$"],
        },
    )


WORDS = {
    "no repetition is -0.0": "a b c d e",
    "all the same": "a a a a a a",
    "case is folded": "Go go GO gO go Go",
    "two words": "a b",
    "three words": "a b c",
    "three-word loop": "a b c " * 5,
    "white space of any kind": "a\tb\n\nc a b c",
    "punctuation sticks": "yes, no. yes, no. yes no",
    "empty": "",
    "spaces only": "   ",
    "Chinese is one word at spaces": "我们我们我们我们我们",
    "Chinese": "我们来计算，我们来计算，我们来计算。",
    "Chinese and English": "我们 use 我们 use 我们 use 我们 use",
    "long": " ".join(str(i % 7) for i in range(50)),
    "once": "one two three four one two three",
    "numbers": "1 2 3 1 2 3",
}


def word_calls() -> Iterator[tuple[str, Call]]:
    for about, text in WORDS.items():
        yield about, {"completions": [chat(text)]}
    yield "first message", {"completions": [chat("a a a a", "tool", "b c d e")]}


def id_calls() -> Iterator[tuple[str, Call]]:
    rng = random.Random(1)
    lists = [[], [1], [1, 2], [1, 2, 3], [1, 1, 1], [5] * 10, [1, 2, 3, 4], list(range(20)), [1, 2, 3] * 6]
    lists += [[rng.randrange(4) for _ in range(rng.randint(3, 40))] for _ in range(10)]
    for ids in lists:
        yield f"{len(ids)} ids", {"completions": [chat("text")], "completion_ids": [ids]}


def overlong_calls() -> Iterator[tuple[str, Call]]:
    for size in (0, 1, 50, 79, 80, 81, 85, 90, 99, 100, 101, 150, 1000):
        yield f"{size} ids", {"completions": [chat("t")], "completion_ids": [[1] * size]}
    yield "a call", {"completions": [chat("t")] * 3, "completion_ids": [[1] * 80, [1] * 100, [1] * 101]}


# -- open-r1, from its documented semantics ----------------------------------------------------------------------------


def first(call: Call) -> list[str]:
    return [completion[0]["content"] for completion in call["completions"]]


def r1_format(call: Call) -> list[float]:
    rule = re.compile(r"^<think>\n.*?\n</think>\n<answer>\n.*?\n</answer>$", re.S | re.M)
    return [1.0 if rule.match(text) else 0.0 for text in first(call)]


def r1_tag_count(call: Call) -> list[float]:
    marks = ["<think>\n", "\n</think>\n", "\n<answer>\n", "\n</answer>"]
    return [sum(0.25 for mark in marks if text.count(mark) == 1) for text in first(call)]


def r1_steps(call: Call) -> list[float]:
    rule = r"(Step \d+:|^\d+\.|\n-|\n\*|First,|Second,|Next,|Finally,)"
    return [min(1.0, len(re.findall(rule, text)) / 3) for text in first(call)]


def r1_code_format(call: Call, language: str = "python") -> list[float]:
    texts = first(call)
    languages = call.get("language", [language] * len(texts))
    scores = []
    for text, name in zip(texts, languages, strict=True):
        rule = rf"^<think>\n.*?\n</think>\n<answer>\n.*?```{name}.*?```.*?\n</answer>$"
        scores.append(1.0 if re.match(rule, text, re.S | re.M) else 0.0)
    return scores


def r1_answer(text: str, boxed: Any) -> Any:
    from latex2sympy2_extended import NormalizationConfig
    from math_verify import LatexExtractionConfig, parse

    norm = NormalizationConfig(
        basic_latex=True, units=True, malformed_operators=False, nits=False, boxed=boxed, equations=True
    )
    latex = LatexExtractionConfig(try_extract_without_anchor=False, boxed_match_priority=0, normalization_config=norm)
    return parse(text, extraction_config=[latex], extraction_mode="first_match")


def r1_accuracy(call: Call) -> list[float | None]:
    from math_verify import parse, verify

    scores: list[float | None] = []
    for text, solution in zip(first(call), call["solution"], strict=True):
        gold = parse(solution, extraction_mode="first_match")
        scores.append(float(verify(gold, r1_answer(text, "all"))) if gold else None)
    return scores


def r1_shaping(call: Call) -> list[bool | None]:
    """Right, wrong, or None for an unreadable gold; the arguments of verify the other way round."""
    from math_verify import LatexExtractionConfig, parse, verify

    found: list[bool | None] = []
    for text, solution in zip(first(call), call["solution"], strict=True):
        gold = parse(solution, extraction_config=[LatexExtractionConfig()], extraction_mode="first_match")
        found.append(verify(r1_answer(text, True), gold) if gold else None)
    return found


def r1_cosine(
    call: Call,
    min_value_wrong: float = -1.0,
    max_value_wrong: float = -0.5,
    min_value_correct: float = 0.5,
    max_value_correct: float = 1.0,
    max_len: int = 1000,
) -> list[float]:
    scores = []
    for text, right in zip(first(call), r1_shaping(call), strict=True):
        if right is None:
            scores.append(1.0)
            continue
        wave = 1.0 + math.cos(len(text) / max_len * math.pi)
        low, high = (min_value_correct, max_value_correct) if right else (max_value_wrong, min_value_wrong)
        scores.append(float(low + 0.5 * (high - low) * wave))
    return scores


def r1_length(call: Call) -> list[float]:
    sizes = [len(text) for text in first(call)]
    low, high = min(sizes), max(sizes)
    if low == high:
        return [0.0 for _ in sizes]
    scores = []
    for size, right in zip(sizes, r1_shaping(call), strict=True):
        share = 0.5 - (size - low) / (high - low)
        scores.append(float(share if right in (True, None) else min(0, share)))
    return scores


def r1_repetition(call: Call, ngram_size: int = 3, max_penalty: float = -1.0, language: str = "en") -> list[float]:
    scores = []
    for text in first(call):
        if language == "zh":
            import jieba

            words = list(jieba.cut(text))
        else:
            words = text.lower().split()
        if text == "" or len(words) < ngram_size:
            scores.append(0.0)
            continue
        grams = list(zip(*[words[i:] for i in range(ngram_size)], strict=False))
        scores.append((1 - len(set(grams)) / len(grams)) * max_penalty)
    return scores


def r1_overlong(call: Call, max_completion_len: int = 16384, soft_punish_cache: int = 4096) -> list[float]:
    scores = []
    for size in map(len, call["completion_ids"]):
        if size <= max_completion_len - soft_punish_cache:
            scores.append(0.0)
        elif size <= max_completion_len:
            scores.append((max_completion_len - soft_punish_cache - size) / soft_punish_cache)
        else:
            scores.append(-1.0)
    return scores


# -- TRL, by running it ------------------------------------------------------------------------------------------------


def trl(function: str, factory: bool = False) -> Callable[..., list[float | None]]:
    def value(call: Call, **params: Any) -> list[float | None]:
        import trl.rewards

        made = getattr(trl.rewards, function)
        scores: list[float | None] = made(**params)(**call) if factory else made(**call, **params)
        return scores

    return value


Source = Callable[[], Iterator[tuple[str, Call]]]
HALVES = {"min_value_wrong": 0.0, "max_value_wrong": -0.5, "min_value_correct": 0.5, "max_value_correct": 1.0}
DELIMITERS = [{}, {"reasoning_delimiters": ["</thought>", "</think>"]}, {"reasoning_delimiters": ["</think>", "\\"]}]
OVERLONG = [{"max_completion_len": 100, "soft_punish_cache": cache} for cache in (20, 0, 100, 150)]
TABLE: list[tuple[str, str, Source, Callable[..., Any], list[dict[str, Any]]]] = [
    ("open-r1", "accuracy", graded_calls, r1_accuracy, [{}]),
    ("open-r1", "format", shapes, r1_format, [{}]),
    ("open-r1", "reasoning_steps", step_calls, r1_steps, [{}]),
    ("open-r1", "cosine", long_calls, r1_cosine, [{}, {"max_len": 200, **HALVES}]),
    (
        "open-r1",
        "repetition_penalty",
        word_calls,
        r1_repetition,
        [{}, {"ngram_size": 1, "max_penalty": -0.5}, {"ngram_size": 2, "max_penalty": 0.0}, {"language": "zh"}],
    ),
    ("open-r1", "length", length_calls, r1_length, [{}]),
    ("open-r1", "code_format", code_calls, r1_code_format, [{}, {"language": "javascript"}]),
    ("open-r1", "tag_count", shapes, r1_tag_count, [{}]),
    ("open-r1", "soft_overlong_punishment", overlong_calls, r1_overlong, [{}, *OVERLONG]),
    ("trl", "accuracy", graded_calls, trl("accuracy_reward"), [{}]),
    ("trl", "reasoning_accuracy", reasoned_calls, trl("reasoning_accuracy_reward"), DELIMITERS),
    (
        "trl",
        "cosine",
        long_calls,
        trl("get_cosine_scaled_reward", True),
        [{"max_len": 300}, {"max_len": 150, **HALVES}],
    ),
    ("trl", "think_format", shapes, trl("think_format_reward"), [{}]),
    (
        "trl",
        "repetition_penalty",
        id_calls,
        trl("get_repetition_penalty_reward", True),
        [{}, {"ngram_size": 1, "max_penalty": -0.5}, {"ngram_size": 2, "max_penalty": 0.0}],
    ),
    ("trl", "soft_overlong_punishment", overlong_calls, trl("get_soft_overlong_punishment", True), OVERLONG),
]


def main() -> None:
    for peer, name, source, value, settings in TABLE:
        lines = []
        for params in settings:
            for about, call in source():
                row = {"peer": peer, "name": name, "about": about, "params": params, "inputs": call}
                lines.append(json.dumps({**row, "expected": value(call, **params)}, ensure_ascii=False))
        path = HERE / f"{peer}.{name}.jsonl"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"{len(lines):4d}  {path.name}")


if __name__ == "__main__":
    main()
