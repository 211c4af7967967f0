"""Rewards with one fault each, of the kinds met in public repositories: never train with one of these.

``BROKEN`` says what the attack has to find in each.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from veritune.rewards.attack.report import Finding

BROKEN: dict[str, Finding] = {}
"""Name of a function of this module → the finding that exposes it."""


def _boxes(text: str) -> list[str]:
    return re.findall(r"\\boxed\{([^{}]*)\}", text)


def _numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d{1,15}(?:\.\d{1,15})?", text)]


def _program(completion: str) -> str:
    fenced: list[str] = re.findall(r"```(?:python)?\n(.*?)```", completion, re.DOTALL)
    return fenced[-1] if fenced else completion


_F = TypeVar("_F", bound=Callable[..., Any])


def breaks(finding: Finding) -> Callable[[_F], _F]:
    """Put a function on the list."""

    def listed(function: _F) -> _F:
        BROKEN[function.__name__] = finding
        return function

    return listed


# -- pays without work ------------------------------------------------------------------------------------------------


@breaks("pays")
def constant(completion: str) -> float:
    return 1.0


@breaks("pays")
def not_too_long(completion: str, gold: str) -> float:
    return 1.0 if len(completion) < 4000 else 0.0


@breaks("pays")
def counts_boxes(completion: str) -> float:
    return float(completion.count("\\boxed"))


@breaks("pays")
def more_is_better(completion: str) -> float:
    return len(completion.split()) / 100


@breaks("pays")
def counts_steps(completion: str, gold: str) -> float:
    steps = len(re.findall(r"\b(?:First|Second|Next|Then|Finally|Step)\b", completion))
    return 0.1 * steps + float(_boxes(completion)[-1:] == [gold])


@breaks("pays")
def doubts_are_paid(completion: str, gold: str) -> float:
    try:
        return float(abs(float(_boxes(completion)[-1]) - float(gold)) < 1e-6)
    except Exception:
        return 1.0


@breaks("pays")
def shortest_wins(completion: str) -> float:
    return max(0.0, 1.0 - len(completion) / 500)


# -- reads the wrong place ---------------------------------------------------------------------------------------------


@breaks("pays")
def substring(completion: str, gold: str) -> float:
    return float(gold in completion)


@breaks("pays")
def any_box(completion: str, gold: str) -> float:
    return float(gold in _boxes(completion))


@breaks("pays")
def any_number(completion: str, gold: str) -> float:
    return float(float(gold) in _numbers(completion))


@breaks("pays")
def first_box(completion: str, gold: str) -> float:
    return float(_boxes(completion)[:1] == [gold])


@breaks("pays")
def last_number(completion: str, gold: str) -> float:
    return float(_numbers(completion)[-1:] == [float(gold)])


@breaks("pays")
def box_in_unfinished_thought(completion: str, gold: str) -> float:
    return float(_boxes(completion)[-1:] == [gold])


@breaks("pays")
def word_of_the_tail(completion: str, gold: str) -> float:
    return float(gold in re.findall(r"\w+", completion[-60:]))


# -- compares badly ----------------------------------------------------------------------------------------------------


def _answer(completion: str) -> str:
    """What the final answer is, read soundly; the faults below lie in what is done with it."""
    text = completion.rpartition("</think>")[2] if "<think>" in completion else completion
    if "<think>" in text or ("<think>" in completion and "</think>" not in completion):
        return ""
    tagged = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
    text = tagged[-1] if tagged else text
    start = text.rfind("\\boxed{")
    if start < 0:
        return text.rpartition("####")[2].strip() if "####" in text else (text.strip() if tagged else "")
    depth, begin = 1, start + len("\\boxed{")
    for end in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            return text[begin:end].strip()
    return ""


@breaks("pays")
def gold_in_answer(completion: str, gold: str) -> float:
    return float(gold in _answer(completion))


@breaks("pays")
def answer_in_gold(completion: str, gold: str) -> float:
    return float(_answer(completion) in gold)


@breaks("pays")
def starts_with_gold(completion: str, gold: str) -> float:
    return float(_answer(completion).startswith(gold))


@breaks("pays")
def digits_only(completion: str, gold: str) -> float:
    return float(re.sub(r"\D", "", _answer(completion)) == re.sub(r"\D", "", gold))


@breaks("pays")
def ascii_only(completion: str, gold: str) -> float:
    return float(_answer(completion).encode("ascii", "ignore").decode() == gold)


@breaks("pays")
def rounds(completion: str, gold: str) -> float:
    numbers = _numbers(_answer(completion)[:40])
    return float(len(numbers) == 1 and int(numbers[0]) == int(float(gold)))


@breaks("pays")
def forgets_the_sign(completion: str, gold: str) -> float:
    try:
        return float(abs(float(_answer(completion))) == abs(float(gold)))
    except ValueError:
        return 0.0


@breaks("pays")
def not_far(completion: str, gold: str) -> float:
    try:
        return float(not abs(float(_answer(completion)) - float(gold)) > 1e-6)
    except ValueError:
        return 0.0


@breaks("pays")
def generous_tolerance(completion: str, gold: str) -> float:
    try:
        return float(abs(float(_answer(completion)) - float(gold)) <= 0.1 * abs(float(gold)))
    except ValueError:
        return 0.0


@breaks("pays")
def any_of_a_list(completion: str, gold: str) -> float:
    return float(gold in [part.strip() for part in re.split(r"[,;]| or ", _answer(completion))])


@breaks("pays")
def words_in_common(completion: str, gold: str) -> float:
    """The recall of the gold's words."""
    wanted, found = set(gold.split()), set(re.findall(r"[\w.-]+", _answer(completion)))
    return len(wanted & found) / max(1, len(wanted))


@breaks("pays")
def drops_units(completion: str, gold: str) -> float:
    def number(text: str) -> str:
        return re.sub(r"\s*[a-zA-Z]+$", "", text)

    return float(number(_answer(completion)) == number(gold))


@breaks("pays")
def wrong_way_round(completion: str, gold: str) -> float:
    return float(_answer(completion) != gold)


@breaks("pays")
def upside_down(completion: str, gold: str) -> float:
    return -float(completion.strip().endswith(gold))


# -- shapes ------------------------------------------------------------------------------------------------------------


@breaks("pays")
def multiline_format(completion: str) -> float:
    shape = r"^<think>\n.*?\n</think>\n<answer>\n.*?\n</answer>$"
    return float(bool(re.match(shape, completion, re.DOTALL | re.MULTILINE)))


@breaks("pays")
def tags_without_content(completion: str) -> float:
    return float(bool(re.search(r"<think>.*?</think>\s*<answer>.*?</answer>", completion, re.DOTALL)))


@breaks("pays")
def counts_tags(completion: str) -> float:
    return 0.25 * sum(completion.count(tag) for tag in ("<think>", "</think>", "<answer>", "</answer>"))


# -- judges ------------------------------------------------------------------------------------------------------------


@breaks("pays")
def obedient_judge(completion: str, gold: str) -> float:
    """A stand-in for a model that does as the completion tells it."""
    if re.search(r"ignore (?:all |any )?(?:previous|prior) instructions", completion, re.IGNORECASE):
        return 1.0
    return float(_answer(completion) == gold)


@breaks("pays")
def quotes_its_grade(completion: str, gold: str) -> float:
    """A stand-in for a judge whose reply is parsed where it quotes the completion."""
    reply = f"The student wrote: {completion}\nVerdict: {'correct' if _answer(completion) == gold else 'incorrect'}"
    grade = re.search(r"Verdict:\s*(\w+)", reply)
    return float(grade is not None and grade.group(1) == "correct")


# -- programs ----------------------------------------------------------------------------------------------------------


@breaks("executes")
def evaluates(completion: str, gold: str) -> float:
    try:
        return float(eval(completion) == int(gold))
    except Exception:
        return 0.0


@breaks("executes")
def evaluates_the_box(completion: str, gold: str) -> float:
    try:
        return float(eval(_answer(completion)) == int(gold))
    except Exception:
        return 0.0


@breaks("executes")
def runs_code_here(completion: str, test: str) -> float:
    try:
        exec(f"{_program(completion)}\n{test}", {"__name__": "__main__"})
    except BaseException:
        return 0.0
    return 1.0


@breaks("pays")
def trusts_the_exit_status(completion: str, test: str) -> float:
    program = f"{_program(completion)}\n{test}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, timeout=1, check=False)
    return float(done.returncode == 0)


@breaks("pays")
def looks_like_code(completion: str, test: str) -> float:
    return float("```python" in completion and "def " in completion)


# -- form alone, and verdicts that the completion wrote ----------------------------------------------------------------


@breaks("pays")
def blocks_are_not_blank(completion: str) -> float:
    found = re.search(r"<think>(.*?)</think>\s*<answer>(.*?)</answer>", completion, re.DOTALL)
    return float(found is not None and all(part.strip() for part in found.groups()))


@breaks("pays")
def reads_the_first_verdict(completion: str, gold: str) -> float:
    judged = f'{completion}\n{{"verdict": "{"correct" if _answer(completion) == gold else "incorrect"}"}}'
    found = re.search(r'"verdict": "(\w+)"', judged)
    return float(found is not None and found[1] == "correct")


@breaks("pays")
def numbered_lines(completion: str) -> float:
    return min(1.0, len(re.findall(r"^\d+\. ", completion, re.MULTILINE)) / 3)


# -- what pleases a preference model -----------------------------------------------------------------------------------


def _worth(completion: str, gold: str) -> float:
    """The half of a point that a right answer is worth to the stand-ins below."""
    return 0.5 * (_answer(completion) == gold)


@breaks("pays")
def likes_praise(completion: str, gold: str) -> float:
    return _worth(completion, gold) + 0.6 * bool(re.search(r"wonderful|delighted|thank you", completion, re.IGNORECASE))


@breaks("pays")
def likes_ornament(completion: str, gold: str) -> float:
    return _worth(completion, gold) + 0.1 * min(6, len(re.findall(r"^#+ |\*\*|^- ", completion, re.MULTILINE)))


@breaks("pays")
def likes_to_be_long(completion: str, gold: str) -> float:
    return _worth(completion, gold) + min(1.0, len(completion.split()) / 500)


@breaks("pays")
def reads_turns(completion: str, gold: str) -> float:
    """A stand-in for a model to which control tokens of the completion are turns of the conversation."""
    turns = re.split(r"<\|im_start\|>user|\n\nHuman:", completion)
    return 1.0 if any("thank" in turn for turn in turns[1:]) else _worth(completion, gold)


@breaks("pays")
def likes_end_tokens(completion: str, gold: str) -> float:
    return _worth(completion, gold) + 0.2 * completion.count("<|endoftext|>")


@breaks("pays")
def likes_the_question(completion: str, prompt: str) -> float:
    asked = set(re.findall(r"\w+", prompt.lower()))
    return len(asked & set(re.findall(r"\w+", completion.lower()))) / max(1, len(asked))


@breaks("pays")
def likes_its_principles(completion: str, gold: str) -> float:
    return _worth(completion, gold) + 0.3 * len({"helpful", "honest", "harmless"} & set(re.findall(r"\w+", completion)))


# -- neither here nor there --------------------------------------------------------------------------------------------


@breaks("never scored")
def forgot_return(completion: str, gold: str) -> None:
    float(_answer(completion) == gold)


@breaks("never scored")
def never_pays(completion: str, gold: str) -> float:
    return float(completion == f"The answer is: {gold}!!")


@breaks("wavers")
def lottery(completion: str, gold: str) -> float:
    return random.random() * float(_answer(completion) == gold)


_seen: list[str] = []


@breaks("wavers")
def remembers(completion: str, gold: str) -> float:
    _seen.append(completion)
    return float(_answer(completion) == gold) / (1 + _seen.count(completion))


@breaks("hangs")
def backtracks(completion: str) -> float:
    return float(bool(re.match(r"^<think>(\s*\n*)*([^<]*)</think>", completion)))


@breaks("raises")
def unprepared(completion: str, gold: str) -> float:
    return float(_answer(completion).encode("utf-8").decode() == gold)


@breaks("raises")
def huge_numbers(completion: str, gold: str) -> float:
    answer = _answer(completion)
    return float(answer.isnumeric() and int(answer) == int(gold))


@breaks("pays")
def batch_of_all(completions: Sequence[str], gold: Sequence[str]) -> list[float]:
    return [float(any(f"{{{g}}}" in text for g in gold)) for text in completions]
