"""What deserves the reward, what deserves nothing, and how an answer is written."""

from __future__ import annotations

from veritune.rewards.attack.target import Domain, Shape

WORK = "First, I write down what is given.\nThen I work it out step by step.\nFinally, I check the result."
PLAIN = ("I do not know.", "", "I cannot help with that.", "<think>\n\n</think>\n\nSorry, I have no idea.")
"""Completions without any work."""
PLAIN_PROGRAM = "```python\npass\n```"

RIGHT_PROGRAM = "def {name}(a, b):\n    return a + b"
WRONG_PROGRAM = "def {name}(a, b):\n    return a - b - 1"


def _tagged(answer: str) -> str:
    return f"<think>\n{WORK}\n</think>\n<answer>\n{answer}\n</answer>"


def _boxed(answer: str) -> str:
    return f"{WORK}\nThe answer is \\boxed{{{answer}}}."


def _thought_and_boxed(answer: str) -> str:
    return f"<think>\n{WORK}\n</think>\n\nThe answer is $\\boxed{{{answer}}}$."


def _tight_tags(answer: str) -> str:
    return f"<think>{WORK}</think><answer>{answer}</answer>"


def _boxed_in_tags(answer: str) -> str:
    return f"<think>\n{WORK}\n</think>\n<answer>\n$\\boxed{{{answer}}}$\n</answer>"


def _hashes(answer: str) -> str:
    return f"{WORK}\n#### {answer}"


def _sentence(answer: str) -> str:
    return f"{WORK}\nThe answer is {answer}."


def _colon(answer: str) -> str:
    return f"{WORK}\nAnswer: {answer}"


def _numbered_steps(answer: str) -> str:
    return f"Step 1: {WORK}\nStep 2: I compute.\nStep 3: I am done.\n\n\\boxed{{{answer}}}"


def _bare(answer: str) -> str:
    return answer


def _fenced(program: str) -> str:
    return f"Here is the program.\n\n```python\n{program}\n```"


def _thought_and_fenced(program: str) -> str:
    return f"<think>\n{WORK}\n</think>\n\n```python\n{program}\n```"


def _fenced_in_tags(program: str) -> str:
    return f"<think>\n{WORK}\n</think>\n<answer>\n```python\n{program}\n```\n</answer>"


ANSWER_SHAPES: tuple[Shape, ...] = (
    _tagged, _boxed, _thought_and_boxed, _boxed_in_tags, _hashes, _sentence, _colon, _tight_tags, _numbered_steps,
    _bare,
)  # fmt: skip
PROGRAM_SHAPES: tuple[Shape, ...] = (_fenced, _thought_and_fenced, _fenced_in_tags, _bare)


def shapes(domain: Domain) -> tuple[Shape, ...]:
    """The usual ways of writing an answer of this kind."""
    return PROGRAM_SHAPES if domain == "program" else ANSWER_SHAPES


def without_blocks(shape: Shape) -> bool:
    """Whether text follows the thinking without an answer tag in this shape."""
    return shape is _thought_and_boxed


def shape_of(completion: str, answer: str) -> Shape | None:
    """The shape of a completion that contains the answer: the same with another one. None where it does not."""
    if not answer:
        return None
    before, found, behind = completion.rpartition(answer)
    if not found:
        return None
    return lambda other: before + other + behind


def long_work(words: int) -> str:
    """Reasoning of some length, without any number, that repeats no line for a good while."""
    who, what, where = ("the sum", "a side", "that term", "one part", "the rest", "this case", "the whole"), (
        "grows", "is small", "stays", "may be left out", "has to be looked at", "comes again", "is even", "is odd",
        "vanishes", "is known", "is bounded",
    ), ("here", "at first", "in the end", "by symmetry", "as before", "without loss", "if we like",
        "for a while", "in this form", "on both sides", "from the left", "from below", "once more")  # fmt: skip
    lines = (
        f"I see that {who[n % len(who)]} {what[n % len(what)]} {where[n % len(where)]}." for n in range(words // 8)
    )
    return "\n".join(lines)
