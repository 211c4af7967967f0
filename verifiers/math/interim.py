"""Plain extraction and decision, in force until the cascade takes their place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from veritune.verifiers.math.options import MathOptions


@dataclass(frozen=True, slots=True)
class Extraction:
    answer: str | None
    how: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    correct: bool | None
    stage: str
    reason: str
    symbolic: tuple[str, str] | None = None


def extract(text: str, options: MathOptions) -> Extraction:
    text = text.rsplit("</think>", 1)[-1]
    start = text.rfind("\\boxed{")
    if start >= 0:
        depth, begin = 0, start + len("\\boxed{")
        for position in range(begin, min(len(text), begin + options.max_answer)):
            depth += (text[position] == "{") - (text[position] == "}")
            if depth < 0:
                return Extraction(text[begin:position].strip(), "box")
        return Extraction(None)
    for how, pattern in (
        ("hashes", r"####[ \t]*([^\n]+)"),
        ("tag", r"<answer>([^<]+)</answer>"),
        ("marker", r"(?m)^A(?:nswer)?:[ \t]*([^\n]+)"),
        ("phrase", r"(?i)the answer is:?[ \t]*([^\n]+)"),
    ):
        found = re.findall(pattern, text[-20_000:])
        if found:
            return Extraction(found[-1].strip().removesuffix("."), how)
    return Extraction(None)


def decide(prediction: str, gold: str, options: MathOptions) -> Decision:
    left, right = (re.sub(r"\s|\\!|(?<=\d),(?=\d{3}(?!\d))", "", text) for text in (prediction, gold))
    if left == right:
        return Decision(True, "string", "the same string")
    if all(re.fullmatch(r"-?\d+(\.\d+)?", text) for text in (left, right)):
        return Decision(float(left) == float(right), "number", f"{left} against {right}")
    return Decision(None, "symbolic", "", (prediction, gold))
