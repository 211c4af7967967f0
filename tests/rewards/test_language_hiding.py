"""Language that stands where it does not belong counts, what is no language does not, and a guess is None."""

from __future__ import annotations

from typing import Any

import pytest

from veritune import Sample, get_reward
from veritune.rewards.language.instructions import without_instructions

CHINESE = "首先我们把三个苹果和四个苹果加起来得到七个苹果所以答案是七"
ENGLISH = "first we add three apples and four apples and this gives seven apples so the answer is seven"
PLACES = {
    "fence": "```\n{}\n```",
    "fence of a language": "```text\n{}\n```",
    "tildes": "~~~\n{}\n~~~",
    "open fence": "```\n{}",
    "backticks": "`{}`",
    "dollars": "$\\text{{{}}}$",
    "two dollars": "$${}$$",
    "brackets": "\\[{}\\]",
    "parentheses": "\\({}\\)",
    "environment": "\\begin{{align}}{}\\end{{align}}",
    "unknown environment": "\\begin{{x}}{}\\end{{x}}",
    "tag": "<{}>",
    "attribute": '<a title="{}">x</a>',
    "comment": "<!-- {} -->",
    "bold": "**{}**",
    "list": "- {}",
    "table": "| {} | 1 |",
}


def share(text: str, target: str, **params: Any) -> float:
    value = get_reward("language", target=target, **params).score(text).value
    assert value is not None
    return value


@pytest.mark.parametrize("place", PLACES)
def test_a_thought_in_another_language_is_worth_no_more_for_where_it_hides(place: str) -> None:
    for hidden, target, opener in ((CHINESE, "en", "Let me think about it."), (ENGLISH, "zh", "我们想一想这个问题。")):
        plain = share(f"<think>{opener}\n{hidden}</think>5", target)
        found = share(f"<think>{opener}\n{PLACES[place].format(hidden)}</think>5", target)
        assert found <= plain + 0.02


def test_an_address_is_no_sentence_and_a_sentence_is_no_address() -> None:
    assert share(f"<think>Let me think. https://{CHINESE}</think>5", "en", languages=["en", "zh"]) < 0.3
    assert share(f"<think>我们想一想。 https://a.b/{ENGLISH.replace(' ', '-')}</think>", "zh") < 0.3
    assert share("<think>我们看 https://example.org/wiki/Prime_number 这一页吧。</think>", "zh") == 1.0


def test_what_is_moved_out_of_the_thinking_counts_and_an_answer_in_another_language_does_not() -> None:
    assert share(f"{CHINESE}<think>Let me think about it.</think>5", "en") < 0.5
    assert share(f"<think>Let me think about this.</think>{CHINESE}", "en") < 0.5
    assert share(f"<think>Let me think about this.</think>{CHINESE}", "en", view="block") == 1.0
    assert share(f"<think>{ENGLISH}.</think>所以答案是七个苹果。", "en") == 1.0


def test_nothing_hides_behind_the_limit_of_what_is_read() -> None:
    long = "So we add the two numbers and we get another number. " * 20
    honest = "".join(f"{long}{i} and " for i in range(100))
    assert share(f"<think>{honest}{(CHINESE + '。') * 8000}</think>", "en") < 0.6


def test_programs_and_formulas_are_of_no_language() -> None:
    code = "```python\nfor item in items:\n    total = total + item\nreturn total\n```"
    assert share(f"<think>我们把所有的数加起来。\n{code}\n这样就得到了答案。</think>", "zh") == 1.0
    formula = r"$\frac{a}{b} = \sin x$ 和 \[\lim_{x \to 0} f(x) = \text{max}\]"
    assert share(f"<think>我们看这个公式 {formula} 就知道了。</think>", "zh") == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "the " * 50,
        "so we add and " * 30,
        "xkqz wjfh plmrt vbn qqrt zzxw kjhg qwrt plk mnbvc xzlkj",
        "asdf qwer zxcv hjkl uiop asdfg qwert zxcvb hjkl",
        "so_we_add_" * 30,
    ],
)
def test_words_in_a_loop_and_letters_in_no_order_are_no_language(text: str) -> None:
    assert share(f"<think>{text}</think>5", "en") < 0.4


def test_lines_of_one_form_and_words_that_come_again_are_no_loop() -> None:
    lines = "\n".join(f"Case {i}: the number {i} is {kind}." for i, kind in enumerate(["odd", "even", "prime"] * 3))
    assert share(f"<think>{lines}</think>", "en") == 1.0
    waits = " ".join(f"Wait, let me check that {what} again." for what in ("sum", "first step", "second case", "bound"))
    assert share(f"<think>{waits}</think>", "en") == 1.0


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("გამარჯობა მე ვფიქრობ რომ პასუხი არის შვიდი", "georgian"),
        ("Եկեք գումարենք այս թվերը և ստանանք պատասխանը", "armenian"),
        ("እነዚህን ቁጥሮች እንደምር መልሱ ሰባት ነው", "ethiopic"),
        ("យើងបូកលេខទាំងនេះហើយទទួលបានចម្លើយ", "khmer"),
        ("ພວກເຮົາບວກຕົວເລກເຫຼົ່ານີ້", "lao"),
        ("ㄨㄛㄇㄣㄅㄚㄕㄨㄐㄧㄚㄑㄧㄌㄞ", "bopomofo"),
    ],
)
def test_letters_of_every_script_count(text: str, script: str) -> None:
    score = get_reward("language", target="en").score(f"<think>Let me think about it. {text} {text}</think>")
    assert score.value is not None
    assert score.value < 0.5
    assert script in score.reason


def test_letters_in_disguise_are_the_letters_they_stand_for() -> None:
    assert share("<think>𝐓𝐡𝐞 𝐬𝐮𝐦 𝐨𝐟 𝐛𝐨𝐭𝐡 𝐧𝐮𝐦𝐛𝐞𝐫𝐬 𝐢𝐬 𝐬𝐞𝐯𝐞𝐧</think>", "zh") == 0.0
    assert share("<think>T\u200bhe s\u200bum of b\u200both num\u200bbers is sev\u200ben</think>", "en") == 1.0


INSTRUCTIONS = {
    "en": "Please reason step by step, and put your final answer within \\boxed{}.",
    "zh": "请一步一步推理，并将最终答案放在\\boxed{}中。",
    "de": "Bitte denke Schritt für Schritt nach und gib am Ende die Antwort.",
    "fr": "Veuillez réfléchir étape par étape avant de répondre.",
    "ja": "段階的に考えて、最終的な答えを書いてください。",
    "ru": "Пожалуйста, рассуждай шаг за шагом.",
}
QUESTIONS = {
    "en": "A farmer has 17 sheep and all but 9 run away. How many are left?",
    "zh": "小明有3个苹果，小红给了他4个。他现在一共有多少个苹果？",
    "de": "Ein Bauer hat 17 Schafe, und alle bis auf 9 laufen weg. Wie viele bleiben übrig?",
    "fr": "Un fermier a 17 moutons et tous sauf 9 s'enfuient. Combien en reste-t-il ?",
    "ja": "農夫は羊を17匹飼っています。9匹以外は逃げました。何匹残っていますか？",
    "ru": "У фермера было 17 овец, и все, кроме 9, убежали. Сколько осталось?",
}


@pytest.mark.parametrize("asked", QUESTIONS)
def test_the_question_says_the_target_and_not_the_sentence_on_how_to_answer(asked: str) -> None:
    reward = get_reward("language", target="auto")
    for told, instruction in INSTRUCTIONS.items():
        for prompt in (f"{QUESTIONS[asked]} {instruction}", f"{instruction}\n\n{QUESTIONS[asked]}"):
            assert reward.score(f"<think>{QUESTIONS[asked]}</think>", prompt).value == 1.0, (asked, told)


def test_a_prompt_that_only_instructs_is_what_is_asked() -> None:
    assert without_instructions("Please write your answer in the box.") == ""
    score = get_reward("language").score("<think>We put it in the box right away.</think>", "Please put it in the box.")
    assert score.value == 1.0


@pytest.mark.parametrize(
    ("prompt", "language"),
    [
        ("Un contadino ha diciassette pecore e tutte tranne nove scappano. Quante pecore restano al contadino?", "it"),
        ("Rolnik ma siedemnaście owiec i wszystkie oprócz dziewięciu uciekają. Ile owiec zostało?", "pl"),
        ("Bir çiftçinin on yedi koyunu var ve dokuzu hariç hepsi kaçıyor. Geriye kaç koyun kalır?", "tr"),
        ("농부에게 양이 열일곱 마리 있었는데 아홉 마리만 남고 모두 도망갔습니다. 몇 마리가 남았습니까?", "hangul"),
    ],
)
def test_a_prompt_in_a_language_that_is_no_candidate_has_no_score(prompt: str, language: str) -> None:
    score = get_reward("language").score(f"<think>{prompt}</think>", prompt)
    assert score.value is None
    assert language in score.reason


@pytest.mark.parametrize(
    "text",
    ["Let me check", "Wait, no", "Let n be even", "Hmm okay", "First we add", "So the sum", "Thus even", "add them up"],
)
def test_a_short_english_thought_is_english_or_undecided(text: str) -> None:
    assert get_reward("language", target="en").score(f"<think>{text}</think>").value in (1.0, None)


@pytest.mark.parametrize(
    "text", ["Ich denke nach", "Voyons voir", "vamos a ver", "Das ist sieben", "nous avons", "Sawa basi"]
)
def test_a_short_thought_in_another_language_is_never_paid(text: str) -> None:
    assert get_reward("language", target="en").score(f"<think>{text}</think>").value in (0.0, None)


def test_reasoning_that_a_server_parsed_is_the_reasoning() -> None:
    reward = get_reward("language", target="en")
    for message in (
        {"role": "assistant", "content": "The answer is five.", "reasoning_content": CHINESE},
        {"role": "assistant", "content": "The answer is five.", "thinking": CHINESE},
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": CHINESE}, {"type": "text", "text": "Five."}],
        },
    ):
        assert reward.score([message]).value == 0.0
        assert reward.score(Sample([message], "Add them. <think>\n")).value == 0.0
    format_reward = get_reward("format", style="think")
    assert (
        format_reward.score([{"role": "assistant", "content": "Five.", "reasoning_content": "2 + 3 = 5"}]).value == 1.0
    )
    unended = [{"role": "assistant", "content": None, "reasoning_content": "2 + 3 ="}]
    assert format_reward.score(unended).value == 0.0
