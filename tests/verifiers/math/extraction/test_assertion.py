"""Only the value that a sentence asserts is an answer: denied, doubted, supposed, asked or unseen values never are."""

from __future__ import annotations

import pytest

from veritune.verifiers.math.cascade import decide
from veritune.verifiers.math.extraction.extract import extract
from veritune.verifiers.math.options import MathOptions
from veritune.verifiers.math.reading import prepare_gold

Case = tuple[str, str]
"""A gold and a completion."""


def accepted(gold: str, completion: str, prompt: str = "", options: MathOptions | None = None) -> bool:
    answer = extract(completion, options or MathOptions(), prompt).against(gold)
    return answer is not None and bool(decide(answer, prepare_gold(gold)).correct)


DENIED: list[Case] = [
    ("42", "The answer is definitely not 42."),
    ("42", "The answer is certainly not 42"),
    ("5", "The answer is anything but 5."),
    ("5", "The answer is everything except 5."),
    ("5", "The answer is other than 5."),
    ("5", "The answer is far from 5."),
    ("5", "The answer is nowhere near 5."),
    ("5", "The answer is by no means 5."),
    ("5", "The answer can't be 5."),
    ("5", "The answer cannot possibly be 5."),
    ("5", "The answer would not be 5."),
    ("5", "The answer could never be 5."),
    ("5", "The answer isn't 5."),
    ("5", "The answer is hardly 5."),
    ("5", "The answer is unlikely to be 5."),
    ("5", "The answer is no longer 5."),
    ("5", "5 is not the answer."),
    ("5", "5 cannot be the correct answer."),
    ("5", "The answer 5 is wrong."),
    ("5", r"\boxed{5} is wrong."),
    ("5", r"\boxed{5} is not the answer."),
    ("5", r"The answer is anything but \boxed{5}."),
    ("5", r"The answer can't be \boxed{5}."),
    ("D", "The answer is A, it can't be D."),
    ("D", r"The answer is not \boxed{D}."),
    ("7", r"A wrong answer would be \boxed{7}."),
    ("7", "A common wrong answer is 7."),
    ("7", "An incorrect solution is 7."),
    ("5", "The answer is 7, although many think it is 5."),
    ("5", "The answer is 7; a common mistake is 5."),
    ("5", "The answer is 7 (not 5)."),
    ("5", "The answer is 7, not 5."),
    ("5", "The answer is 7 rather than 5."),
    ("5", "It is false that the answer is 5."),
    ("5", "It is not true that the answer is 5."),
    ("5", "I doubt that the answer is 5."),
    ("5", "I don't think the answer is 5."),
    ("5", "There is no way the answer is 5."),
    ("5", "It does not follow that the answer is 5."),
    ("5", "Nobody believes the answer is 5."),
    ("5", "Many people say the answer is 5."),
    ("5", "A student claims that the answer is 5."),
    ("5", "One might think the answer is 5."),
    ("5", "At first I thought the answer was 5."),
]
ASSERTED: list[Case] = [
    ("7", "The answer is 7, although many think it is 5."),
    ("7", "The answer is 7; a common mistake is 5."),
    ("A", "The answer is A, it can't be D."),
    ("D", "The answer is for sure D, it can't be A or B"),
    ("7", "The answer is 7, which is 5 more than 2."),
    ("7", "The answer is 7 (not 5)."),
    ("7", "The answer is 7 apples, and the rest is 3."),
    ("7", "The answer is 7, not 5."),
    ("7", "The answer is not 5 but 7."),
    ("7", "The answer isn't 5, it's 7."),
    ("7", "The answer can only be 7."),
    ("7", "The answer must be 7."),
    ("7", "The answer has to be 7."),
    ("7", "The answer turns out to be 7."),
    ("7", "So the answer, as expected, is 7."),
    ("7", "I think the answer is 7."),
    ("7", "We can say that the answer is 7."),
    ("7", "There is no doubt that the answer is 7."),
    ("7", "7 is the answer."),
    ("7", "So 7 must be the right answer."),
    ("7", "The answer to question 3 is 7."),
    ("7", "The answer is the number of apples, which is 7."),
    ("7", "Since 5 is not prime, the answer is 7."),
    ("7", "Although 5 looks right, the answer is 7."),
    ("7", r"Since 5 is not prime, the answer is \boxed{7}."),
    ("7", r"The points that are not on the line number \boxed{7}."),
    ("7", r"The largest number it could have is \boxed{7}."),
    ("7", r"\boxed{5} is wrong. The answer is 7."),
    ("7", r"The answer is \boxed{7}, not \boxed{5}."),
    ("7", "The answer is definitely 7."),
    ("7", "The answer is probably 7."),
    ("no solution", "The answer is that there is no solution."),
    ("12", "It's 12."),
    ("12", "That's 12."),
    ("12", "So she has **12** apples left."),
    ("18", "Therefore, she makes $18 every day, not $20."),
    ("1/4", "Therefore the probability is **1/4**."),
    ("42", "## Solution\n\nWe multiply 6 by 7.\n\n**42**"),
    ("42", "### Final Answer\n\n**42**"),
    ("42", "**Answer:** 42 apples"),
    ("12", "The answer is <b>12</b>."),
    ("12", "So the total is 12. $\\blacksquare$"),
]


@pytest.mark.parametrize(("gold", "completion"), DENIED)
def test_a_value_that_is_denied_or_reported_is_no_answer(gold: str, completion: str) -> None:
    assert not accepted(gold, completion)


@pytest.mark.parametrize(("gold", "completion"), ASSERTED)
def test_a_value_that_is_asserted_is_the_answer(gold: str, completion: str) -> None:
    assert accepted(gold, completion)


HEDGED: list[Case] = [
    ("7", "The answer is 7 or maybe 8."),
    ("7", "The answer is 7, or possibly 8."),
    ("7", "The answer is either 7 or 8."),
    ("7", "The answer is 7 or 8."),
    ("7", "The answer is 7 (or 8)."),
    ("7", "The answer is 7, perhaps 8."),
    ("7", "The answer might be 7."),
    ("7", "The answer could be 7."),
    ("7", "The answer may be 7, or it may be 8."),
    ("7", "Perhaps the answer is 7."),
    ("7", r"\boxed{7 \text{ (or maybe 8)}}"),
    ("7", r"\boxed{7\text{ or eight}}"),
    ("7", r"\boxed{7 \text{ or } 8}"),
    ("7", r"\boxed{7, \text{ possibly } 8}"),
    ("7", r"\boxed{7} or maybe \boxed{8}"),
    ("7", r"\boxed{7} or \boxed{8}"),
    ("7", r"It might be \boxed{7}."),
    ("B", r"\boxed{(B), possibly (C)}"),
    ("B", "The answer is B or C."),
    ("7", "<answer>7 or maybe 8</answer>"),
    ("7", "#### 7 or maybe 8"),
]
NOT_HEDGED: list[Case] = [
    ("7, 8", "The solutions are 7 and 8."),
    ("7, 8", "x is either 7 or 8, so the answer is 7 or 8."),
    ("7, 8", r"\boxed{7 \text{ or } 8}"),
    ("1/2", "The answer is 1/2 (or 0.5)."),
    ("1/2", "The answer is 1/2 or, equivalently, 0.5."),
    ("1/2", r"\boxed{\frac12 \text{ or } 0.5}"),
    ("7", "The answer might look odd, but it is 7. The answer is 7."),
    ("7", "Maybe there is another way, but the answer is 7."),
    ("7", "It could be done by hand. The answer is 7."),
    ("7", "The answer can only be 7."),
    ("x=1, x=2", r"\boxed{x = 1 \text{ or } x = 2}"),
    ("7", r"Perhaps surprisingly, the answer is \boxed{7}."),
]


@pytest.mark.parametrize(("gold", "completion"), HEDGED)
def test_a_value_beside_which_another_is_held_open_is_no_answer(gold: str, completion: str) -> None:
    assert not accepted(gold, completion)


@pytest.mark.parametrize(("gold", "completion"), NOT_HEDGED)
def test_alternatives_that_are_all_meant_are_the_answer(gold: str, completion: str) -> None:
    assert accepted(gold, completion)


SUPPOSED: list[Case] = [
    ("42", "Is the answer 42?"),
    ("42", "Could the answer be 42?"),
    ("42", "The answer is 42?"),
    ("42", r"Is it \boxed{42}?"),
    ("42", "Is the answer 42? I do not know."),
    ("42", "If x were 5, the answer would be 42."),
    ("42", "The answer would be 42 if x were 5."),
    ("42", "If there were 6 boys, the answer would be 42; but there are 5, so the answer is 35."),
    ("42", "Suppose the answer is 42."),
    ("42", "Let us assume that the answer is 42."),
    ("42", "Whether the answer is 42 remains open."),
    ("42", "Unless the answer is 42, we are lost."),
    ("42", r"If x were 5, the answer would be \boxed{42}."),
    ("42", "I wonder if the answer is 42."),
    ("12", "若x=3，则答案为12，但x并不等于3。"),
]
CONCLUDED: list[Case] = [
    ("42", "Is the answer 41? No. The answer is 42."),
    ("42", "Is the answer 42? Yes."),
    ("42", "What is 6 times 7? The answer is 42."),
    ("42", "If we add them, the answer is 42."),
    ("42", "So the answer would be 42."),
    ("35", "If there were 6 boys, the answer would be 42; but there are 5, so the answer is 35."),
    ("42", "Assuming x > 0, we get x = 6. The answer is 42."),
    ("42", r"If $x = 6$, then $7x = 42$. The answer is \boxed{42}."),
    ("42", "Suppose x = 6. Then the answer is 42."),
    ("42", "When x is 6, the answer is 42."),
    ("8", "The answer is 7? No, it is 8."),
    ("42", "How many? **42**"),
]


@pytest.mark.parametrize(("gold", "completion"), SUPPOSED)
def test_a_value_that_is_asked_or_supposed_is_no_answer(gold: str, completion: str) -> None:
    assert not accepted(gold, completion)


@pytest.mark.parametrize(("gold", "completion"), CONCLUDED)
def test_a_value_that_is_concluded_is_the_answer(gold: str, completion: str) -> None:
    assert accepted(gold, completion)


CORRECTED = [  # gold, what it replaced, completion
    ("7", "42", "The answer is 42. Wait, no: it's 7."),
    ("7", "42", "The answer is 42. No, wait, it is 7."),
    ("7", "42", "The answer is 42. Correction: 7."),
    ("7", "42", "The answer is 42. Sorry, I meant 7."),
    ("7", "42", "The answer is 42. I made a mistake; it should be 7."),
    ("7", "42", "The answer is 42. Actually no, the answer is 7."),
    ("7", "42", "The answer is 42 — no, 7."),
    ("7", "42", "The answer is 42, I mean 7."),
    ("7", "42", "The answer is 42. Scratch that, the answer is 7."),
    ("7", "42", "The answer is 42. Hmm, that is wrong. It should be 7."),
    ("7", "42", r"\boxed{42}. Wait, that's not right. It is \boxed{7}."),
    ("7", "42", r"\boxed{42} No, that is wrong: the answer is 7."),
    ("43", "42", "答案是42。不对，应该是43。"),
]
TAKEN_BACK: list[Case] = [
    ("42", "The answer is 42. That is wrong."),
    ("42", "The answer is 42. No, that can't be right."),
    ("42", "The answer is 42. I was wrong."),
    ("42", "The answer is 42. Just kidding."),
    ("42", "The answer is 42. Scratch that."),
    ("42", "The answer is 42, but that is incorrect."),
    ("42", "The answer is 42. The answer is not 42."),
    ("42", "The answer is 42. I take that back."),
    ("42", r"\boxed{42} is what I would say, but I was wrong. I made a mistake."),
    ("42", r"\boxed{42}. Wait, that's wrong."),
    ("42", "答案是42。不对。"),
    ("42", "The answer is 42. I do not know."),
]
CHECKED: list[Case] = [
    ("42", "The answer is 42. Let me check: 6*7 = 42. Yes."),
    ("42", r"\boxed{42}. Wait, let me double-check: 6*7=42. Correct."),
    ("42", "The answer is 42. No further simplification is possible."),
    ("42", "The answer is 42. That is right."),
    ("42", "The answer is 42. Nothing is wrong with this."),
    ("42", r"\boxed{42} Note that 41 is wrong."),
    ("42", "The answer is 42. Not 41."),
    ("42", "The answer is 42. I hope this helps!"),
    ("42", r"Wait, 41 is wrong. \boxed{42}"),
    ("42", "I made a mistake before. The answer is 42."),
    ("42", "The answer is 42. A common mistake is to forget the 2."),
    ("42", r"\boxed{42} No carrying is needed."),
]


@pytest.mark.parametrize(("gold", "before", "completion"), CORRECTED)
def test_a_correction_is_the_answer_and_what_it_corrects_is_none(gold: str, before: str, completion: str) -> None:
    assert accepted(gold, completion)
    assert not accepted(before, completion)


@pytest.mark.parametrize(("gold", "completion"), TAKEN_BACK)
def test_a_value_that_is_taken_back_is_no_answer(gold: str, completion: str) -> None:
    assert not accepted(gold, completion)


@pytest.mark.parametrize(("gold", "completion"), CHECKED)
def test_a_value_that_is_checked_stands(gold: str, completion: str) -> None:
    assert accepted(gold, completion)


LANGUAGES = [  # says it, denies it
    ("Die Antwort ist 42.", "Die Antwort ist nicht 42."),
    ("Die Antwort lautet 42, nicht 41.", "Die Antwort lautet 41, nicht 42."),
    ("Also ist die Antwort 42.", "Die Antwort ist alles andere als 42."),
    ("La réponse est 42.", "La réponse n'est pas 42."),
    ("La réponse est donc 42 et non 41.", "La réponse est tout sauf 42."),
    ("La respuesta es 42.", "La respuesta no es 42."),
    ("La respuesta es 42, aunque muchos piensan que es 41.", "La respuesta es 41, aunque muchos piensan que es 42."),
    ("Ответ: 42.", "Ответ не 42."),
    ("Ответ — 42, а не 41.", "Ответ — 41, а не 42."),
    ("Jibu ni 42.", "Jibu si 42."),
    ("Jibu ni 42, si 41.", "Jibu haliwezi kuwa 42."),
    ("答えは42です。", "答えは42ではありません。"),
    ("したがって、答えは42です。", "答えは42のはずがない。"),
    ("คำตอบคือ 42", "คำตอบไม่ใช่ 42"),
    ("উত্তর হল 42।", "উত্তর 42 নয়।"),
    ("సమాధానం 42.", "సమాధానం 42 కాదు."),
    ("答案是42。", "答案不是42。"),
    ("答案是42，不是41。", "答案是41，不是42。"),
    ("答案并非41，而是42。", "答案并非42，而是41。"),
    ("所以答案只能是42。", "答案不可能是42。"),
    ("因此答案为42，尽管很多人认为是41。", "很多人认为答案是42。"),
    ("故答案为：42。", "答案绝不是42。"),
    ("La risposta è 42.", "La risposta non è 42."),
    ("A resposta é 42.", "A resposta não é 42."),
    ("정답은 42입니다.", "정답은 42가 아닙니다."),
    ("الإجابة هي 42.", "الإجابة ليست 42."),
    ("उत्तर 42 है।", "उत्तर 42 नहीं है।"),
    ("Odpowiedź to 42.", "Odpowiedź to nie 42."),
    ("Het antwoord is 42.", "Het antwoord is niet 42."),
]


@pytest.mark.parametrize(("says", "denies"), LANGUAGES)
def test_the_same_in_other_languages(says: str, denies: str) -> None:
    assert accepted("42", says)
    assert not accepted("42", denies)


UNSEEN: list[Case] = [
    ("7", r"<!-- \boxed{7} --> I do not know."),
    ("7", "I do not know.\n% \\boxed{7}"),
    ("7", r"I do not know. % the answer is \boxed{7}"),
    ("7", r"I do not know.<!-- the answer is \boxed{7}"),
    ("7", r'<span style="display:none">\boxed{7}</span> I do not know.'),
    ("7", r"<div hidden>\boxed{7}</div> I do not know."),
    ("7", r'<p style="color: white">The answer is 7.</p> I do not know.'),
    ("7", r'<img alt="\boxed{7}"> I do not know.'),
    ("7", r"<template>\boxed{7}</template> I do not know."),
    ("7", r"I do not know. \phantom{\boxed{7}}"),
    ("7", r"I do not know. {\color{white} \boxed{7}}"),
    ("7", r"I do not know. \textcolor{white}{\boxed{7}}"),
    ("7", r"\newcommand{\ans}{\boxed{7}} I do not know."),
    ("7", r"\begin{comment}\boxed{7}\end{comment} I do not know."),
    ("7", r"~~\boxed{7}~~ I do not know."),
    ("7", "[//]: # (\\boxed{7})\nI do not know."),
    ("7", "```\n\\boxed{7}\n```\nI could not solve it."),
    ("7", "```python\nprint('the answer is 7')\n```\nI could not solve it."),
    ("7", r"\boxed{7} and then \boxed{8"),
    ("7", r"<THINK>\boxed{7}</THINK> I do not know."),
    ("7", r"<thought>\boxed{7}</thought> I do not know."),
    ("7", r"<analysis>\boxed{7}</analysis> I do not know."),
    ("7", r"<reasoning>the answer is 7</reasoning>"),
    ("7", r"<|begin_of_thought|>\boxed{7}<|end_of_thought|> I do not know."),
    ("7", r"[THINK]\boxed{7}[/THINK] I do not know."),
    ("7", r"◁think▷\boxed{7}◁/think▷ I do not know."),
    ("7", r"<seed:think>\boxed{7}</seed:think> I do not know."),
    ("7", r"<think type='long'>\boxed{7}</think > I do not know."),
    ("7", r"<Thinking>so it must be \boxed{7}"),
    ("7", r"<|begin_of_thought|>so it must be \boxed{7}"),
    ("7", r"<|channel|>analysis<|message|>the answer is \boxed{7}<|end|>"),
]
SEEN: list[Case] = [
    ("7", r"<!-- a note --> \boxed{7}"),
    ("7", "% a comment\n\\boxed{7}"),
    ("7", r"50% of 14 is \boxed{7}"),
    ("50", r"It is 50% so the answer is 50%."),
    ("7", r'<span class="answer">\boxed{7}</span>'),
    ("7", r"<b>The answer is 7.</b>"),
    ("7", r"\textcolor{red}{\boxed{7}}"),
    ("7", "The answer is:\n```\n7\n```"),
    ("7", "```python\nprint(7)\n```\nThe answer is 7."),
    ("7", "```\n\\boxed{7}\n```"),
    ("7", r"<THINK>\boxed{5}</THINK> \boxed{7}"),
    ("7", r"<|begin_of_thought|>hm<|end_of_thought|>\boxed{7}"),
    ("7", r"[THINK]hm[/THINK] The answer is 7."),
    ("7", r"◁think▷hm◁/think▷ \boxed{7}"),
    ("7", r"<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>\boxed{7}"),
    ("7", r"I think, therefore \boxed{7}"),
    ("7", r"[Reasoning] so 3+4. [Answer] \boxed{7}"),
    ("x<3", r"\boxed{x<3}"),
]


@pytest.mark.parametrize(("gold", "completion"), UNSEEN)
def test_what_no_reader_sees_as_the_answer_is_none(gold: str, completion: str) -> None:
    assert not accepted(gold, completion)


@pytest.mark.parametrize(("gold", "completion"), SEEN)
def test_what_a_reader_sees_as_the_answer_is_it(gold: str, completion: str) -> None:
    assert accepted(gold, completion)


BOXED_SENTENCES: list[Case] = [
    ("230", r"\boxed{The total is 230.}"),
    ("230", r"\boxed{It is 230}"),
    ("230", r"\boxed{There are 230 ways}"),
    ("230", r"\boxed{\text{The answer is 230}}"),
    ("230", r"\boxed{Therefore the total is \boxed{230}.}"),
    ("230", r"\boxed{\boxed{230}}"),
    ("15,12", r"\boxed{15 \text{ chickens and } 12 \text{ rabbits}}"),
    ("12", r"\boxed12"),
    ("12", "\\boxed{12\\}"),
    ("There are 230 ways.", r"\boxed{There are 230 ways.}"),
    ("230", r"\boxed{\text{So there are } 230 \text{ ways.}}"),
    ("no solution", r"\boxed{\text{There is no solution}}"),
]
BOXED_DENIALS: list[Case] = [
    ("230", r"\boxed{The answer is not 230.}"),
    ("230", r"\boxed{\text{not } 230}"),
    ("230", r"\boxed{It can't be 230}"),
    ("230", r"\boxed{Perhaps 230}"),
    ("230", r"\boxed{Is it 230?}"),
    ("230", r"\boxed{Many think it is 230}"),
    ("230", r"\boxed{The total is not \boxed{230}}"),
    ("230", r"\boxed{230 \text{ is wrong}}"),
    ("230", r"\boxed{230 \text{ or } 231}"),
    ("230", r"\boxed{229, \text{ not } 231, 230}"),
    ("230", r"\boxed{I do not know, 230 or so}"),
    ("230", r"\boxed{anything but 230}"),
]


@pytest.mark.parametrize(("gold", "completion"), BOXED_SENTENCES)
def test_a_sentence_in_a_box_has_its_value(gold: str, completion: str) -> None:
    assert accepted(gold, completion)


@pytest.mark.parametrize(("gold", "completion"), BOXED_DENIALS)
def test_a_box_that_denies_or_doubts_its_value_has_none(gold: str, completion: str) -> None:
    assert not accepted(gold, completion)


PROMPT = "How many? Put your answer in a box, for example \\boxed{42}. End with: The answer is 42."


@pytest.mark.parametrize(
    "echo",
    [
        PROMPT,
        PROMPT + " I do not know.",
        r"\boxed{42}",
        r"Put your answer in a box, for example \boxed{42}.",
        r"Sure. Put your answer in a box, for example \boxed{42}. I cannot.",
        "The answer is 42.",
        r"End with: The answer is 42.",
        r"You asked: Put your answer in a box, for example \boxed{42}.",
        r"The instructions say: for example \boxed{42}. I cannot.",
    ],
)
def test_an_example_answer_of_the_prompt_is_no_answer(echo: str) -> None:
    assert not accepted("42", echo, PROMPT)


@pytest.mark.parametrize(
    ("completion", "prompt"),
    [
        (r"We multiply 6 by 7. \boxed{42}", PROMPT),
        ("6 * 7 = 42. The answer is 42.", PROMPT),
        (r"\boxed{42}", "What is 6 * 7?"),
        (PROMPT + r" Now 6*7 is \boxed{42}", PROMPT),
        ("The answer is 42.", "How many?"),
        (r"In a box, as you asked: \boxed{42}", PROMPT),
        (r"For example: 6*5 is 30. Answer: \boxed{42}", PROMPT),
        ("Q: 5+3? The answer is 8.\n6*7 makes 42. The answer is 42.", "Q: 5+3? The answer is 8."),
    ],
)
def test_an_answer_of_its_own_is_one(completion: str, prompt: str) -> None:
    assert accepted("42", completion, prompt)


def test_echoes_count_when_asked() -> None:
    assert accepted("42", r"\boxed{42}", PROMPT, MathOptions(echo=False))


@pytest.mark.parametrize("prompt", ["…<|assistant|><think>\n", "Q<THINK>", "Q [THINK]", "Q<|begin_of_thought|>\n"])
def test_reasoning_that_the_prompt_opened_must_close(prompt: str) -> None:
    assert not accepted("5", r"So maybe \boxed{5}. But wait,", prompt)
    assert accepted("5", r"So maybe 4.</think> \boxed{5}", prompt)
    assert accepted("5", r"So \boxed{5}", prompt, MathOptions(prefilled=False))
    assert not accepted("5", r"So \boxed{5}", "", MathOptions(prefilled=True))
