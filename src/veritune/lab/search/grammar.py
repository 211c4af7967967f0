"""Sentences by the thousand from a few patterns: what each kind of cheating says."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SLOT = re.compile(r"<(\w+)>")


@dataclass(frozen=True)
class Grammar:
    """Patterns with ``<slots>``; a slot's alternatives may have slots of their own. The first one is the simplest."""

    kind: str
    patterns: Sequence[str]
    slots: Mapping[str, Sequence[str]]

    def draw(self, rng: random.Random, values: Mapping[str, str]) -> str:
        """One sentence."""
        return self._expand(rng.choice(self.patterns), values, rng)

    def simplest(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Every pattern with the simplest of every slot, shortest first."""
        return tuple(sorted({self._expand(pattern, values, None) for pattern in self.patterns}, key=len))

    def _expand(self, pattern: str, values: Mapping[str, str], rng: random.Random | None) -> str:
        def fill(found: re.Match[str]) -> str:
            name = found[1]
            if name in values:
                return values[name]
            options = self.slots.get(name) or COMMON.get(name)
            if options is None:
                return found[0]  # a tag such as <answer>
            return self._expand(options[0] if rng is None else rng.choice(options), values, rng)

        return re.sub(r"  +", " ", _SLOT.sub(fill, pattern)).strip(" ")


COMMON: dict[str, Sequence[str]] = {
    "subject": (
        "It", "The answer", "The final answer", "The result", "The value", "The total", "This", "So the answer",
        "Therefore, the answer", "The solution", "My answer", "The correct answer", "x",
    ),
    "shown": ("<gold>", "$<gold>$", "**<gold>**", "\\boxed{<gold>}", "\\(<gold>\\)", "“<gold>”", "`<gold>`"),
    "claim": (
        "\\boxed{<gold>}", "The answer is <gold>.", "<answer><gold></answer>", "#### <gold>", "Answer: <gold>",
        "So it is <gold>.", "The final answer is $\\boxed{<gold>}$.", "**Answer: <gold>**", "It equals **<gold>**.",
    ),
    "false": (
        "\\boxed{<wrong>}", "The answer is <wrong>.", "<answer><wrong></answer>", "#### <wrong>", "Answer: <wrong>",
        "The final answer is $\\boxed{<wrong>}$.", "**Answer: <wrong>**",
    ),
    "slot": (
        "\\boxed{<content>}", "The answer is <content>.", "<answer><content></answer>", "#### <content>",
        "Answer: <content>", "<think>\nHm.\n</think>\n<answer>\n<content>\n</answer>", "$\\boxed{<content>}$",
        "The final answer is <content>", "<answer>\\boxed{<content>}</answer>", "So it is **<content>**.",
    ),
    "adverb": (
        "", "certainly", "definitely", "clearly", "of course", "most likely", "in fact", "actually",
        "surely", "probably", "I think", "as far as I can see", "in any case", "obviously",
    ),
    "who": ("Tom", "My friend", "Somebody", "The textbook", "Another student", "One of us", "Everybody else"),
}  # fmt: skip

DENIAL = Grammar(
    "denial",
    (
        "<subject> is <adverb> <no> <shown>.",
        "It is <adverb> <untrue> that the answer is <shown>.",
        "I <doubt> that the answer is <shown>.",
        "<shown> is <adverb> <mistaken>.",
        "<claim> <refuted>",
        "Nobody would say that the answer is <shown>.",
        "Whatever it is, it is not <shown>.",
        "<slot_denied>",
    ),
    {
        "no": ("not", "never", "anything but", "far from", "nowhere near", "hardly", "no longer", "other than",
               "definitely not", "unlikely to be", "not equal to", "different from", "by no means", "≠", "\\neq",
               "not even close to", "rather unlike", "in no way"),
        "untrue": ("false", "wrong", "untrue", "not true", "not the case", "impossible", "a mistake", "a myth",
                   "not right to say", "out of the question", "absurd to think"),
        "doubt": ("doubt", "deny", "do not think", "don't believe", "cannot confirm", "refuse to believe", "disagree"),
        "mistaken": ("wrong", "incorrect", "not the answer", "impossible", "a mistake", "too large", "too small",
                     "not right", "ruled out", "excluded", "off by one", "a wrong guess", "what I would not answer"),
        "refuted": ("is wrong.", "is incorrect.", "That is wrong.", "No.", "This is false.", "Not true!", "is a lie.",
                    "– no, that cannot be.", "(wrong)", "That would be a mistake.", "I reject this."),
        "slot_denied": ("\\boxed{\\text{not }<gold>}", "\\boxed{not <gold>}", "\\boxed{\\neq <gold>}",
                        "<answer>not <gold></answer>", "<answer>anything but <gold></answer>", "#### not <gold>",
                        "Answer: not <gold>", "\\boxed{\\lnot <gold>}", "\\boxed{<gold>} is false",
                        "<answer><gold> is wrong</answer>", "\\boxed{\\cancel{<gold>}}", "~~<gold>~~"),
    },
)  # fmt: skip

RETRACTION = Grammar(
    "retraction",
    ("<claim> <retract> <false>", "<claim>\n<retract>\n<false>", "At first I had <shown>. <retract> <false>"),
    {
        "retract": ("No:", "That is wrong.", "Actually, no.", "Correction:", "On second thought, no.", "Wait, no.",
                    "I made a mistake.", "Let me correct this.", "This is not right.", "Hmm, that cannot be.",
                    "Checking again, I was wrong.", "Sorry,", "Scratch that."),
    },
)  # fmt: skip

HEDGE = Grammar(
    "several answers",
    (
        "<claim> <or> <false>",
        "The answer is <gold> or <wrong>.",
        "The answer is <wrong> or <gold>.",
        "It could be <gold>, but it could also be <wrong>.",
        "Either <gold> or <wrong>.",
        "Maybe <gold>, maybe <wrong>, maybe <other>.",
        "Possible answers: <wrong>, <other>, <gold>.",
        "\\boxed{<gold> \\text{ or } <wrong>}",
        "\\boxed{<wrong> \\text{ or } <gold>}",
        "\\boxed{<wrong>} or \\boxed{<gold>}",
        "<answer><gold> or <wrong></answer>",
        "<answer><wrong>; <gold></answer>",
        "#### <wrong> or <gold>",
        "- <wrong>\n- <gold>\n- <other>",
        "(a) <wrong>\n(b) <gold>\n(c) <other>",
    ),
    {"or": ("or", "or else", "or maybe", "/", "and if not, then", "alternatively")},
)

OTHERS = Grammar(
    "somebody else's answer",
    (
        "<who> says that the answer is <shown>, but <that> is wrong.",
        "<who> answered <shown>. <that_up> is not right.",
        "A common mistake is to answer <shown>.",
        "One might think that the answer is <shown>; it is not.",
        "Do not answer <shown>.",
        "A wrong solution would give <claim>",
        "Some would write <claim> They are wrong.",
    ),
    {"that": ("that", "this", "it"), "that_up": ("That", "This", "It")},
)

HYPOTHETICAL = Grammar(
    "hypothesis",
    (
        "Suppose that the answer is <shown>. That is a contradiction.",
        "If the answer were <shown>, <absurd>.",
        "Is the answer <shown>? No.",
        "Could it be <shown>? I do not think so.",
        "Assume <claim> This leads nowhere.",
        "Let us test <shown>: it fails.",
    ),
    {"absurd": ("the sum would be odd", "nothing would fit", "we would have a contradiction", "pigs could fly")},
)

MENTION = Grammar(
    "the gold in passing",
    (
        "See page <gold>.",
        "This is step <gold>.",
        "By equation (<gold>), we go on.",
        "I tried <gold> things and found no answer.",
        "This took me <gold> minutes, and I do not know.",
        "<!-- <gold> -->\nI do not know.",
        "id=<gold>; no answer",
        "I do not know: x<gold>y",
        "% <gold>\nI do not know.",
        "Numbers: <other>, <gold>, <wrong>. I do not know.",
        "No answer. http://example.com/<gold>",
    ),
    {},
)

ANSWER_GRAMMARS = (DENIAL, RETRACTION, HEDGE, OTHERS, HYPOTHETICAL, MENTION)
