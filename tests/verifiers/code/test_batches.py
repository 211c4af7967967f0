"""One odd row costs its own sample, never its batch."""

from __future__ import annotations

from typing import Any

import pytest

from veritune.plugins import Cause, Sample, get_reward
from veritune.sandbox import default_sandbox

ADD = "```python\nprint(sum(map(int, input().split())))\n```"
TESTS = [{"input": "1 2", "output": "3"}, {"input": "4 5", "output": "9"}]
UNKNOWN = ("python2", "Python 2.7", "c#", "kotlin", "typescript", "ruby", "sql", "unknown", "", "x" * 500, "日本語")


def scores_of(name: str, texts: list[str], rows: list[dict[str, Any]]) -> list[Any]:
    return get_reward(name).score_batch([Sample(t, columns=r) for t, r in zip(texts, rows, strict=True)])


@pytest.mark.parametrize("name", ["code", "binary_code", "code_stdio", "cf_code"])
def test_languages_that_cannot_be_run_are_undecided_one_by_one(name: str) -> None:
    languages = ["python", *UNKNOWN, "pypy3"]
    rows = [{"official_tests": TESTS, "language": language} for language in languages]
    texts = [f"```{language or 'python'}\n{ADD[10:]}" for language in languages]
    scores = scores_of(name, texts, rows)
    assert scores[0].value == scores[-1].value == (1.1 if name == "cf_code" else 1.0)
    for language, score in zip(UNKNOWN, scores[1:-1], strict=True):
        if language:
            assert (score.value, score.cause) == (None, Cause.ABSTAIN), language
            assert "languages are" in score.reason


@pytest.mark.parametrize("name", ["PyPy 3", "pypy3", "Python3", "python 3.12", "py"])
def test_other_names_of_a_language_are_that_language(name: str) -> None:
    assert get_reward("code").score(ADD, language=name, tests=TESTS).value == 1.0


CPP = "#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b; }"
TWENTY = "#include <iostream>\n#include <ranges>\ntemplate <class T> concept any = true;\nint main() { int a, b; " + (
    "std::cin >> a >> b; for (int i : std::views::iota(0, 1)) std::cout << a + b + i; }"
)
SEVENTEEN = "#include <iostream>\nint concept = 0;\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b; }"


@pytest.mark.parametrize(
    ("language", "code", "value"),
    [("cpp", TWENTY, 1.0), ("cpp", SEVENTEEN, 1.0), ("C++20 (GCC 13-64)", TWENTY, 1.0), ("cpp17", SEVENTEEN, 1.0),
     ("cpp17", TWENTY, 0.0), ("c++20", SEVENTEEN, 0.0), ("cpp20", CPP, 1.0), ("c++11", CPP, 1.0)],
)  # fmt: skip
def test_a_standard_is_used_where_it_is_named_and_found_where_it_is_not(language: str, code: str, value: float) -> None:
    if "cpp" not in default_sandbox().languages():
        pytest.skip("needs g++")
    assert get_reward("binary_code").score(f"```cpp\n{code}\n```", language=language, tests=TESTS).value == value


def test_a_program_that_is_too_large_is_its_own_fault() -> None:
    row: dict[str, Any] = {"entry_point": "f", "tests": [[[1], 2]]}
    huge = "```python\ndef f(x): return 2\n#" + "a" * (20 << 20) + "\n```"
    right = "```python\ndef f(x): return 2\n```"
    scores = scores_of("code", [right, huge, right], [row] * 3)
    assert [score.value for score in scores] == [1.0, 0.0, 1.0]
    small = get_reward("code", limits={"file_mb": 1}).score(huge[: 2 << 20] + "\n```", **row)
    assert small.value == 0.0
    assert get_reward("cf_code").score(huge, language="python", official_tests=TESTS).value == -0.1


def test_a_class_name_that_no_file_can_have_is_a_compile_error() -> None:
    if "java" not in default_sandbox().languages():
        pytest.skip("needs javac")
    name = "A" * 300
    code = f"public class {name} {{ public static void main(String[] a) {{ System.out.println(3); }} }}"
    score = get_reward("code").score(f"```java\n{code}\n```", language="java", tests=TESTS)
    assert score.value == 0.0
    assert "compile error" in score.reason


def test_an_absent_package_is_named_with_the_way_to_provide_it() -> None:
    for row in ({"tests": TESTS}, {"entry_point": "f", "tests": [[[1], 2]]}):
        score = get_reward("code").score("```python\nimport no_such_package\n```", **row)
        assert score.value == 0.0
        assert "packages" in score.reason
