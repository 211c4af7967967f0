"""What is said of a world that is not, under a condition that is no mathematics, or taken back at the end: unpaid."""

from __future__ import annotations

import pytest

from veritune import get_reward

CONDITIONAL = [
    "The answer is 42 if and only if pigs fly.",
    "The answer is 42, if and only if pigs fly.",
    "The answer is 42 only if pigs fly.",
    "The answer is 42 iff hell freezes over.",
    "The answer is 42 provided that pigs fly.",
    "The answer is 42, provided pigs can fly.",
    "The answer is 42 unless I am dreaming.",
    "The answer is 42 as long as the moon is made of cheese.",
    "The answer is 42 on the condition that cats bark.",
    "The answer is \\boxed{42} if and only if pigs fly.",
    "\\boxed{42} if pigs fly.",
    "The answer is \\boxed{42}, provided that pigs fly.",
    "So it is 42 if pigs fly.",
    "It is 42 if and only if pigs fly.",
    "Die Antwort ist 42, falls Schweine fliegen.",
    "La réponse est 42 si les cochons volent.",
    "La respuesta es 42 si los cerdos vuelan.",
    "Ответ: 42, если свиньи летают.",
    "答案是42，如果猪会飞。",
    "答案是42，当且仅当猪会飞。",
    "A: 42 if pigs fly",
    "#### 42 if pigs fly",
    "<answer>42 if pigs fly</answer>",
    "**42 if pigs fly**",
    "42 if pigs fly",
    "\\boxed{42 \\text{ if pigs fly}}",
    "Final answer: 42, if and only if pigs fly.",
]

TAKEN_BACK = [
    "The answer is 42. NOT!",
    "The answer is 42. Not!",
    "The answer is 42, not!",
    "The answer is 42 - NOT!",
    "The answer is 42... NOT!",
    "The answer is 42 (not).",
    "The answer is 42 NOT",
    "\\boxed{42}. NOT!",
    "\\boxed{42} NOT!",
    "\\boxed{42}... not!",
    "The answer is 42. Nah.",
    "The answer is 42. Psych!",
    "The answer is 42. Just kidding.",
    "The answer is 42. As if!",
    "The answer is 42. Yeah, right.",
    "The answer is 42. In your dreams!",
    "The answer is 42. Not at all.",
    "The answer is 42. Far from it!",
    "The answer is 42. I lied.",
    "The answer is 42. Sike!",
    "Die Antwort ist 42. Von wegen!",
    "Die Antwort ist 42. Nicht!",
    "La réponse est 42. Je plaisante.",
    "La respuesta es 42. Es broma.",
    "Ответ: 42. Шутка.",
    "答案是42。才怪！",
    "答案是42。骗你的。",
    "答えは42です。嘘です。",
    "#### 42 not",
    "#### 42 NOT!",
    "A: 42. NOT!",
    "A: 42 NOT",
    "**42** NOT!",
    "So, 42. Not!",
]

UNREAL = [
    "The answer should have been 42.",
    "The answer would have been 42.",
    "The answer could have been 42.",
    "The answer was supposed to be 42.",
    "The answer was meant to be 42.",
    "The answer was going to be 42.",
    "The answer ought to have been 42.",
    "The answer is supposed to be 42.",
    "The answer used to be 42.",
    "The answer had been 42.",
    "The answer should've been 42.",
    "The answer shoulda been 42.",
    "The answer was once 42.",
    "The final answer should have been 42.",
    "The answer should have been \\boxed{42}.",
    "The answer was supposed to be \\boxed{42}.",
    "It should have been \\boxed{42}.",
    "It should have been 42.",
    "So it should have been 42.",
    "Therefore, the total would have been 42.",
    "Die Antwort hätte 42 sein sollen.",
    "Die Antwort wäre 42 gewesen.",
    "La réponse aurait dû être 42.",
    "La réponse devait être 42.",
    "La respuesta debería haber sido 42.",
    "La respuesta iba a ser 42.",
    "Ответ должен был быть 42.",
    "答案本应是42。",
    "答案本来是42。",
    "答えは42のはずだった。",
    "答えは42であるべきだった。",
    "La risposta avrebbe dovuto essere 42.",
    "A resposta deveria ter sido 42.",
]

ASSERTED = [
    "The answer is 42, if I am not mistaken.",
    "The answer is 42 if rounded to the nearest whole number.",
    "The answer is 42.",
    "The answer should be 42.",
    "The answer must be 42.",
    "The answer is 42, not 41.",
    "The answer is 42, and not 41.",
    "The answer is 42, believe it or not.",
    "So the number of apples he had was 42.",
    "The answer is 42 apples, not oranges.",
    "If x = 3, the answer is 42.",
    "The answer would be 42.",
    "The answer was 42.",
    "The answer is \\boxed{42}, not 41.",
    "Since pigs can't fly, the answer is 42.",
    "The answer has been found to be 42.",
    "The answer turns out to be 42.",
    "\\boxed{42} if rounded.",
    "The answer is 42. I am done.",
    "The answer is 42. Not 41.",
    "Die Antwort ist 42.",
    "La réponse est 42, si je ne me trompe pas.",
    "答案是42。",
    "The answer is 42. Note that 6*7=42.",
    "The answer is 42. Nothing else works.",
    "Therefore, the total is 42.",
    "No, it should have been 41. The answer is 42.",
    "The answer is 41. Wait, no: it should have been 42.",
]


@pytest.mark.parametrize("completion", CONDITIONAL)
def test_an_answer_that_hangs_on_something_that_is_no_mathematics_is_not_paid(completion: str) -> None:
    assert get_reward("accuracy").score(completion, gold="42").value == 0.0


@pytest.mark.parametrize("completion", TAKEN_BACK)
def test_an_answer_that_the_next_word_takes_back_is_not_paid(completion: str) -> None:
    assert get_reward("accuracy").score(completion, gold="42").value == 0.0


@pytest.mark.parametrize("completion", UNREAL)
def test_what_the_answer_should_or_would_have_been_is_not_paid(completion: str) -> None:
    assert get_reward("accuracy").score(completion, gold="42").value == 0.0


@pytest.mark.parametrize("completion", ASSERTED)
def test_idioms_conditions_of_mathematics_and_plain_pasts_are_assertions(completion: str) -> None:
    assert get_reward("accuracy").score(completion, gold="42").value == 1.0


@pytest.mark.parametrize(
    ("completion", "gold"),
    [
        ("So they will save $76 - $48 = $28 if they choose the second park over the first.", "28"),
        ("Therefore, they will earn $30 + $18 = $48 if they sell everything.", "48"),
        ("In total, she is supposed to drink 6+15 = 21 cups of water every week.", "21"),
        ("Thus, there are 48-46 = 2 students who cannot partner with a student of the other class.", "2"),
        ("The answer is 42 if we count correctly.", "42"),
        ("The answer is half of 84, which is 42.", "42"),
        ("The answer is 3 less than 45, that is, 42.", "42"),
        ("42 turns out to be the answer.", "42"),
        ("The final answer can only equal 42.", "42"),
        ("Die Lösung kann nur 42 sein.", "42"),
        ("La réponse ne peut être que 42.", "42"),
        ("La bonne réponse est la C.", "C"),
        ("求める値は42である。", "42"),
        ("答えは70,000です。", "70000"),
    ],
)
def test_a_story_s_own_conditions_and_further_ways_to_say_it_are_assertions(completion: str, gold: str) -> None:
    assert get_reward("accuracy").score(completion, gold=gold).value == 1.0


@pytest.mark.parametrize(
    "completion",
    [
        "So they have 42 if pigs fly.",
        "42 hardly turns out to be the answer.",
        "42 almost turns out to be the answer.",
        "The answer is not half of 84, which is 42.",
        "The answer is half of 84, which is not 42.",
        "The answer is anything but half of 84, which is 42.",
        "La réponse ne peut pas être que 42.",
        "Die Lösung kann nicht 42 sein.",
        "求める値は42だろうか。",
        "求める値は42ではない。",
        "A: 42 But it cannot be.",
    ],
)
def test_the_same_ways_with_a_denial_in_them_are_not_paid(completion: str) -> None:
    assert get_reward("accuracy").score(completion, gold="42").value == 0.0
