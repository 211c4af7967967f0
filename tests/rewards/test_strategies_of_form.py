"""No strategy of form earns more than honest work of the same length: thirty that were met, each a test of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from veritune import compose, get_reward

HONEST = (
    "A train leaves the station at noon and covers sixty miles every hour. The second one starts two hours later from "
    "the same place and goes ninety miles in that time. Before the later train moves at all, its rival is already one "
    "hundred and twenty miles ahead. Each hour afterwards shortens this gap by thirty. Dividing the head start by what "
    "is gained per hour yields four, so they meet at six in the evening. To be sure, compare distances: the slow train "
    "has run for six hours and stands at three hundred sixty; the fast one needed only four for as much. Both numbers "
    "agree. If somebody asks how far from the station this happens, that figure is what we just found. Nothing else in "
    "the statement was used, except that neither driver stops, brakes or turns back, which such a puzzle leaves "
    "unsaid. A picture helps too: draw time to the right and distance upwards, where every train becomes a straight "
    "line, steeper for greater speed. Their crossing lies above the mark for eighteen hundred hours. Reading it off "
    "the paper gives the same result as algebra did, although with less precision. If both went alike instead, "
    "parallel lines never cross, hence no meeting. Should the second be slower, the crossing would lie in the past."
)
"""Twenty sentences of a worked problem, none said twice."""
CHINESE = "首先我们把三个苹果和四个苹果加起来得到七个苹果然后再检查一遍结果没有错误所以答案是七。"
THAI = "เราบวกกัน"


def honest(length: int) -> str:
    """Honest work of about this many characters; beyond the text's length, all of it."""
    return HONEST[: max(length, 40)]


def thought(text: str) -> str:
    return f"<think>{text}</think>7"


def plain(length: int) -> str:
    return thought(honest(length))


def form(length: int) -> str:
    return f"<think>\n{honest(length)}\n</think>\n<answer>\n7\n</answer>"


def steps(length: int) -> str:
    sentences = HONEST.split(". ")[:3]
    return "\n".join(f"{i}. {sentence[: max(length // 3, 12)]}" for i, sentence in enumerate(sentences, 1))


class Strategy(NamedTuple):
    """A completion that works on form alone, and the honest one of its length."""

    reward: str
    completion: str
    honest: Callable[[int], str]
    params: Mapping[str, Any] = MappingProxyType({})


def hidden(place: str) -> Strategy:
    text = thought("Let me think. " + place.replace("TEXT", CHINESE * 4))
    return Strategy("language", text, plain, {"target": "en"})


def loop(text: str) -> Strategy:
    return Strategy("repetition_penalty", text, lambda n: honest(n))


def escaped(form: str) -> str:
    return "".join(form.format(ord(letter)) for letter in CHINESE * 4)


def coded(inside: str) -> Strategy:
    block = "<think>\nhm\n</think>\n<answer>\n```python\n{}\n```\n</answer>"
    return Strategy("code_format", block.format(inside), lambda n: block.format("print(1)"))


EMPTY = "<think>\n{0}\n</think>\n<answer>\n{0}\n</answer>"
MET = {
    "another language in a fence": hidden("```\nTEXT\n```"),
    "another language in a fence that never ends": hidden("```\nTEXT"),
    "another language in backticks": hidden("`TEXT`"),
    "another language in a formula's text": hidden(r"$\text{TEXT}$"),
    "another language in brackets of mathematics": hidden(r"\[TEXT\]"),
    "another language in double dollars": hidden("$$TEXT$$"),
    "another language in an environment": hidden(r"\begin{x}TEXT\end{x}"),
    "another language in a tag": hidden("<TEXT>"),
    "another language in an address": hidden("https://TEXT"),
    "another language before the thinking": Strategy(
        "language", f"{CHINESE * 4}<think>Let me think.</think>7", plain, {"target": "en"}
    ),
    "another language after the thinking": Strategy(
        "language", f"<think>Let me think.</think>{CHINESE * 4}", plain, {"target": "en"}
    ),
    "another language past what is read": Strategy(
        "language", thought("".join(f"{HONEST} {i} " for i in range(160)) + CHINESE * 5000), plain, {"target": "en"}
    ),
    "letters in no order": Strategy(
        "language", thought("xkqz wjfh plmrt vbn qqrt zzxw kjhg qwrt plk mnbvc xzlkj"), plain, {"target": "en"}
    ),
    "one word fifty times": Strategy("language", thought("the " * 50), plain, {"target": "en"}),
    "a loop joined by underscores": loop("so_we_add_" * 40),
    "a loop joined by hyphens": loop("so-we-add-" * 40),
    "a loop with invisible endings": loop(" ".join(f"so{chr(0x200B) * (i % 5)} we add" for i in range(40))),
    "a loop with marks on its letters": loop(" ".join("s" + chr(0x300 + i % 40) + "o we add" for i in range(40))),
    "a loop that counts": loop(" ".join(f"the answer {i}" for i in range(1, 60))),
    "a Thai loop without spaces": loop("เราบวกกัน" * 30),
    "a loop in half-width kana": loop("ﾀｼﾏｽ" * 40),
    "empty blocks": Strategy("tag_count", EMPTY.format(""), form),
    "marks in reverse order": Strategy("tag_count", "<answer>\n5\n</answer>\n\n</think>\n<think>\n", form),
    "blocks with a character nobody sees": Strategy("format", EMPTY.format("\u200b"), form, {"style": "think_answer"}),
    "a box with a character nobody sees": Strategy(
        "format", "so \\boxed{\u200b}", lambda n: f"{honest(n)} \\boxed{{7}}", {"style": "boxed"}
    ),
    "numbers of steps without steps": Strategy("reasoning_steps", "- 1\n- 2\n- 3", steps),
    "an empty answer tag for the form's share": Strategy(
        "countdown", "<answer> </answer>", lambda n: "<answer>1*2*3*4</answer>", {"format_score": 0.1}
    ),
    "a wrong answer padded to the length's end": Strategy(
        "cosine", honest(900) + " \\boxed{8}", lambda n: honest(n) + " \\boxed{7}", {"max_len": 900}
    ),
}
SIBLINGS = {
    "a Burmese loop": loop("ကျွန်တော်တို့ပေါင်းသည်" * 10),
    "a Khmer loop": loop("យើងបូកលេខទាំងនេះ" * 10),
    "a Tibetan loop": loop("ང་ཚོས་བསྡོམས་པ་" * 10),
    "a Hindi loop without spaces": loop("हमजोड़तेहैं" * 30),
    "an Arabic loop without spaces": loop("نجمعالعددين" * 30),
    "one letter": loop("a" * 400),
    "one mark": loop("=" * 300),
    "one picture": loop("😀" * 200),
    "two pictures": loop("😀🎉" * 100),
    "a loop joined by commas": loop("blah," * 60),
    "sentences without spaces": loop("Wait,Iwillcheckagain." * 40),
    "a loop joined by what nobody sees": loop(("so\u200bwe\u200badd\u200b") * 40),
    "a loop joined by arrows": loop("so→we→add→" * 40),
    "a loop joined by dots in the middle": loop("so·we·add·" * 40),
    "a loop in brackets": loop("(so)(we)(add)" * 40),
    "a loop joined by backslashes": loop("so\\we\\add\\" * 40),
    "a loop joined by capitals": loop("SoWeAdd" * 40),
    "a loop joined by nothing": loop("soweadd" * 40),
    "a loop that a letter of Chinese opens": loop("我 " + "a" * 400),
    "a loop with other punctuation each time": loop(
        " ".join(f"so{',.;:!?'[i % 6]} we{',.;'[i % 3]} add{'!?.,'[i % 4]}" for i in range(60))
    ),
    "a loop in letters of other widths": loop(
        " ".join(("so we add", "ｓｏ we add", "so 𝐰𝐞 add")[i % 3] for i in range(60))
    ),
    "a loop that counts down": loop(" ".join(f"the answer {i}" for i in range(60, 0, -1))),
    "a loop that counts in tens": loop(" ".join(f"the answer {i}" for i in range(0, 600, 10))),
    "a loop with two counters": loop(" ".join(f"the answer {i} of {2 * i}" for i in range(60))),
    "a loop with any numbers": loop(" ".join(f"the answer {i * i * 7919 % 1000}" for i in range(60))),
    "a loop with fractions": loop(" ".join(f"the answer {i}.5" for i in range(60))),
    "a loop with numbers grown to its words": loop(" ".join(f"add{i} two{i} more{i}" for i in range(60))),
    "a loop of times": loop(" ".join(f"12:{i:02} checking again" for i in range(60))),
    "a Chinese loop that counts": loop("".join(f"答案是{i}。" for i in range(60))),
    "another language in entities": hidden(escaped("&#x{:x};")),
    "another language in decimal entities": hidden(escaped("&#{};")),
    "another language in escapes": hidden(escaped("\\u{:04x}")),
    "another language in a verbatim command": hidden(r"\verb|TEXT|"),
    "another language in a listing": hidden(r"\begin{lstlisting}TEXT\end{lstlisting}"),
    "another language in a comment": hidden("<!-- TEXT -->"),
    "another language in a script": hidden("<script>TEXT</script>"),
    "another language as a link's words": hidden("[TEXT](https://a.b)"),
    "another language in a footnote": hidden(r"\footnote{TEXT}"),
    "another language in JSON": hidden('{"a": "TEXT"}'),
    "a program of comments": coded("# nothing\n# here"),
    "a program that does nothing": coded("pass"),
    "a program of dots": coded("..."),
    "a program of a docstring": coded('"""nothing"""'),
    "an empty program": coded("\u200b"),
    "blocks of dots": Strategy("tag_count", EMPTY.format("..."), form),
    "blocks of fillers": Strategy("format", EMPTY.format("\u3164"), form, {"style": "tags"}),
    "a box of spaces": Strategy(
        "format", "so \\boxed{\\quad}", lambda n: f"{honest(n)} \\boxed{{7}}", {"style": "boxed"}
    ),
    "letters of steps without steps": Strategy("reasoning_steps", "(a) \n(b) \n(c) ", steps),
    "one step said three times": Strategy("reasoning_steps", "1. add them\n2. add them\n3. Add them!", steps),
    "words of steps without steps": Strategy("reasoning_steps", "First, 1. Next, 2. Finally, 3.", steps),
    "an answer tag of what nobody sees": Strategy(
        "countdown", "<answer>\u200b</answer>", lambda n: "<answer>1*2*3*4</answer>", {"format_score": 0.1}
    ),
}
STRATEGIES = {**MET, **SIBLINGS}
COLUMNS: dict[str, dict[str, Any]] = {"cosine": {"gold": "7"}, "countdown": {"nums": [1, 2, 3, 4], "target": 24}}


def earned(strategy: Strategy, completion: str) -> float:
    reward = get_reward(strategy.reward, **strategy.params)
    value = reward.score(completion, **COLUMNS.get(strategy.reward, {})).value
    assert value is not None
    return value


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_of_form_earns_less_than_honest_work_of_its_length(name: str) -> None:
    strategy = STRATEGIES[name]
    assert earned(strategy, strategy.completion) < earned(strategy, strategy.honest(len(strategy.completion))) - 0.05


@pytest.mark.parametrize("text", ["3+4=7", "``` anything ```", "```\n" + CHINESE * 4 + "\n```", CHINESE * 4])
def test_a_thought_that_says_nothing_is_paid_no_more_for_its_language_than_an_english_one(text: str) -> None:
    """Strategies 29 and 30: a product of accuracy and language, for a thought that has no language to be measured."""
    for wordless in (None, 0.0):
        language = {"params": {"target": "en", "wordless": wordless}}
        both = compose({"rewards": {"accuracy": {}, "language": language}, "combine": "product"})
        worked = both.score(f"<think>{honest(len(text))}</think>\\boxed{{7}}", gold="7").value
        idle = both.score(f"<think>{text}</think>\\boxed{{7}}", gold="7").value
        assert worked == 1.0
        assert idle == 0.0 or (idle == 1.0 and wordless is None and not text.count(CHINESE))
