"""Random and broken texts through the math verifier: nothing may raise, and nothing may outlast its deadline.

    python -m benchmarks.math_fuzz --inputs 2000000 --data ../shared/data

Four kinds, in turn: a character of every Unicode category in every place of an answer; LaTeX built from pieces,
nested and cut; words of sentences in any order; real completions with spans deleted, doubled, swapped and cut. Each
input is read (extraction) and compared (the stages in this process) without the boundary that turns a fault into
``internal_error``: an exception is reported with its input. The slowest inputs are then verified again in the
killable workers, where the deadline is enforced.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import random
import signal
import sys
import time
import traceback
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT]

from veritune.plugins.types import Cause  # noqa: E402
from veritune.verifiers.math import MathVerifier  # noqa: E402
from veritune.verifiers.math.cascade import decide  # noqa: E402
from veritune.verifiers.math.extraction.extract import extract  # noqa: E402
from veritune.verifiers.math.gold import read_golds  # noqa: E402
from veritune.verifiers.math.options import DEFAULT  # noqa: E402
from veritune.verifiers.math.reading import prepare_gold  # noqa: E402

DEADLINE = 1.0
_COMPLETIONS = ("response", "completion", "prediction", "text", "exemplar", "trace")


def listed(text: str, separator: str | None = None) -> list[str]:
    """The items of a text."""
    return text.split(separator)


PLACES = listed(
    r"{c} 4|4{c}|{c}4{c}|The answer is {c}5|The answer is 5{c}|\boxed{{4{c}}}|\boxed{{{c}}}|\boxed{{x_{c}}}|"
    r"\boxed{{x^{c}}}|\boxed{{\frac{{{c}}}{{2}}}}|\boxed{{0.{c}(3)}}|\boxed{{1,{c}00}}|\boxed{{{c}:00}}|"
    r"\boxed{{1011_{c}}}|\boxed{{2 {c}/3}}|\boxed{{0.\dot{{{c}}}}}|\boxed{{1e{c}}}|\boxed{{\text{{{c}}}}}|#### {c}|"
    r"Answer: {c}|<answer>{c}</answer>|答案是{c}|三{c}分之一|{c}%|<think>{c}</think>{c}3|({c}) 12|${c}$|"
    r'{{"answer": "{c}"}}|**{c}**|\boxed{{5{c}th}}|Final answer: 4{c}|\boxed{{3^\circ 2{c}}}|x = {c} or x = 2|'
    r"\boxed{{C_{c}^2}}|\boxed{{[1,{c})}}|\boxed{{5 {c}m}}",
    "|",
)
PIECES = [
    *listed(r"""\frac \sqrt \boxed \text \left \right \begin{pmatrix} \end{pmatrix} \begin{cases} \overline \dot
    \pm \cup \in \mathbb{R} \sum \int \lim \binom \log
    \circ \infty \le \pmod \mathrm \sin \cdot \\ \, \% \$ \{ \} { } ( ) [ ] |
    ^ _ ! ' % & = < > + - * / : , . ; ~ $ 0 1 2 7 12 305 0.5 1,000 x y n k C e i cm kg th pi or and ° √ ½ ² ₂
    π ≤ 三 分之 百 度 负 点 ～"""),
    *(" ", "\n", "\u200b", "\x00", "\ud800"),
]
WORDS = [
    *listed(r"""the answer is not so therefore maybe or either 7 8 42 but wait no actually if were would be x = , . ? !
    ** \boxed{7} \boxed{8 <think> </think> <THINK> <!-- --> ``` $7$ $ #### 【答案】 答案是 不是 可能 Answer: A: final
    <answer> </answer> {"answer": } cm apples (B) which because % \phantom{7} ⑴ ❶"""),
    *("\n", "\n\n"),
]
GOLDS = [
    *listed(r"7 42 \frac{1}{3} x=5 (1,2) \{1,2\} B 3:30 [2,5) y=2x+3 \sqrt{2} 无解 1011_2 5\% 1:2 \pi x^2+1 \pm3"),
    "5 cm",
]


def characters() -> list[list[str]]:
    """Every code point, by category."""
    found: dict[str, list[str]] = {}
    for code in range(0x110000):
        found.setdefault(unicodedata.category(chr(code)), []).append(chr(code))
    return list(found.values())


def texts(rng: random.Random, real: list[str]) -> Iterator[tuple[str, str]]:
    """Kind and text, without end."""
    categories = characters()

    def odd() -> str:
        return "".join(rng.choice(rng.choice(categories)) for _ in range(rng.choice((1, 1, 1, 2, 5))))

    def character() -> str:
        return rng.choice(PLACES).format(c=odd())

    def latex() -> str:
        body = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 24)))
        shape = rng.random()
        if shape < 0.2:
            depth = rng.randint(1, 80)
            body = rng.choice((r"\frac{1}{", r"\sqrt{", "(", "{", r"\boxed{", "x_{", "[")) * depth + body + "}" * depth
        if shape < 0.8:
            body = rf"\boxed{{{body}}}"
        return body[: rng.randint(1, len(body))] if rng.random() < 0.3 else body

    def sentence() -> str:
        return " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 30)))

    def mutated() -> str:
        text = rng.choice(real)[-1200:]
        for _ in range(rng.randint(1, 4)):
            a, b = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
            b = min(b, a + 60)
            changed = rng.choice(("", odd(), rng.choice(PIECES), text[a:b].upper(), text[a:b] * 2))
            text = rng.choice((text[:a] + changed + text[b:], text[:a], text[b:] + text[a:b]))
        return text

    kinds: tuple[tuple[str, Callable[[], str]], ...] = (
        ("character", character), ("latex", latex), ("sentence", sentence), *((("mutated", mutated),) if real else ()),
    )  # fmt: skip
    while True:
        for kind, make in kinds:
            yield kind, make()


def real_texts(data: Path) -> tuple[list[str], list[str]]:
    """Completions and golds of the labelled rows."""
    completions: list[str] = []
    golds: list[str] = []
    for path in sorted(data.glob("*/*.jsonl")):
        if path.parent.name not in ("labelled_responses", "traces", "math_equivalence", "math_hostile", "multilingual"):
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            for name, value in row.items():
                if isinstance(value, str) and name in _COMPLETIONS:
                    completions.append(value)
                if isinstance(value, str) and name in ("gold", "answer"):
                    golds.append(value)
            completions += [v for v in row.get("responses", []) if isinstance(v, str)]
    return [c for c in completions if c], [g for g in golds if g and len(g) < 400]


def ask(rng: random.Random, text: str, gold: str) -> str:
    """Read and compare as the verifier does, in this process and without its boundary; the outcome."""
    answer = extract(text).answer
    if rng.random() < 0.1:
        read_golds(text, DEFAULT)
        decide(gold, prepare_gold(text[:400]))
    return "no answer" if answer is None else str(decide(answer, prepare_gold(gold)).outcome)


def beside(rng: random.Random, recent: list[str], golds: list[str]) -> str:
    """A gold: a real one, or one that is nearly a recent answer, so that comparisons go deep."""
    if not recent or rng.random() < 0.6:
        return rng.choice(golds)
    text = rng.choice(recent)
    at = rng.randint(0, len(text))
    return text[:at] + rng.choice(PIECES) + text[at + rng.randint(0, 2) :]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    completions, golds = real_texts(args.data) if args.data.is_dir() else ([], [])
    golds += GOLDS * (1 + len(golds) // len(GOLDS))
    counts: Counter[str] = Counter()
    faults: dict[str, str] = {}
    slowest: list[tuple[float, str, str, str]] = []
    recent: list[str] = []
    begun = time.process_time()
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: ended.append(number))
    done = 0
    for kind, text in itertools.islice(texts(rng, completions), args.inputs):
        if ended:
            break
        done += 1
        gold = beside(rng, recent, golds)
        start = time.process_time()
        try:
            counts["outcome " + ask(rng, text, gold)] += 1
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            key = f"{type(error).__name__} {Path(place.filename).name}:{place.lineno}"
            faults.setdefault(key, f"{error} | {text[-300:]!r} | gold {gold!r}")
            counts[f"fault {key}"] += 1
        took = time.process_time() - start
        counts[kind] += 1
        if len(text) < 300:
            recent = [*recent[-40:], text.removeprefix(r"\boxed{").removesuffix("}")]
        if len(slowest) < 20 or took > slowest[-1][0]:
            slowest = sorted([*slowest, (took, kind, text, gold)], reverse=True)[:20]
    spent = time.process_time() - begun
    python = platform.python_version()
    print(f"math fuzz, {date.today()}, Python {python}, seed {args.seed}, {done:,} inputs, {spent:.0f} CPU-s")
    for name in sorted(counts):
        print(f"  {name}: {counts[name]:,}")
    for key, example in faults.items():
        print(f"  FAULT {key}: {example}")
    seconds, kind, text, gold = slowest[0]
    print(f"slowest without a deadline: {seconds:.3f} CPU-s ({kind}): {text[-120:]!r}, gold {gold[:60]!r}")
    worst, raised = again(slowest)
    print(
        f"the {len(slowest)} slowest again in workers, deadline {DEADLINE} s: {worst:.2f} s, {raised} internal errors"
    )
    return 1 if faults or raised else 0


def again(slowest: list[tuple[float, str, str, str]]) -> tuple[float, int]:
    """The slowest inputs in killable workers: the longest wall clock, and the faults."""
    verifier = MathVerifier(deadline=DEADLINE, cache=0)
    verifier.warm()
    worst, raised = 0.0, 0
    for _, _, text, gold in slowest:
        start = time.monotonic()
        raised += verifier.verify(text, gold).cause is Cause.INTERNAL_ERROR
        worst = max(worst, time.monotonic() - start)
    return worst, raised


if __name__ == "__main__":
    raise SystemExit(main())
