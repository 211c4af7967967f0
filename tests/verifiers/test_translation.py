"""BLEU, chrF and ROUGE are the libraries' own numbers, of several references, in bounds, with their signatures."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from veritune import get_reward, get_verifier
from veritune.plugins import Cause
from veritune.rewards.attack import attack, worker_pool

sacrebleu = pytest.importorskip("sacrebleu", reason="the extra `translation` is not installed")
rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer", reason="the extra `translation` is not installed")

REFERENCE = "The quick brown fox jumps over the lazy dog near the river."
PAIRS: list[tuple[str, Any]] = [
    (REFERENCE, REFERENCE),
    ("A quick brown fox jumped over a lazy dog by the river.", REFERENCE),
    ("The dog sleeps.", REFERENCE),
    ("the quick brown fox", [REFERENCE, "The quick brown fox"]),
    ("river the near dog lazy the over jumps fox brown quick The.", REFERENCE),
    ("Nothing in common", "xyzzy"),
    ("It costs $3.50, doesn't it?", ["It costs $3.50, does it not?", "The price is $3.50, isn't it?"]),
    ("Der schnelle braune Fuchs springt über den Hund.", "Der schnelle Fuchs springt über den faulen Hund."),
    ("Two lines\nof text", "Two lines of text"),
    ("Быстрая лиса прыгает", "Быстрая рыжая лиса прыгает"),
]


def test_the_numbers_are_those_of_the_libraries() -> None:
    for answer, gold in PAIRS:
        references = [gold] if isinstance(gold, str) else gold
        bleu = sacrebleu.sentence_bleu(answer, references).score / 100
        assert get_reward("bleu").score(answer, gold=gold).value == pytest.approx(bleu)
        for order in (0, 2):
            chrf = sacrebleu.sentence_chrf(answer, references, word_order=order).score / 100
            assert get_reward("chrf", word_order=order).score(answer, gold=gold).value == pytest.approx(chrf)
        if all(reference.isascii() for reference in references):
            for kind in ("rouge1", "rouge2", "rougeL", "rougeLsum"):
                scorer = rouge_scorer.RougeScorer([kind])
                best = max(scorer.score(reference, answer)[kind].fmeasure for reference in references)
                assert get_reward("rouge", kind=kind).score(answer, gold=gold).value == pytest.approx(best)


def test_the_reason_holds_the_signature() -> None:
    score = get_reward("bleu").score("a cat", gold=["a cat", "the cat"])
    assert (
        score.reason == f"bleu 1.0000 (nrefs:2|case:mixed|eff:yes|tok:13a|smooth:exp|version:{sacrebleu.__version__})"
    )
    assert "nc:6|nw:2" in get_reward("chrf", word_order=2).score("a", gold="a").reason
    assert (
        "rougeL|nrefs:1|measure:fmeasure|stem:no|tok:default|version:"
        in get_reward("rouge").score("a", gold="a").reason
    )
    assert "case:lc" in get_reward("bleu", lowercase=True).score("A CAT", gold="a cat").reason


CASES: list[tuple[str, str, Any, float, float]] = [
    # metric, answer, gold, at least, at most
    ("bleu", "今天天气很好。", "今天天气很好。", 1.0, 1.0),
    ("bleu", "今天天气不错。", "今天天气很好。", 0.3, 0.8),
    ("bleu", "今日はとても良い天気です", "今日は良い天気です", 0.4, 0.95),
    ("rouge", "今天天气不错", "今天天气很好", 0.5, 0.9),
    ("rouge", "Быстрая лиса", "Быстрая рыжая лиса", 0.7, 0.9),
    ("rouge", "été à Paris", "été à Paris", 1.0, 1.0),
    ("rouge", "hiver", "été à Paris", 0.0, 0.0),
    ("chrf", "Donaudampfschiff", "Donaudampfschifffahrt", 0.6, 0.95),
    ("bleu", "<think>no idea</think>a cat sat here", "a cat sat here", 1.0, 1.0),
    ("bleu", "<think>a</think><answer>a cat sat here</answer>", "a cat sat here", 1.0, 1.0),
    ("bleu", "Sure: <answer>a cat sat here</answer>", "a cat sat here", 1.0, 1.0),
    ("bleu", "<think>a cat sat here", "a cat sat here", 0.0, 0.0),
    ("bleu", "<think>a cat sat here</think>", "a cat sat here", 0.0, 0.0),
    ("rouge", "", "a cat", 0.0, 0.0),
    ("chrf", "   \n", "a cat", 0.0, 0.0),
    ("chrf", "\u200b\u200b", "a cat", 0.0, 0.0),
    ("bleu", "a cat " * 3000, "a cat", 0.0, 0.0),
    ("rouge", "a cat " * 30, "a cat", 0.0, 0.15),
    ("bleu", "the", REFERENCE, 0.0, 0.1),
    ("rouge", "the", REFERENCE, 0.0, 0.2),
]


def test_scripts_reasoning_and_empty_answers_are_read_as_meant() -> None:
    for name, answer, gold, least, most in CASES:
        value = get_reward(name).score(answer, gold=gold).value
        assert value is not None
        assert least <= value <= most, (name, answer, value)


def test_references_are_a_text_or_a_list_and_empty_ones_are_undecided() -> None:
    for name in ("bleu", "chrf", "rouge"):
        reward = get_reward(name)
        for gold in ("a cat", ["a cat"], ("no", "a cat"), np.array(["a cat", ""]), [None, "a cat"]):
            assert reward.score("a cat", gold=gold).value == 1.0, gold
        bad: list[Any] = [None, "", " ", [], [""], 5, {"en": "a cat", "fr": "un chat"}, [5], "x" * 100_001]
        for gold in bad:
            score = reward.score("a cat", gold=gold)
            assert (score.value, score.cause) == (None, Cause.INVALID_GOLD), gold
        assert get_verifier(name).verify("a cat", "a cat").correct is True
        assert get_verifier(name).verify("a dog", "a cat").correct is False
    assert "columns: {gold: COLUMN.NAME}" in get_reward("bleu").score("a", gold={"en": "a"}).reason


def test_long_and_strange_texts_are_bounded_and_never_raise() -> None:
    start = time.process_time()
    reference = "word " * 600
    for text in (
        "word " * 2000,
        "a" * 9000,
        "。" * 5000,
        "\ud800",
        "\u0000",
        "ᄀ" * 5000,
        "- " * 4000,
        "&amp;" * 1500,
        "%s {0} \\",
    ):
        for name in ("bleu", "chrf", "rouge"):
            score = get_reward(name).score(text, gold=reference)
            assert score.cause in (None, Cause.ABSTAIN), score
    long = get_reward("rouge").score("word " * 7000, gold="word " * 7000)
    assert long.cause is Cause.ABSTAIN
    assert time.process_time() - start < 20


@pytest.mark.parametrize("name", ["bleu", "chrf", "rouge"])
def test_the_lab_finds_nothing_that_pays(name: str) -> None:
    report = attack(get_reward(name), pool=_pool)
    assert not report.failed, str(report)
    assert report.counts["holds"] > 80
    assert any(result.attack.name == "the reference, many times" for result in report.results)


_pool = worker_pool(1, 2.0)
