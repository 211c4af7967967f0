"""Instruction types follow their law both ways, rows are read in every form, and no text raises or takes long."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pytest

from tests.verifiers.instruction_cases import CASES, IFBENCH, OPEN_INSTRUCT
from veritune import get_reward, get_verifier
from veritune.plugins import Cause, ColumnError, Sample
from veritune.rewards.attack import attack
from veritune.verifiers.instructions import InstructionVerifier
from veritune.verifiers.instructions.texts import sentences


def followed(name: str, kwargs: dict[str, Any], text: str, **options: Any) -> bool | None:
    return InstructionVerifier(**options).verify_columns(text, [name], [kwargs]).correct


@pytest.mark.parametrize("name", sorted({case[0] for case in CASES}))
def test_each_type_is_followed_and_broken(name: str) -> None:
    for _, kwargs, good, bad in (case for case in CASES if case[0] == name):
        assert followed(name, kwargs, good) is True, good
        assert followed(name, kwargs, bad) is False, bad


def test_the_types_of_ifbench_and_open_instruct_are_followed_and_broken() -> None:
    for name, kwargs, good, bad in (*IFBENCH, *OPEN_INSTRUCT):
        assert followed(name, kwargs, good) is True, (name, good)
        assert followed(name, kwargs, bad) is False, (name, bad)


def test_what_no_rule_tells_is_undecided_unless_another_instruction_is_broken() -> None:
    ids = ["words:odd_even_syllables", "punctuation:no_comma"]
    kwargs: list[dict[str, Any]] = [{}, {}]
    score = get_reward("instructions").score("one two", instruction_id_list=ids, kwargs=kwargs)
    assert (score.value, score.cause) == (None, Cause.ABSTAIN)
    assert get_reward("instructions").score("one, two", instruction_id_list=ids, kwargs=kwargs).value == 0.0
    assert followed("words:start_verb", {}, "Gallop away.") is None


def test_loose_reads_the_answer_without_its_first_and_last_line_and_its_asterisks() -> None:
    rows: list[tuple[str, dict[str, Any], str]] = [
        ("startend:quotation", {}, 'Sure, here it is:\n"hello there"'),
        ("punctuation:no_comma", {}, "Of course, sir:\nno commas here\nThat, was it."),
        ("change_case:english_lowercase", {}, "the answer is here\nBye"),
        ("startend:end_checker", {"end_phrase": "the end"}, "so it goes. **The end**"),
    ]
    for name, kwargs, text in rows:
        assert followed(name, kwargs, text) is False
        assert followed(name, kwargs, text, mode="loose") is True
    assert followed("punctuation:no_comma", {}, "a, b\nc, d\ne, f", mode="loose") is False


def test_sentences_end_where_a_reader_ends_them() -> None:
    for text, count in {
        "Dr. Smith and Mr. J. R. Jones met at 5 p.m. They left.": 2,
        "It costs $3.50, e.g. Apples do. See https://a.b/c.d for more.": 2,
        "Wait... what? Yes! No.": 3,
        "1. First thing\n2. Second thing\n3. Third thing": 1,
        "He lives in the U.S. The house is big.": 2,
        'She said "Stop." Then she left.': 2,
        "क्या हाल है? मैं ठीक हूँ। चलो।": 3,
        "A title\n\nA sentence.": 1,
        "": 0,
        "...": 1,
    }.items():
        assert len(sentences(text)) == count, (text, sentences(text))


def test_rows_are_read_as_lists_arrays_json_and_tables() -> None:
    ids, kwargs = (
        ["punctuation:no_comma", "length_constraints:number_words"],
        [{}, {"num_words": 2, "relation": "at least"}],
    )
    forms: list[tuple[Any, Any]] = [
        (ids, kwargs),
        (tuple(ids), np.array(kwargs, dtype=object)),
        (np.array(ids), json.dumps(kwargs)),
        (json.dumps(ids), [json.dumps(k) for k in kwargs]),
        (str(ids), str(kwargs)),
        (ids, [None, {"num_words": 2.0, "relation": "at least", "num_bullets": None, "letter": None}]),
        (ids, {"num_words": [None, 2], "relation": [None, "at least"]}),
    ]
    reward = get_reward("instructions")
    for given, arguments in forms:
        assert reward.score("two words", instruction_id_list=given, kwargs=arguments).value == 1.0
        assert reward.score("one, two", instruction_id_list=given, kwargs=arguments).value == 0.0
    for gold in ({"instruction_id_list": ids, "kwargs": kwargs}, json.dumps({"instruction_id": ids, "kwargs": kwargs}),
                 str([{"instruction_id": ids, "kwargs": kwargs}])):  # fmt: skip
        assert reward.score("two words", ground_truth=gold).value == 1.0
        assert get_verifier("instructions").verify("one, two", gold).correct is False
    assert reward.score("no comma", instruction_id_list="punctuation:no_comma").value == 1.0


def test_a_row_that_cannot_be_checked_is_undecided_and_says_why() -> None:
    at_least = {"relation": "at least"}
    wrong: list[tuple[Any, Any, str]] = [
        (["punctuation:no_commas"], [{}], "Did you mean 'punctuation:no_comma'"),
        (["length_constraints:number_words"], [at_least], "has no num_words"),
        (["length_constraints:number_words"], [{"num_word": 3, **at_least}], "Did you mean 'num_word'"),
        (["length_constraints:number_words"], [{"num_words": 3, "relation": "around"}], "not one of"),
        (["length_constraints:number_words"], [{"num_words": -3, **at_least}], "no count"),
        (["keywords:letter_frequency"], [{"letter": "ab", "let_frequency": 3, "let_relation": "exactly"}], "single"),
        (["keywords:existence"], [{"keywords": []}], "no list of words"),
        (["punctuation:no_comma"], [{}, {}], "one mapping for each of 1"),
        (["length_constraints:nth_paragraph_first_word"],
         [{"num_paragraphs": 2, "nth_paragraph": 3, "first_word": "a"}], "no paragraph 3"),
        (None, None, "no list of instruction ids"),
        ([], [], "no list of instruction ids"),
        (["language:response_language"], [{"language": "klingon"}], "no language we know"),
    ]  # fmt: skip
    for ids, kwargs, said in wrong:
        score = get_reward("instructions").score("text", instruction_id_list=ids, kwargs=kwargs)
        assert (score.value, score.cause) == (None, Cause.INVALID_GOLD)
        assert said in score.reason, score.reason
    with pytest.raises(ColumnError, match="instruction_id_list"):
        get_reward("instructions").score("text", question="4")


def test_all_or_the_share_of_the_instructions_is_paid() -> None:
    row: dict[str, Any] = {"instruction_id_list": ["punctuation:no_comma", "startend:quotation"], "kwargs": [{}, {}]}
    assert get_reward("instructions").score("a b", **row).value == 0.0
    assert get_reward("instructions", credit="fraction").score("a b", **row).value == 0.5
    assert get_reward("instructions", credit="fraction", right=2.0, wrong=-1.0).score("a b", **row).value == 0.5
    score = get_reward("instructions").score('"a b"', **row)
    assert score.value == 1.0
    assert score.verdict is not None
    assert [one["followed"] for one in score.verdict.evidence["instructions"]] == [True, True]


def test_what_follows_the_reasoning_is_judged() -> None:
    row: dict[str, Any] = {"instruction_id_list": ["change_case:english_lowercase"], "kwargs": [{}]}
    reward = get_reward("instructions")
    parsed = [{"role": "assistant", "reasoning_content": "Think, THINK", "content": "all is well here"}]
    for text in ("<think>\nThink, HARD\n</think>\n\nall is well here", "HARD\n</think>all is well here", parsed,
                 "<think>A</think>\n<answer>\nall is well here\n</answer>"):  # fmt: skip
        assert reward.score(text, **row).value == 1.0
    for text in ("<think>all is well here", "<think>a</think>", "", "<think>a</think>ALL IS WELL"):
        assert reward.score(text, **row).value == 0.0
    assert reward.score("all is well here", prompt="Go.<think>", **row).value == 0.0


def test_hostile_texts_and_arguments_are_bounded_and_never_raise() -> None:
    big = 4_000
    signs = [".", "*", "[", "<<", "{", '"', "-\n", "a\u0301", "***\n", "1", "SECTION ", "é", "\n", "?! "]
    texts = [sign * big for sign in signs] + ["\u0000\ud800", " " * big + "x", "." * big + "x"]
    table = {name: kwargs for name, kwargs, _, _ in (*CASES, *IFBENCH, *OPEN_INSTRUCT)}
    start = time.process_time()
    for text in texts:
        verdict = InstructionVerifier(mode="loose").verify_columns(text, list(table), list(table.values()))
        assert verdict.cause not in (Cause.INTERNAL_ERROR, Cause.INVALID_GOLD), verdict.reason
    assert time.process_time() - start < 20


def test_the_lab_finds_nothing_that_pays() -> None:
    report = attack(get_reward("instructions"), workers=1, budget=120)
    assert not report.failed, str(report)
    assert report.counts["holds"] > 80


def test_it_reads_what_a_trainer_hands_over() -> None:
    sample = Sample("a b", "p", None, {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]})
    assert get_reward("instructions").score_batch([sample])[0].value == 1.0
    reward = get_reward("instructions")
    columns: dict[str, Any] = {"instruction_id_list": [["punctuation:no_comma"]] * 2, "kwargs": [[{}]] * 2}
    assert reward(prompts=["p", "p"], completions=["a", "a, b"], **columns) == [1.0, 0.0]


SHORT = {
    "nl": "De kat slaapt vandaag op de bank in de woonkamer.", "hu": "A macska ma a kanapén alszik a nappaliban.",
    "pt": "O tempo está muito bom hoje e vamos sair para passear na praia.", "de": "Die Katze schläft auf dem Sofa.",
    "sw": "Paka analala kwenye kochi sebuleni leo asubuhi.", "es": "Me gusta comer pan con mantequilla.",
    "da": "Katten sover i dag på sofaen i stuen.", "no": "Katten sover i dag på sofaen i stua.",
    "sv": "Katten sover i dag på soffan i vardagsrummet.", "sk": "Mačka dnes spí na pohovke v obývačke.",
    "cs": "Kočka dnes spí na pohovce v obývacím pokoji.", "fr": "Le chat dort sur le canapé du salon.",
    "it": "Il gatto dorme oggi sul divano in soggiorno.", "fi": "Kissa nukkuu tänään olohuoneen sohvalla.",
}  # fmt: skip


def test_a_short_plain_sentence_is_never_wrong_in_its_language_nor_right_in_another() -> None:
    reward = get_reward("instructions")
    decided = 0
    for code, text in SHORT.items():
        for asked in SHORT:
            row: dict[str, Any] = {
                "instruction_id_list": ["language:response_language"],
                "kwargs": [{"language": asked}],
            }
            value = reward.score(text, **row).value
            assert value != (0.0 if asked == code else 1.0), (code, asked)
            decided += value is not None
    assert decided > 0.85 * len(SHORT) ** 2


def test_a_text_of_two_languages_is_in_neither() -> None:
    text = f"{SHORT['de']} {SHORT['fr']} " * 4
    for asked in ("de", "fr"):
        row: dict[str, Any] = {"instruction_id_list": ["language:response_language"], "kwargs": [{"language": asked}]}
        assert get_reward("instructions").score(text, **row).value == 0.0
