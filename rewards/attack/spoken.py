"""Which language a reward pays for: what it gives for plain texts in several, thought or bare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from veritune.rewards.attack.baseline import EPSILON

TEXT = {
    "en": "First we look at what is given in the question. There are two numbers, and we want to know how much they "
    "make together. We take the larger one and count on from there, one after the other, until nothing is left of the "
    "smaller one. Then we check the result in the other direction, and it comes out the same.",
    "zh": "首先我们看一看题目给出了什么条件。这里有两个数字，我们想知道它们合在一起是多少。我们先拿较大的那个数，"
    "然后从它开始一个一个往上数，直到较小的数用完为止。最后我们再反过来检查一遍结果，发现得到的答案是一样的，"
    "所以这个结果没有问题。",
    "ru": "Сначала посмотрим, что дано в условии. Есть два числа, и мы хотим узнать, сколько они составляют вместе. "
    "Возьмём большее и будем считать от него дальше, по одному, пока меньшее не кончится. Потом проверим результат в "
    "обратную сторону, и он выходит тем же самым.",
    "de": "Zuerst sehen wir uns an, was in der Aufgabe gegeben ist. Es sind zwei Zahlen, und wir wollen wissen, wie "
    "viel sie zusammen ergeben. Wir nehmen die größere und zählen von dort weiter, eine nach der anderen, bis von der "
    "kleineren nichts mehr übrig ist. Dann prüfen wir das Ergebnis noch in der anderen Richtung.",
    "es": "Primero miramos qué se da en el problema. Hay dos números, y queremos saber cuánto suman los dos juntos. "
    "Tomamos el mayor y contamos desde ahí, uno tras otro, hasta que no queda nada del menor. Después comprobamos el "
    "resultado en la otra dirección, y sale lo mismo.",
}
_MORE = (
    "如果有人不相信，还可以换一种办法来做。把每一个数都想成一堆小石子，先把两堆石子放到同一张桌子上，再从头到尾点清楚。"
    "点的时候不要着急，每拿起一颗就说出它的序号，最后说出来的那个序号就是我们要找的东西。两种办法走的路不同，到达的地方却相同。"
)
"""Makes the Chinese longer than the English, without saying anything a third time."""
OPENER = {
    "en": "We begin with what is given here.",
    # As many letters as the English has: beside few, those of the tags and of the box would cost the most.
    "zh": "我们先来仔细看一看题目的条件，再想一想应该怎样一步一步把它算出来。",
    "ru": "Начнём с того, что нам здесь дано.",
    "de": "Wir beginnen mit dem, was hier gegeben ist.",
    "es": "Empezamos con lo que se nos da aquí.",
}
_LIKE_WORDS = "Я " + " ".join(TEXT["zh"]).replace("，", ",").replace("。", ". Я").removesuffix(" Я")
"""Chinese with what else tells English from it: spaces, capitals, the marks of ASCII."""
ANSWER = "\\boxed{12}"


def thought(text: str) -> str:
    """A completion that thinks the text, then answers."""
    return f"<think>\n{text}\n</think>\n\n{ANSWER}"


@dataclass(frozen=True)
class Paid:
    """What texts earn: thought in the paid language and in another one; both bare, without tags and answer."""

    language: str
    full: float
    none: float
    bare: bool
    """Whether only a bare text is told from one in another language: in a thought it costs less than half."""

    @property
    def other(self) -> str:
        """A language that is not paid."""
        return "zh" if self.language != "zh" else "en"

    @property
    def shapes(self) -> tuple[Callable[[str], str], ...]:
        """Honest work in the paid language around an answer; none for English, in which the other shapes are."""
        if self.language == "en":
            return ()
        opened = f"<think>\n{TEXT[self.language]}\n</think>\n\n"
        return lambda answer: f"{opened}\\boxed{{{answer}}}", lambda answer: f"{opened}<answer>\n{answer}\n</answer>"

    @property
    def third(self) -> str:
        """One with the letters of neither."""
        return "ru" if self.language != "ru" else "en"


def paid(value: Callable[[str], float | None]) -> Paid | str:
    """What a reward, given as completion → value, pays for a language; or why it tells none.

    Neither length nor spaces, capitals and punctuation may make the difference.
    """
    thoughts, bares = _values(value, thought), _values(value, str)
    if thoughts is None and bares is None:
        return "it gives no number for a thought in another language"
    in_thought, in_bare = (_told(values) if values is not None else None for values in (thoughts, bares))
    language = in_thought or in_bare
    if language is None or thoughts is None:
        return "it does not look at the language"
    write, values = (thought, thoughts) if in_thought or bares is None else (str, bares)
    if language in ("en", "zh"):
        like_words = value(write(_LIKE_WORDS))
        chinese, english = values["zh"][0], values["en"][0]
        if like_words is not None and abs(like_words - chinese) > 3 / 4 * abs(english - chinese):
            return "what it tells apart is not the language"
    full, none = _gap(thoughts, language)
    high, low = _gap(bares, language) if bares is not None and in_bare == language else (full, none)
    half = (high - low) / 2
    if in_thought or full - none > half:
        if full - none > half or none <= low + half:
            return Paid(language, full, none, bare=False)
    elif none <= low + half:
        return "it does not look at the language"
    other = TEXT["zh" if language != "zh" else "en"]
    answered = value(f"<think>\n{TEXT[language]}\n</think>\n\n{other}\n\n{ANSWER}")
    if answered is not None and answered <= full - half:
        return "it looks at the language of the answer, not of the thinking"
    return Paid(language, full, none, bare=True)


_Values = dict[str, list[float]]


def _values(value: Callable[[str], float | None], write: Callable[[str], str]) -> _Values | None:
    """What each text earns, written once, twice and (Chinese, which has fewer letters) once more on top."""
    found: _Values = {}
    for language, text in TEXT.items():
        texts = [text, f"{text}\n{text}", *([f"{text}\n{text}\n{_MORE}"] if language == "zh" else ())]
        earned = [value(write(each)) for each in texts]
        known = [each for each in earned if each is not None]
        if len(known) == len(earned):
            found[language] = known
        elif language in ("en", "zh"):
            return None
    return found


def _gap(values: _Values, language: str) -> tuple[float, float]:
    """What the language earns, and what one that is not paid does."""
    return values[language][0], values["zh" if language != "zh" else "en"][0]


def _told(values: _Values) -> str | None:
    """The language that earns more than the others, whatever its length; English and Chinese are asked first."""
    for better, worse in (("en", ("zh",)), ("zh", ("en",)), *((each, ("en", "zh")) for each in ("ru", "de", "es"))):
        if better not in values:
            continue
        gap = values[better][0] - max(values[each][0] for each in worse)
        spread = max(max(values[each]) - min(values[each]) for each in (better, *worse))
        if gap > EPSILON and spread <= gap / 4:
            return better
    return None
