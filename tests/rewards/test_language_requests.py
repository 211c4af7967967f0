"""What asks only for a form of the answer is an instruction, in any language; a thought without words has none."""

from __future__ import annotations

import pytest

from veritune import get_reward
from veritune.rewards.language.instructions import without_instructions
from veritune.rewards.language.reward import LANGUAGES, _asked

CANDIDATES = tuple(sorted(LANGUAGES))
PROBLEMS = {
    "es": "María tiene doce manzanas y regala tres. Después compra cinco más. ¿Cuántas manzanas tiene ahora?",
    "zh": "小明有十二个苹果，他把其中的三个给了朋友，又买了五个，现在他一共有多少个苹果？",
    "en": "Tom has twelve apples and gives three away. He then buys five more. How many apples does he have now?",
    "de": "Tom hat zwölf Äpfel und gibt drei davon einem Freund. Wie viele Äpfel hat er jetzt?",
    "fr": "Marie a douze pommes et en donne trois à son amie. Combien de pommes a-t-elle maintenant ?",
    "ru": "У Маши двенадцать яблок, и три она отдала подруге. Сколько яблок у неё осталось?",
    "ja": "太郎はりんごを十二個持っていて、三個を友だちにあげました。今いくつ持っていますか。",
    "th": "สมชายมีแอปเปิลสิบสองผล ให้เพื่อนไปสามผล ตอนนี้เขามีแอปเปิลกี่ผล",
    "sw": "Juma ana matofaa kumi na mawili na anampa rafiki yake matatu. Sasa ana matofaa mangapi?",
    "bn": "রহিমের বারোটি আপেল ছিল। সে তিনটি বন্ধুকে দিয়ে দিল। এখন তার কয়টি আপেল আছে?",
    "te": "రవి దగ్గర పన్నెండు ఆపిల్స్ ఉన్నాయి. అతను మూడు స్నేహితుడికి ఇచ్చాడు. ఇప్పుడు అతని దగ్గర ఎన్ని ఆపిల్స్ ఉన్నాయి?",
}
REQUESTS = {
    "en": "Can you give only the number at the end?|Could you answer with just a number?"
    "|May I have only the final result?"
    "|Would you mind keeping your answer short?|Is it possible to reply without any explanation?",
    "de": "Kannst du am Ende nur die Zahl nennen?|Könnten Sie bitte Ihre Schritte erklären?|Nur das Ergebnis, ja?",
    "fr": "Peux-tu donner seulement le nombre à la fin ?|Tu peux ne donner que le résultat ?"
    "|Pourriez-vous expliquer vos étapes ?",
    "es": "¿Puedes dar solo el número al final?|¿Me das únicamente la respuesta final?|¿Podrías explicar los pasos?",
    "ru": "Можешь в конце дать только число?|Не могли бы вы объяснить свои шаги?|Можно ответить одним числом?",
    "zh": "你能只给出最后的数字吗？|可以只回答一个数字吗？|能否解释一下你的步骤？",
    "ja": "最後に数字だけを答えてもらえますか？|手順を説明していただけますか。",
    "th": "ช่วยตอบเฉพาะตัวเลขตอนท้ายได้ไหม?|คุณสามารถอธิบายขั้นตอนได้ไหม?",
    "sw": "Unaweza kutoa namba tu mwishoni?|Je, unaweza kueleza hatua zako?",
    "bn": "আপনি কি শেষে শুধু সংখ্যাটি দিতে পারেন?|আপনি কি ধাপগুলো ব্যাখ্যা করতে পারবেন?",
    "te": "మీరు చివరలో సంఖ్య మాత్రమే ఇవ్వగలరా?|మీరు దశలను వివరించగలరా?",
    "it": "Puoi dare solo il numero alla fine?",
    "pt": "Você pode dar apenas o número no final?",
    "nl": "Kun je alleen het getal aan het einde geven?",
    "pl": "Czy możesz podać tylko liczbę na końcu?",
    "tr": "Sonunda sadece sayıyı yazabilir misin?",
    "vi": "Bạn có thể chỉ đưa ra con số cuối cùng không?",
    "id": "Bisakah kamu memberikan hanya angka di akhir?",
    "ko": "마지막에 숫자만 줄 수 있나요?",
    "ar": "هل يمكنك إعطاء الرقم فقط في النهاية؟",
    "hi": "क्या आप अंत में केवल संख्या दे सकते हैं?",
}


@pytest.mark.parametrize("told", REQUESTS)
def test_a_question_about_the_answers_form_is_an_instruction(told: str) -> None:
    for request in REQUESTS[told].split("|"):
        assert without_instructions(request) == ""
        for asked, problem in PROBLEMS.items():
            for prompt in (f"{request} {problem}", f"{problem}\n{request}") if asked != told else ():
                assert _asked(prompt, CANDIDATES, "langdetect", 5) == asked, prompt


def test_problems_are_no_requests() -> None:
    for problem in PROBLEMS.values():
        assert "".join(without_instructions(problem).split()) == "".join(problem.split())


UNLISTED = [
    ("de", "Pouvez-vous terminer par un seul nombre ?"),
    ("es", "Do you think you could finish with the bare number?"),
    ("en", "最后能不能只写一个数？"),
    ("ru", "Reicht dir eine Zahl als Antwort?"),
    ("zh", "Shall the figure stand at the bottom?"),
    ("th", "Peux-tu détailler ton calcul ?"),
]


@pytest.mark.parametrize(("asked", "request_"), UNLISTED)
def test_of_questions_in_two_languages_the_one_with_a_problem_counts(asked: str, request_: str) -> None:
    for prompt in (f"{request_} {PROBLEMS[asked]}", f"{PROBLEMS[asked]} {request_}"):
        assert _asked(prompt, CANDIDATES, "langdetect", 5) == asked


STILL_ASKED = [
    ("en", "Can you find how many apples Tom has? 请一步一步推理。"),
    ("en", "Can you name a river in Germany? 请慢慢想。"),
    ("en", "Can you prove that the square root of two is irrational? Bitte denke Schritt für Schritt nach."),
    ("en", "Could you give the answer of twelve plus five? 请一步一步推理，并将最终答案放在\\boxed{}中。"),
    ("en", "What is the only number that is its own double? 请一步一步推理，并将最终答案放在\\boxed{}中。"),
    ("zh", "你能解释勾股定理吗？ Please think step by step and answer briefly."),
    ("zh", "这些苹果能平均分给三个人吗？Think it over slowly before you commit to a number."),
    ("zh", "只用数字一、二、三可以组成多少个三位数？ Please reason step by step."),
    ("es", "¿Puedes explicar el teorema de Pitágoras?\nPlease think step by step."),
    ("en", "Is there only one number that equals its own square root? 请一步一步推理，并将最终答案放在\\boxed{}中。"),
    ("fr", "Montrer qu'un nombre pair est la somme de deux impairs. Please reason step by step."),
    ("sw", "Sasa ana matofaa mangapi? Juma ana matofaa kumi na mawili na anampa rafiki yake matatu."),
]


@pytest.mark.parametrize(("asked", "prompt"), STILL_ASKED)
def test_a_question_with_something_of_its_own_to_ask_stays_one(asked: str, prompt: str) -> None:
    assert _asked(prompt, CANDIDATES, "langdetect", 5) == asked


def test_a_plain_question_in_a_language_that_is_not_configured_has_no_target() -> None:
    for question in (
        "Si Ana ay may labindalawang mansanas at nagbigay ng tatlo sa kanyang kaibigan. Ilan ang mansanas niya ngayon?",
        "Ani memiliki dua belas apel dan memberikan tiga kepada temannya. Berapa apel yang tersisa?",
    ):
        assert get_reward("language").score("<think>We add them and then we are done.</think>7", question).value is None


ANSWERS = [
    "7",
    "Answer: 7",
    "The answer is 7",
    "The answer that we were looking for is seven apples in total.",
    "答案是七",
]


@pytest.mark.parametrize("thought", ["", "3 + 4 = 7", "$x=3$, $y=4$"])
def test_a_thought_without_words_is_worth_wordless_whatever_the_answer_says(thought: str) -> None:
    for answer in ANSWERS:
        text = f"<think>{thought}</think>{answer}"
        assert get_reward("language", target="en", wordless=0.0).score(text).value == 0.0, answer
    english, chinese = f"<think>{thought}</think>{ANSWERS[3]}", f"<think>{thought}</think>首先我们把两个数字相加"
    half = get_reward("language", target="en", wordless=0.5)
    assert half.score(english).value == 0.5
    assert half.score(chinese).value == 0.0
    assert get_reward("language", target="en").score(english).value == 1.0
    assert half.score(f"<think>We add the two numbers.</think>{ANSWERS[3]}").value == 1.0
