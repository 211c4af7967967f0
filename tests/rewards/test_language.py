"""The share of the reasoning in the target language is the true share of its letters."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from veritune import Cause, get_reward
from veritune.plugins import ColumnError, MissingExtraError, ParameterError
from veritune.verifiers.language.strip import natural_text

Rows = Callable[[str], list[dict[str, Any]]]
BACKENDS = ["langdetect", "py3langid"]
LATIN = ["de", "en", "es", "fr", "sw"]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(request.param)
    return str(request.param)


@pytest.fixture(scope="module")
def texts(shared_rows: Rows) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in shared_rows("multilingual/mgsm.jsonl"):
        found[row["lang"]].append(row["problem"])
    for row in shared_rows("multilingual/mgsm_native_cot_exemplars.jsonl"):
        found[row["lang"]].append(row["cot"])
    return found


@pytest.fixture(scope="module")
def chinese(shared_rows: Rows) -> list[str]:
    rows = shared_rows("math_zh/gaokao_bench_with_analysis.jsonl")
    return [r["analysis"] for r in rows if letters(r["analysis"]) > 40 and "故选" in r["analysis"]]


def letters(text: str) -> int:
    return sum(map(str.isalpha, natural_text(text)))


def share(target: str, text: str, **params: Any) -> float:
    score = get_reward("language", target=target, **params).score(f"<think>\n{text}\n</think>\n<answer>7</answer>")
    assert score.value is not None, score.reason
    return score.value


def mixed(first: list[str], second: list[str], chance: float, seed: str) -> tuple[str, float]:
    rng = random.Random(seed)
    parts = [(mine, rng.choice(first if mine else second)) for mine in (rng.random() < chance for _ in range(8))]
    counts = [sum(letters(t) for mine, t in parts if mine is side) for side in (True, False)]
    return "\n".join(t for _, t in parts), counts[0] / sum(counts)


@pytest.mark.parametrize("code", ["bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh"])
def test_the_share_of_a_mgsm_mix_is_the_true_one(code: str, texts: dict[str, list[str]], backend: str) -> None:
    others = LATIN if code in LATIN else ["en", "zh", "ja", "te"]
    for other in [o for o in others if o != code]:
        for chance in (0.0, 0.3, 0.7, 1.0):
            text, true = mixed(texts[code], texts[other], chance, f"{code}{other}{chance}")
            assert share(code, text, backend=backend) == pytest.approx(true, abs=0.05), (other, chance)


@pytest.mark.parametrize("english", ["math/gsm8k_test.jsonl", "math/math_test.jsonl"])
@pytest.mark.parametrize("chance", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_the_share_of_chinese_and_english_solutions_is_the_true_one(
    english: str, chance: float, chinese: list[str], shared_rows: Rows, backend: str
) -> None:
    solutions = [row["solution"] for row in shared_rows(english)[:300] if letters(row["solution"]) > 40]
    for seed in range(6):
        text, true = mixed(chinese, solutions, chance, f"{seed}")
        assert share("zh", text, backend=backend) == pytest.approx(true, abs=0.05)
        assert share("en", text, backend=backend) == pytest.approx(1 - true, abs=0.05)


def test_english_traces_are_english(shared_rows: Rows, backend: str) -> None:
    rows = shared_rows("traces/think_misguided_attention.jsonl")[:40]
    reward = get_reward("language", target="en", backend=backend)
    found = [reward.score(row["text"]).value for row in rows]
    assert sum(value is not None and value > 0.97 for value in found) >= 39


def test_the_share_is_the_same_over_runs_and_threads(texts: dict[str, list[str]], backend: str) -> None:
    text, _ = mixed(texts["es"], texts["fr"], 0.5, "threads")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: share("es", text, backend=backend), range(20)))
    assert set(found) == {share("es", text, backend=backend)}


def test_a_fresh_interpreter_finds_the_same_share(texts: dict[str, list[str]]) -> None:
    text, _ = mixed(texts["es"], texts["fr"], 0.5, "fresh")
    code = (
        "import sys; from veritune import get_reward; print(get_reward('language', target='es')(completions=[%r])[0])"
    )
    done = subprocess.run([sys.executable, "-c", code % text], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == get_reward("language", target="es").score(text).value


def test_langdetect_itself_is_left_as_it_was() -> None:
    pytest.importorskip("langdetect")
    from langdetect import DetectorFactory, detector_factory

    state = random.getstate()
    share("es", "El perro come en la casa con su familia.")
    assert DetectorFactory.seed is None
    assert detector_factory._factory is None
    assert random.getstate() == state


@pytest.mark.parametrize("target", ["en", "zh"])
def test_32000_characters_take_less_than_a_fifth_of_a_second(
    target: str, chinese: list[str], shared_rows: Rows
) -> None:
    pytest.importorskip("py3langid")
    english = " ".join(row["problem"] for row in shared_rows("math/gsm8k_test.jsonl"))
    text = ("\n".join(chinese)[:8000] + english)[:32_000]
    times = []
    for _ in range(3):
        start = time.process_time()
        share(target, text, backend="py3langid")
        times.append(time.process_time() - start)
    assert min(times) < 0.2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("因为 A 和 B 是 x 的函数，所以 sin x 与 log y 相等，故 AB = CD。", 1.0),
        ("设 $f(x) = \\frac{x + one two}{three}$，由 \\(\\text{the area}\\) 可得答案。", 1.0),
        ("我们写程序：\n```python\nfor item in items:\n    print(item)\n```\n然后运行 `print(items)` 得到结果。", 1.0),
        ("二十一 三十五 四十二 五十", 1.0),
        ("本的 iPhone 手机比苏茜的 iPhone 手机旧两倍。", 1.0),
        ("所以我们得到 because the sum 是对的。", 9 / 22),
    ],
)
def test_symbols_formulas_code_and_names_are_no_english(text: str, value: float) -> None:
    assert share("zh", text) == pytest.approx(value, abs=1e-9)


def test_prices_are_no_formulas() -> None:
    text = "Each pen costs $5 and each book costs $10, so she pays $15 in all and gets $5 back."
    assert natural_text(text) == text
    assert natural_text("so $x^2 + 1$ and $$\\frac{a}{b}$$ are") == "so   and   are"


def test_digits_belong_to_no_language_and_chinese_numerals_are_chinese() -> None:
    reward = get_reward("language", target="en")
    none = reward.score("<think> 12 15 20 </think><answer>20</answer>")
    assert none.value is None
    assert none.cause is Cause.NOT_APPLICABLE
    assert "min_letters" in none.reason
    assert reward.score("<think> 十二 十六 二十一</think><answer>21</answer>").value == 0.0
    assert reward.score("<think> twelve sixteen twenty-one</think><answer>21</answer>").value == 1.0


def test_japanese_sentences_of_kanji_join_their_neighbours() -> None:
    text = "最初に犬が三匹いました。合計五匹。次の日に二匹が来たので、全部で七匹になりました。"
    assert share("ja", text) == 1.0
    assert share("zh", text) == 0.0


def test_only_the_reasoning_counts_unless_told_otherwise() -> None:
    completion = "<think>The sum of both numbers is seven.</think>所以答案是七个苹果。"
    values = {v: get_reward("language", target="zh", view=v).score(completion).value for v in ("reasoning", "summary")}
    assert values == {"reasoning": 0.0, "summary": 1.0}
    assert get_reward("language", target="zh").score("所以答案是七个苹果。").value == 1.0
    assert get_reward("language", target="zh").score("所以答案是七。</think>So it is seven.", "问<think>").value == 1.0


@pytest.mark.parametrize(
    "prompt",
    [
        "小明有三个苹果，他又买了两个。现在一共有几个？",
        [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": "一共有几个苹果？"},
        ],
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n一共有几个苹果？<|im_end|>\n"
        "<|im_start|>assistant\n<think>\n",
        "A conversation between User and Assistant. The assistant thinks. User: 一共有几个苹果？ Assistant: <think>",
    ],
)
def test_auto_asks_for_the_language_of_the_question(prompt: Any) -> None:
    reward = get_reward("language")
    assert reward.score("<think>一共有五个苹果</think>", prompt).value == 1.0
    assert reward.score("<think>There are five apples in all.</think>", prompt).value == 0.0


def test_the_target_comes_from_a_column() -> None:
    reward = get_reward("language", target="column", columns={"lang": "tongue"})
    found = reward(completions=["Das ist die ganze Antwort."] * 3, tongue=["de", "English", None])
    assert found == [1.0, 0.0, None]
    assert get_reward("language", target="column").score("ja und nein", lang="xx").cause is Cause.INVALID_GOLD


def test_mistakes_are_named_with_the_nearest_right_word() -> None:
    with pytest.raises(ParameterError, match="Did you mean 'english'"):
        get_reward("language", target="englisch").score("some text here")
    with pytest.raises(ColumnError, match="target: en"):
        get_reward("language").score("some text here")
    with pytest.raises(ParameterError, match="unit"):
        get_reward("language", unit="lines")


def test_words_and_sentences_are_units_too() -> None:
    text = "The first sentence is in English. Der zweite Satz ist aber auf Deutsch geschrieben."
    assert share("en", text, unit="sentences") == 0.5
    assert share("en", text, unit="words") == pytest.approx(6 / 14)


@pytest.mark.parametrize("piece", ["$", "\\[", "`", "```\n", "\\begin{a}", "<", "啊a", "$\\a[{", "a,", "\\text{"])
def test_hostile_text_takes_linear_time(piece: str) -> None:
    reward = get_reward("language", target="en")
    start = time.process_time()
    reward.score(piece * (64_000 // len(piece)))
    assert time.process_time() - start < 2.0


@pytest.mark.parametrize(
    ("params", "found"),
    [({"target": "xx"}, "target 'xx'"), ({"target": "Englsh"}, "Did you mean 'english'"),
     ({"languages": ["en", "xx"]}, "languages 'xx'"), ({"languages": []}, "languages is empty")],
)  # fmt: skip
def test_an_unknown_language_is_refused_before_anything_is_scored(params: dict[str, Any], found: str) -> None:
    with pytest.raises(ParameterError, match=found):
        get_reward("language", **params)


def test_a_back_end_that_is_not_installed_is_refused_with_the_line_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veritune.rewards.language.reward._installed", lambda: False)
    with pytest.raises(MissingExtraError, match=r"veritune\[lang\]"):
        get_reward("language", backend="py3langid")
    assert (
        get_reward("language", backend="auto")
        .score("hello, this is an answer to it", "What is the answer to this?")
        .value
        == 1.0
    )


@pytest.mark.parametrize("lang", [None, float("nan"), "", "xx", 4.0])
def test_a_row_that_names_no_language_is_undecided(lang: Any) -> None:
    score = get_reward("language", target="column").score("This is a sentence in English.", lang=lang)
    assert (score.value, score.cause) == (None, Cause.INVALID_GOLD)
