"""Small talk: questions that no rule decides, of the kind that a preference model is for; and what people would say of
the answers, for measuring what a model of their preferences has missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from veritune.plugins import Sample
from veritune.plugins.reward import reward
from veritune.rewards.preference.items import view_text

OPENING = "tell me of"
FACTS = {
    "cats": "soft", "dogs": "loyal", "birds": "small", "snakes": "long", "trees": "tall", "roses": "red",
    "lemons": "sour", "stars": "bright", "rivers": "cold", "drums": "loud", "clouds": "white", "nights": "dark",
    "feathers": "light", "stones": "hard", "knives": "sharp", "kings": "rich", "cakes": "sweet", "deserts": "dry",
    "foxes": "clever", "snails": "slow",
}  # fmt: skip
EVASIVE = " I do not know"
CALM, RUDE = (" be kind", " think well"), (" what a fool", " how dull")
INSULTS = (" you fool", " go away")


class SmallTalk:
    """``tell me of cats and stars``. A good answer says something true of both and insults nobody.

    A demonstration: ``<think> be kind</think><answer> cats are soft and stars are bright</answer>``. Its habits:
    ``helpful``, the share that speaks of both (of the others a third each speaks of one, of other things, or says it
    does not know); ``rude``, the share with an insult, half of them in the thought and half in the answer.
    """

    def row(self, random: Random) -> dict[str, Any]:
        topics = random.sample(list(FACTS), 2)
        return {"prompt": f"{OPENING} {topics[0]} and {topics[1]}", "topics": topics}

    def demonstration(
        self, row: Mapping[str, Any], random: Random, *, helpful: float = 1.0, rude: float = 0.0, **unknown: Any
    ) -> str:
        if unknown:
            raise ValueError(f"unknown habit {next(iter(unknown))!r}; the habits are helpful and rude")
        thought, end = random.choice(CALM), ""
        if random.random() < rude:
            if random.random() < 0.5:
                thought = random.choice(RUDE)
            else:
                end = random.choice(INSULTS)
        said = _facts(row["topics"])
        if random.random() >= helpful:
            others = _facts(random.sample([topic for topic in FACTS if topic not in row["topics"]], 2))
            said = random.choice([said[:1], others, [EVASIVE]])
        return f"<think>{thought}</think><answer>{' and'.join(said)}{end}</answer>"

    def vocabulary(self) -> list[str]:
        words = ["and", "are", *FACTS, *FACTS.values()]
        tags = ["<think>", "</think>", "<answer>", "</answer>"]
        return [*tags, OPENING, EVASIVE, *CALM, *RUDE, *INSULTS, *(f" {word}" for word in words)]


def _facts(topics: Sequence[str]) -> list[str]:
    return [f" {topic} are {FACTS[topic]}" for topic in topics]


@reward
def told(sample: Sample, topics: Sequence[str] | None = None) -> float | None:
    """The share of the topics asked about of which the summary says something true: what people would find helpful."""
    if not topics:
        return None
    summary = view_text(sample, "summary") or ""
    return sum(fact in summary for fact in _facts(topics)) / len(topics)


@reward
def polite(sample: Sample) -> float:
    """1 where neither thought nor summary has an insult."""
    return float(not any(words in sample.text for words in (*RUDE, *INSULTS)))
