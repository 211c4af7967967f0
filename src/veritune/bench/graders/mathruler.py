"""mathruler's ``grade_answer`` on what its own extraction finds in the last box."""

from __future__ import annotations

from mathruler.grader import extract_boxed_content, grade_answer

from veritune.bench.graders.forms import boxed
from veritune.bench.loading import Finding


def grade(completion: str, gold: str, prompt: str) -> Finding:
    return bool(grade_answer(extract_boxed_content(boxed(completion)), gold)), "graded"
