"""Does ``language`` find what was asked, what is said inside sentences, what is hidden, and what two words are in?

    python benchmarks/language_targets.py MGSM.jsonl [--questions 40]

MGSM's rows have ``lang`` and ``problem``. Four tables: words of another language inside real sentences; questions,
whole and of their last sentence alone, with sentences on how to answer in another language before or after them; the
same words hidden in twenty places; thoughts of one to three words.
"""

from __future__ import annotations

import argparse
import platform
import random
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from language import read
from language_instructions import INSTRUCTIONS, SHORT_THOUGHTS
from language_switching import sentences, switched

from veritune import get_reward

NEAR = 0.07
LENGTHS = ((1, 1), (2, 3), (4, 6), (7, 10))
CHINESE = "首先我们把三个苹果和四个苹果加起来得到七个苹果所以答案是七"
RUSSIAN = "сначала мы складываем три яблока и четыре яблока и получаем семь яблок значит ответ семь"
PLACES = {
    "a fence": "```\n{}\n```",
    "a fence of a language": "```text\n{}\n```",
    "a fence that never ends": "```\n{}",
    "backticks": "`{}`",
    "a formula's text": "$\\text{{{}}}$",
    "double dollars": "$${}$$",
    "brackets": "\\[{}\\]",
    "parentheses": "\\({}\\)",
    "an environment": "\\begin{{x}}{}\\end{{x}}",
    "a listing": "\\begin{{lstlisting}}{}\\end{{lstlisting}}",
    "a verbatim command": "\\verb|{}|",
    "a tag": "<{}>",
    "an attribute": '<a title="{}">x</a>',
    "a comment": "<!-- {} -->",
    "a script": "<script>{}</script>",
    "an address": "https://{}",
    "a link's words": "[{}](https://a.b)",
    "JSON": '{{"a": "{}"}}',
    "a table": "| {} | 1 |",
    "a quotation": "> {}",
}


def switching(texts: Mapping[str, Sequence[str]], questions: int) -> None:
    print(
        f"\nWords of one language inside sentences of another: two pieces a text, {questions} texts a pair of languages"
    )
    print(f"{'words':>8}{'texts':>8}{'mean':>9}{'p95':>8}{'p99':>8}{'max':>8}{f'<= {NEAR}':>9}  worst pair by the mean")
    for fewest, most in LENGTHS:
        errors: dict[str, list[float]] = {}
        for first in sorted(texts):
            reward = get_reward("language", target=first)
            for second in sorted(texts.keys() - {first}):
                few = {**texts, first: texts[first][:questions]}
                scored = [
                    (reward.score(mix.text).value, mix.share) for mix in switched(few, first, second, 2, (fewest, most))
                ]
                errors[f"{first}<{second}"] = [1.0 if value is None else abs(value - share) for value, share in scored]
        every = sorted(error for found in errors.values() for error in found)
        worst = max(errors, key=lambda pair: sum(errors[pair]) / len(errors[pair]))
        print(
            f"{f'{fewest}-{most}':>8}{len(every):8}{sum(every) / len(every):9.4f}{at(every, 0.95):8.3f}"
            f"{at(every, 0.99):8.3f}{every[-1]:8.3f}{sum(e <= NEAR for e in every) / len(every):9.3f}  {worst} "
            f"{sum(errors[worst]) / len(errors[worst]):.3f}"
        )


def at(values: Sequence[float], quantile: float) -> float:
    return values[min(int(quantile * len(values)), len(values) - 1)]


def targets(texts: Mapping[str, Sequence[str]], questions: int, cut: bool) -> None:
    what = "a question's last sentence" if cut else "a question"
    print(f"\nThe target (auto) of {what} with sentences on how to answer in another language")
    print(f"{'asked':>8}{'prompts':>9}{'right':>8}{'none':>7}{'wrong':>7}")
    total = [0, 0, 0]
    missed: dict[str, int] = {}
    for asked in sorted(texts):
        rng = random.Random(asked)
        reward = get_reward("language")
        thought = f"<think>{' '.join(texts[asked][-3:])}</think>"
        counts = [0, 0, 0]
        for whole in texts[asked][:questions]:
            question = sentences(whole)[-1] if cut else whole
            told = rng.choice([code for code in INSTRUCTIONS if code != asked])
            told_sentence = rng.choice(INSTRUCTIONS[told])
            other = rng.choice(INSTRUCTIONS[told])
            prompt = rng.choice(
                [f"{question} {told_sentence}", f"{question}\n\n{told_sentence}", f"{told_sentence}\n\n{question}",
                 f"{told_sentence}\n\n{question}\n{other}"]
            )  # fmt: skip
            value = reward.score(thought, prompt).value
            counts[0 if value is not None and value > 0.9 else 1 if value is None else 2] += 1
            if value is None or value <= 0.9:
                missed[f"{told}: {told_sentence}"] = missed.get(f"{told}: {told_sentence}", 0) + 1
        total = [a + b for a, b in zip(total, counts, strict=True)]
        print(f"{asked:>8}{sum(counts):9}{counts[0]:8}{counts[1]:7}{counts[2]:7}")
    print(f"{'all':>8}{sum(total):9}{total[0]:8}{total[1]:7}{total[2]:7}   {total[0] / sum(total):.1%} right")
    for sentence, count in sorted(missed.items(), key=lambda item: -item[1])[:10]:
        print(f"         missed {count} times with {sentence}")


def places() -> None:
    print("\nThe share of English (target: en) of an English sentence and another language: in plain sight, and hidden")
    reward = get_reward("language", target="en")
    for name, hidden in (("Chinese", CHINESE), ("Russian", RUSSIAN)):
        plain = reward.score(f"<think>Let me think about it.\n{hidden}</think>5").value or 0.0
        found = {
            place: reward.score(f"<think>Let me think about it.\n{form.format(hidden)}</think>5").value or 0.0
            for place, form in PLACES.items()
        }
        found["before the thinking"] = reward.score(f"{hidden}<think>Let me think about it.</think>5").value or 0.0
        found["after the thinking"] = reward.score(f"<think>Let me think about it.</think>{hidden}").value or 0.0
        worst = max(found, key=found.__getitem__)
        held = sum(value <= plain + 0.02 for value in found.values())
        print(
            f"  {name}: {plain:.2f} in plain sight; {held} of {len(found)} places no more; {worst} {found[worst]:.2f}"
        )


def short() -> None:
    print(
        "\nThoughts of one to three words, asked for every language that shares the script and for English and Chinese"
    )
    right = none = 0
    wrong: list[str] = []
    for code, listed in SHORT_THOUGHTS.items():
        for thought in listed.split("|"):
            for target in dict.fromkeys((code, "en", "zh", "de", "fr", "es", "sw")):
                value = get_reward("language", target=target).score(f"<think>{thought}</think>").value
                if value is None:
                    none += 1
                elif value == float(target == code):
                    right += 1
                else:
                    wrong.append(f"{thought!r} ({code}) with target {target}: {value:.2f}")
    count = sum(len(listed.split("|")) for listed in SHORT_THOUGHTS.values())
    print(f"  {count} thoughts, {right + none + len(wrong)} questions: {right} right, {none} None, {len(wrong)} wrong")
    for line in wrong:
        print(f"    {line}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mgsm", nargs="+")
    parser.add_argument("--questions", type=int, default=40, help="texts a pair, and questions a language")
    given = parser.parse_args()
    texts = read(given.mgsm)
    start = time.process_time()
    print(f"language: python benchmarks/language_targets.py MGSM.jsonl --questions {given.questions}")
    print(
        f"{date.today():%d %B %Y}; {platform.system()} {platform.machine()}, {platform.python_implementation()} "
        f"{platform.python_version()}, langdetect {version('langdetect')}"
    )
    switching(texts, given.questions)
    targets(texts, given.questions, cut=False)
    targets(texts, given.questions, cut=True)
    places()
    short()
    print(f"\n{time.process_time() - start:.0f} s of CPU")


if __name__ == "__main__":
    main()
