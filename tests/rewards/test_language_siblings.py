"""Kinds of text that an outsider found: all reasoning counts, escapes are letters, the target is what is asked."""

from __future__ import annotations

from typing import Any

import pytest

from veritune import get_reward
from veritune.plugins.types import completion_text, message_reasoning, message_text

ZH = "首先我们计算她送出一些苹果之后还剩下多少个然后再乘以每个苹果的价格"
EN = "We add the two numbers and then we get the total."
ES = "Primero calculamos cuántas manzanas le quedan después de regalar algunas y luego multiplicamos por el precio"
THOUGHTS = {
    "zh": ZH,
    "en": "First we find how many apples she has left after giving some away, then we multiply by the price.",
    "de": "Zuerst berechnen wir, wie viele Äpfel ihr bleiben, und dann multiplizieren wir mit dem Preis.",
    "fr": "D'abord nous cherchons combien de pommes il lui reste, puis nous multiplions par le prix.",
    "es": ES,
    "ru": "Сначала найдём, сколько яблок у неё осталось, затем умножим на цену.",
    "th": "ก่อนอื่นเราหาว่าเธอเหลือแอปเปิลกี่ผลหลังจากแจกไปบางส่วน แล้วคูณด้วยราคา",
}


def said(content: Any, **fields: Any) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": content, **fields}]


THOUGHT = [{"type": "text", "text": f"<think>{EN}</think>7"}]
TWICE: dict[str, tuple[list[dict[str, Any]], float]] = {
    "a field and a block in the content": (said(f"<think>{EN}</think>7", reasoning_content=ZH), 0.6),
    "a field and a tag that only closes": (said(f"{EN}</think>7", reasoning_content=ZH), 0.6),
    "a field and text": (said(f"{EN} 7", reasoning_content=ZH), 0.05),
    "two fields": (said("7", reasoning_content=EN, reasoning=ZH), 0.6),
    "a field and a block": (said([{"type": "thinking", "thinking": ZH}, *THOUGHT], reasoning="So we add."), 0.6),
    "a summary": (said([{"type": "reasoning", "summary": [{"type": "summary_text", "text": ZH}]}, *THOUGHT]), 0.6),
    "a summary that is a text": (said([{"type": "reasoning", "summary": ZH}, *THOUGHT]), 0.6),
    "content of a block": (said([{"type": "reasoning", "content": [{"type": "x", "text": ZH}]}, *THOUGHT]), 0.6),
    "details": (said(EN, reasoning_details=[{"type": "reasoning.text", "text": ZH}]), 0.05),
    "a summary in details": (said(EN, reasoning_details=[{"type": "reasoning.summary", "summary": ZH}]), 0.05),
    "blocks in a field": (said(EN, thinking_blocks=[{"type": "thinking", "thinking": ZH}]), 0.05),
}  # fmt: skip


@pytest.mark.parametrize("name", TWICE)
def test_all_reasoning_of_a_message_counts(name: str) -> None:
    completion, most = TWICE[name]
    assert (get_reward("language", target="en").score(completion).value or 0) <= most


def test_reasoning_that_two_fields_repeat_counts_once() -> None:
    details = [{"type": "reasoning.text", "text": part} for part in ("one ", "two")]
    message = {"role": "assistant", "content": "3", "reasoning": "one two", "reasoning_details": details}
    assert message_reasoning(message) == "one two"
    assert completion_text([message]) == "<think>\none two\n</think>\n3"
    whole = {"content": "<think>one two</think>3", "reasoning_content": "one two"}
    assert completion_text([whole]) == "<think>one two</think>3"
    assert message_text({"content": [{"type": "reasoning.text", "text": "a"}, {"type": "text", "text": "b"}]}) == "b"
    assert (
        message_reasoning({"content": "a", "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}) == ""
    )


ESCAPES = {
    "bytes": "".join(f"\\x{b:02x}" for b in ZH.encode()),
    "octal": "".join(f"\\{b:03o}" for b in ZH.encode()),
    "names": "".join(f"\\N{{CJK UNIFIED IDEOGRAPH-{ord(c):X}}}" for c in ZH),
    "code points": " ".join(f"U+{ord(c):04X}" for c in ZH),
    "code points side by side": "".join(f"U+{ord(c):04X}" for c in ZH),
    "hexadecimal": " ".join(f"0x{ord(c):04x}" for c in ZH),
    "unicode": "".join(f"\\u{ord(c):04x}" for c in ZH),
    "spaced": " ".join(ES.replace(" ", "")),
    "spaced words": "  ".join(" ".join(word) for word in ES.split()),
    "a text in a program": f'\n```python\nprint("{ES}")\n```\n',
    "snippets": " ".join(f"`{' '.join(ES.split()[i : i + 3])}`" for i in range(0, 15, 3)),
}


@pytest.mark.parametrize("name", ESCAPES)
def test_letters_count_however_they_are_written(name: str) -> None:
    assert (get_reward("language", target="en").score(f"<think>{EN} {ESCAPES[name]}</think>7").value or 0) < 0.6


HONEST = [
    ("en", f"{EN} The bytes are \\x00\\xff\\xfe and the path is C:\\123\\456."),
    ("en", "We name the points a b c d e f and g, and see that they lie on one circle around the origin."),
    ("en", "The memory holds 0x7fff 0x5a3c 0x0041 and we add them to get the sum of all of these numbers."),
    ("es", "Usamos `for item in items` para recorrer la lista de elementos."),
    ("fr", "On utilise `while x is not None and x in visited` pour parcourir la liste des éléments."),
    ("zh", "我们用`for item in items`遍历列表。"),
    ("de", "Der Befehl `git commit and push` überträgt die Änderungen auf den Server."),
    ("de", "Mol(NaCl) = 58,44 g/mol. Die Reaktion lautet 2 H2 + O2 -> 2 H2O, also entstehen zwei Mol Wasser."),
    ("ru", "Вычислим предел: lim (sin x)/x = 1. Используем функцию print() языка Python, чтобы проверить ответ."),
]


@pytest.mark.parametrize(("lang", "text"), HONEST)
def test_code_and_formulas_in_a_line_are_of_no_language(lang: str, text: str) -> None:
    assert (get_reward("language", target=lang).score(f"<think>{text}</think>7").value or 0) >= 0.95


ASKED = [
    ("es", "Halla el valor de x en la ecuación 2x + 7 = 19. Output your answer as an integer between 0 and 999."),
    ("zh", "求x的值：2x+7=19。Output your answer as an integer between 0 and 999."),
    ("zh", "求x的值：2x+7=19。What is the answer?"),
    ("zh", "求x的值：2x+7=19。\nCan you solve it step by step?"),
    ("zh", "计算下列积分。\nUse at most 200 words and 2 decimal places."),
    ("zh", "证明三角形内角和等于一百八十度。 Write at most 10 lines."),
    ("ru", "Найди x, если 2x + 7 = 19. Output your answer as an integer between 0 and 999."),
    ("ru", "Докажите, что корень из двух иррационален. Use at most 5 steps."),
    ("de", "Bestimme x in der Gleichung 2x + 7 = 19. Give the result as an integer from 0 to 999."),
    ("de", "Berechne 17 mal 24. Use at most 100 words."),
    ("fr", "Résous 2x+7=19. Round your result to 2 decimal places."),
    ("en", "Prove that the square root of two is irrational. 请用不超过100字作答。"),
    ("en", "Show that n^2+n is even. 请在3步之内完成。"),
    ("en", "Find all primes below 30. Schreibe höchstens 50 Wörter."),
    ("en", "Find all primes below 30. Responde en 3 pasos."),
    ("th", "สมชายมีเงิน 100 บาท ซื้อขนม 35 บาท เขาเหลือเงินเท่าไร Please think step by step and put the answer in \\boxed{}."),
    ("ru", "У Маши 20 конфет она съела 7 сколько осталось Please think step by step and put the answer in \\boxed{}."),
    ("zh", "把下面的句子翻译成中文：The quick brown fox jumps over the lazy dog and then runs away into the forest."),
    ("zh", "请解释下面这段代码的错误信息：The module could not be found because the path is not in the search list."),
    ("de", "Schreibe eine Zusammenfassung des folgenden Textes: The industrial revolution changed how people worked."),
    ("de", "Korrigiere den folgenden englischen Satz: He go to school every day and he don't like it at all."),
    ("es", "Explica qué significa esta frase en inglés: The early bird catches the worm, but not the cheese."),
    ("ru", "Переведи на русский: The train leaves at 8 and arrives at 11."),
    ("en", "Translate the following sentence into English: 小明有12个苹果，送给小红5个，又买了3个。"),
    ("en", "Summarize this text in two sentences:\nLa revolución industrial cambió la forma de trabajar de la gente."),
    ("zh", "Solve and explain the following problem: 小明有12个苹果，送给小红5个，又买了3个。他现在有多少个苹果？"),
    ("zh", "Solve in 3 steps:\n求方程x^2-5x+6=0的根。"),
]  # fmt: skip


@pytest.mark.parametrize(("lang", "prompt"), ASKED)
def test_the_target_is_the_language_of_what_is_asked(lang: str, prompt: str) -> None:
    score = get_reward("language").score(f"<think>{THOUGHTS[lang]}</think>7", prompt)
    assert (score.value or 0) >= 0.9, score.reason
