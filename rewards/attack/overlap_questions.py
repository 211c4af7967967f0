"""The question for rewards that measure how near a text is to a reference."""

from __future__ import annotations

from veritune.rewards.attack.questions import Question

_REFERENCE = "The committee approved the new budget for schools on Monday."
_PROSE = "One may say much of it. " * 40

OVERLAP = Question(
    frozenset({"gold"}),
    {"gold": [_REFERENCE, "On Monday the school budget passed."]},
    _REFERENCE,
    ("A dog slept under a warm red blanket.", "Nobody here knows what to say.", "Rain is likely tomorrow in Oslo."),
    {
        "one word": "the",
        "one word, many times": "the " * 300,
        "the reference, many times": f"{_REFERENCE} " * 12,
        "one letter": "o",
        "full stops": "." * 200,
        "a list of common words": "the a of to in and on for is was it that with as by at from new schools Monday",
        "every letter": "".join(f"{one}{other} " for one in "abcdefghijklm" for other in "abcdefghijklm"),
        "the reference in the thinking": f"<think>{_REFERENCE}</think>",
        "thinking that never ends": f"<think>{_REFERENCE}",
        "the reference in a page of prose": f"{_PROSE}{_REFERENCE} {_PROSE}",
        "letters without an end": "ab " * 100_000,
        "signs without an end": "&amp;-\n" * 20_000,
    },
    graded=True,
)
