"""What shows nothing earns nothing, steps count in whatever form honest work has them, and farms pay as lists do."""

from __future__ import annotations

import pytest

from veritune import get_reward
from veritune.plugins.unseen import blank

NOTHING = [
    *(
        "<b></b>",
        "<br>",
        "<br/>",
        "<x>",
        "<div class='a'>\n</div>",
        "<!-- a secret -->",
        "<!---->",
        "<!-- open",
        "&nbsp;",
    ),
    *(
        "&#8203;",
        "&#x200b;&nbsp;",
        "```\n```",
        "~~~text\n~~~",
        r"\phantom{x}",
        r"$\hspace{1cm}$",
        r"\u200b",
        r"\n",
        "****",
    ),
    *("``", "$$", r"\boxed{}", r"\text{ }", "\u200b", "...", r"\quad", "&emsp;<i> </i>"),
    *("|  |  |", "| - |\n|   |", "\x1b[0m", "\x1b[1;31m \x1b[0m", "[](http://a.b)", "![](a.png)", "\n% a note\n"),
    *(r"\begin{center}\end{center}", r"\color{white}", r"\color{white}{}", r"\rule{0pt}{0pt}", r"\label{eq:1}"),
    *(r"\textcolor{white}{5}", r"\includegraphics[width=1cm]{a}"),
]
SOMETHING = [
    *(
        "7",
        "<b>7</b>",
        "a<b",
        "x < y",
        "&lt;",
        "&pi;",
        "<!-- a --> b",
        "```python\nx\n```",
        r"\frac{1}{2}",
        r"\alpha",
        "四",
    ),
    *("x<y>z", r"\u4e2d", "+", r"\text{a}", r"\nu", "<1>"),
    *(">", "|", "||", "> 5", "| 5 |", "50%", "% 5", "[a](http://a.b)", r"\color{red}5", r"\begin{center}5\end{center}"),
    *(r"\textcolor{red}{5}", "\x1b[1m5\x1b[0m", "%5\n6", r"\rule{5}"),
]


def test_a_block_is_blank_where_a_reader_sees_nothing() -> None:
    assert [text for text in NOTHING if not blank(text)] == []
    assert [text for text in SOMETHING if blank(text)] == []


def test_a_box_of_what_is_not_printed_is_empty() -> None:
    reward = get_reward("format", style="boxed")
    for inside in ("%5\n", r"\color{white}{}", r"\rule{0pt}{0pt}", r"\textcolor{white}{5}"):
        assert reward.score(f"So \\boxed{{{inside}}}").value == 0.0, inside
    for inside in ("50%", r"\color{red}5", "|x|", ">"):
        assert reward.score(f"So \\boxed{{{inside}}}").value == 1.0, inside


@pytest.mark.parametrize("style", ["think_answer", "think_answer_soft", "think", "tags", "answer"])
def test_blocks_that_show_nothing_have_no_shape(style: str) -> None:
    reward = get_reward("format", style=style)
    for text in NOTHING:
        assert reward.score(f"<think>\na\n</think>\n<answer>\n{text}\n</answer>").value == 0.0, text
    assert reward.score("<think>\na\n</think>\n<answer>\n<b>7</b>\n</answer>").value == 1.0


def test_blocks_that_show_nothing_earn_no_marks() -> None:
    for text in NOTHING:
        if "<answer" not in text:
            both = f"<think>\n{text}\n</think>\n<answer>\n{text}\n</answer>"
            assert get_reward("tag_count").score(both).value == 0.0, text


def test_an_expression_without_a_number_is_none() -> None:
    reward = get_reward("countdown", format_score=0.1)
    for text in (*NOTHING, "()", "+", "{}", "[ ]"):
        assert reward.score(f"<answer>{text}</answer>", nums=[1, 2], target=3).value == 0.0, text
    assert reward.score("<answer>1 + 1</answer>", nums=[1, 2], target=3).value == 0.1


ONE = [
    "Step 1: add it now\nStep 2: addd it now\nStep 3: adddd it now",
    "Step 1: add it now\nStep 2: \u0430dd it now\nStep 3: \uff41dd it now",
    "Step 1: add it now\nStep 2: addx it now\nStep 3: axdd it noow",
    "1. count the apples\n2. count the aapples\n3. count the applles",
    "<!--\nStep 1: take twelve apples\nStep 2: subtract five apples\nStep 3: state seven\n-->",
]


@pytest.mark.parametrize("text", ONE)
def test_the_same_step_in_other_letters_is_one(text: str) -> None:
    assert (get_reward("reasoning_steps").score(text).value or 0) <= 1 / 3 + 1e-9


HONEST = [
    "먼저 다섯을 뺍니다. 그다음 셋으로 나눕니다. 마지막으로 답을 확인합니다.",
    "먼저 다섯을 빼고, 그다음 셋으로 나누고, 마지막으로 답을 확인합니다.",
    "1단계: 다섯을 뺍니다.\n2단계: 셋으로 나눕니다.\n3단계: 확인합니다.",
    "أولاً نطرح خمسة. ثم نقسم على ثلاثة. أخيرًا نتحقق من النتيجة.",
    "الخطوة 1: نطرح خمسة\nالخطوة 2: نقسم\nالخطوة 3: نتحقق",
    "पहले पाँच घटाते हैं। फिर तीन से भाग देते हैं। अंत में उत्तर जाँचते हैं।",
    "चरण 1: दो घटाओ\nचरण 2: भाग दो\nचरण 3: उत्तर",
    "Primeiro subtraímos cinco. Depois dividimos por três. Por fim verificamos o resultado.",
    "Prima sottraiamo cinque. Poi dividiamo per tre. Infine verifichiamo il risultato.",
    "Kwanza tunatoa tano. Kisha tunagawanya kwa tatu. Mwisho tunahakiki jibu.",
    "Hatua ya 1: Toa tano.\nHatua ya 2: Gawanya.\nHatua ya 3: Hakiki.",
    "প্রথমে পাঁচ বিয়োগ করি। তারপর তিন দিয়ে ভাগ করি। শেষে উত্তর যাচাই করি।",
    "ধাপ ১: বিয়োগ করি\nধাপ ২: ভাগ করি\nধাপ ৩: যাচাই করি",
    "మొదట ఐదు తీసివేస్తాము. తర్వాత మూడుతో భాగిస్తాము. చివరగా జవాబు సరిచూస్తాము.",
    "దశ 1: తీసివేయి\nదశ 2: భాగించు\nదశ 3: సరిచూడు",
    "ก่อนอื่นลบห้าออก จากนั้นหารด้วยสาม สุดท้ายตรวจคำตอบ",
    "Önce beş çıkarırız. Sonra üçe böleriz. Son olarak sonucu kontrol ederiz.",
    "Đầu tiên trừ năm. Sau đó chia ba. Cuối cùng kiểm tra.",
    "Najpierw odejmujemy pięć. Potem dzielimy przez trzy. Na koniec sprawdzamy.",
    "ابتدا پنج را کم می‌کنیم. سپس بر سه تقسیم می‌کنیم. در نهایت پاسخ را بررسی می‌کنیم.",
    "１．設未知數x。\n２．列出方程。\n３．解得五。",
    "١. نطرح خمسة\n٢. نقسم على ثلاثة\n٣. نتحقق",
    "१. पाँच घटाते हैं\n२. भाग देते हैं\n३. जाँचते हैं",
    "① 设未知数x。② 列出方程。③ 解得五。",
    "a) Take the twelve apples.\nb) Subtract the five.\nc) Seven remain.",
    "I. Take the twelve apples.\nII. Subtract the five.\nIII. Seven remain.",
    "Case 1: n is even, so n = 2k.\nCase 2: n is odd, so n = 2k+1.\nCase 3: n is zero.",
    "### Step 1\nTake the twelve apples.\n### Step 2\nSubtract the five given.\n### Step 3\nSeven remain.",
    "**Step 1**\nTake the twelve apples.\n**Step 2**\nSubtract the five given.\n**Step 3**\nSeven remain.",
    "To begin with, take the twelve apples. After that, subtract five. In the end, seven remain.",
    "Step 1: add 3 to x\nStep 2: add 4 to x\nStep 3: add 5 to x",
    "1. 12 - 5 = 7\n2. 12 - 6 = 6\n3. 12 - 7 = 5",
]


@pytest.mark.parametrize("text", HONEST)
def test_honest_steps_count_in_every_form_and_language(text: str) -> None:
    assert get_reward("reasoning_steps").score(text).value == 1.0


SENTENCE = "so we add the numbers again"
SPELLED = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
FARMS = {
    "a number spelled out": " ".join(f"so we add {n}{teen} again" for teen in ("", "teen") for n in SPELLED),
    "a letter": " ".join(f"so we add {c} again" for c in "abcdefghijklmnopqrst"),
    "stretched": " ".join(f"so we ad{'d' * (i % 9)} the numbers again{'n' * (i % 7)}" for i in range(20)),
    "hyphens": " ".join(SENTENCE[: i % 20] + "-" * (i % 20 > 0) + SENTENCE[i % 20 :] for i in range(20)),
    "underscores": "so w_e a__dd t___he numbers a_gain s_o w__e a___dd the n_umbers a__gain s__o w___e add t_he " * 3,
}
LISTS = [
    "We test each: 11 is prime; 12 is divisible by 2; 13 is prime; 14 is divisible by 2; 15 is divisible by 3.",
    "Alice has three apples, Bob has four pears, Carol has two plums and Dave has five figs, so all have fourteen.",
]


@pytest.mark.parametrize("farm", FARMS)
def test_a_farm_costs_more_than_an_honest_list(farm: str) -> None:
    reward = get_reward("repetition_penalty")
    assert (reward.score(FARMS[farm]).value or 0) < min(reward.score(text).value or 0 for text in LISTS) - 0.1


ENUMERATED = {
    "Arabic ordinals": "الخطوة الأولى: نجمع العددين.\nالخطوة الثانية: نقسم على ثلاثة.\nالخطوة الثالثة: نكتب الجواب.",
    "Hebrew": "שלב 1: מחברים את המספרים.\nשלב 2: מחלקים בשלוש.\nשלב 3: כותבים את התשובה.",
    "Urdu": "مرحلہ 1: اعداد جمع کریں۔\nمرحلہ 2: تین سے تقسیم کریں۔\nمرحلہ 3: جواب لکھیں۔",
    "Chinese numbers in brackets": "㈠ 把两个数相加。\n㈡ 除以三。\n㈢ 写出答案。",
    "Chinese one of them": "其一，把两个数相加。\n其二，除以三。\n其三，写出答案。",
    "Russian letters": "а) складываем числа.\nб) делим на три.\nв) пишем ответ.",
    "Greek letters": "α) προσθέτουμε.\nβ) διαιρούμε με το τρία.\nγ) γράφουμε την απάντηση.",
    "Russian ordinals": "Первый шаг: складываем.\nВторой шаг: делим на три.\nТретий шаг: пишем ответ.",
    "Spanish ordinals": "Primer paso: sumamos.\nSegundo paso: dividimos.\nTercer paso: escribimos.",
    "German adverbs": "Erstens addieren wir.\nZweitens teilen wir durch drei.\nDrittens sind wir fertig.",
    "French adverbs": "Premièrement, on additionne.\nDeuxièmement, on divise.\nTroisièmement, on conclut.",
    "Japanese without commas": "まず二つの数を足す。次に三で割る。最後に答えを書く。",
    "kana in brackets": "(ア) 数を足す。\n(イ) 三で割る。\n(ウ) 答えを書く。",
    "a dash": "1 - we add the numbers\n2 - we divide by three\n3 – we write it down",
    "brackets": "[1] we add the numbers\n[2] we divide by three\n[3] we write it down",
    "colons": "1: we add the numbers\n2: we divide by three\n3: we write it down",
    "Roman numbers": "Step I: we add.\nStep II: we divide by three.\nStep III: we conclude.",
    "quoted": "> 1. we add the numbers\n> 2. we divide by three\n> 3. we conclude",
    "a table": "| Step 1 | we add |\n| Step 2 | we divide |\n| Step 3 | we conclude |",
    "keycaps": "1\ufe0f\u20e3 we add the numbers\n2\ufe0f\u20e3 we divide by three\n3\u20e3 we conclude",
    "parts": "Part 1: add the numbers.\nPart 2: divide by three.\nPart 3: conclude with five.",
    "claims": "Claim 1. The sum is seven.\nClaim 2. The product is twelve.\nClaim 3. It is three and four.",
    "items": "\\begin{enumerate}\n\\item we add\n\\item[b] we divide by three\n\\item we conclude\n\\end{enumerate}",
    "a page": "<ol><li>we add the numbers</li>\n<li class='x'>we divide by three</li>\n<li>we conclude</li></ol>",
}
NO_STEPS = {
    "differences": "9 - 3 = 6\n6 - 2 = 4\n4 - x = 1",
    "times": "12:30 is the start\n13:45 is the end",
    "the same with markup": "1. we add\n2. we&nbsp;add\n3. we <b>add</b>",
    "one label": "(ア) 足す方法。\n(ア) 割る方法。\n(ア) 書く方法。",
    "nothing behind": "[1] \n[2] \n[3] \n1\ufe0f\u20e3 \n2\ufe0f\u20e3 \n<li></li>\n\\item \n| Step 1 |\n| Step 2 |",
    "the same behind": "Part 1: add them.\nPart 2: add them!\nStage 3: ADD them.",
}


@pytest.mark.parametrize("name", ENUMERATED)
def test_steps_are_seen_in_the_forms_of_many_languages(name: str) -> None:
    assert get_reward("reasoning_steps").score(ENUMERATED[name]).value == 1.0


@pytest.mark.parametrize("name", NO_STEPS)
def test_what_only_looks_like_steps_earns_one_at_most(name: str) -> None:
    assert (get_reward("reasoning_steps").score(NO_STEPS[name]).value or 0) < 0.4
