"""A search for wrong answers that are called right: random small expressions and near misses of them.

    python benchmarks/math_counterexamples.py [--pairs 200000] [--seed 1] [--out FILE]

Each pair is an expression and another one: mutated in one place, rewritten into an equal form, or drawn anew. Both are
written as LaTeX and compared by the verifier (no worker, no symbolic stage). Whatever it calls right is evaluated here,
by mpmath with 60 digits on the tree it was drawn from (nothing of the verifier takes part), at random points, at small
whole numbers and around every constant. A pair whose values differ at one of them is a false accept. Pairs that agree
at all points and were called wrong are counted too, in one pair of forty.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath

from veritune.verifiers.math.cascade import decide
from veritune.verifiers.math.decision import Outcome

Tree = tuple[Any, ...]
NAMES = ("x", "n", "a")
CONTEXT = mpmath.mp.clone()
CONTEXT.dps = 60


def drawn(rng: random.Random, depth: int) -> Tree:
    """A random expression: ("num", 3), ("sym", "x"), ("add", a, b), ("floor", a) …"""
    if depth == 0 or rng.random() < 0.2:
        if rng.random() < 0.55:
            return ("sym", rng.choice(NAMES[: rng.randint(1, 3)]))
        return ("num", rng.choice((1, 2, 3, 4, 5, 7, 10, 12, 25, 100, 1000)))
    kind = rng.choice(
        (
            "add",
            "add",
            "sub",
            "mul",
            "mul",
            "div",
            "pow",
            "neg",
            "sqrt",
            "abs",
            "floor",
            "ceil",
            "sin",
            "cos",
            "ln",
            "max",
            "min",
            "cases",
        )
    )
    if kind == "cases":
        return (kind, *(drawn(rng, depth - 1) for _ in range(4)))
    if kind in ("add", "sub", "mul", "div", "max", "min"):
        return (kind, drawn(rng, depth - 1), drawn(rng, depth - 1))
    if kind == "pow":
        exponent: Tree = ("num", rng.choice((2, 3, 5, 10, 50))) if rng.random() < 0.8 else ("sym", "n")
        return ("pow", drawn(rng, depth - 1), exponent)
    return (kind, drawn(rng, depth - 1))


def nested(rng: random.Random) -> Tree:
    """A maximum, a minimum or cases whose pieces hang on several variables, one of them seldom the one that counts."""
    names = rng.sample(NAMES, 2)
    inner: Tree = ("sym", names[0])
    inner = (rng.choice(("ln", "abs", "neg", "sqrt")), inner) if rng.random() < 0.6 else inner
    second: Tree = ("sym", names[1])
    second = (rng.choice(("abs", "neg", "floor", "sin")), second) if rng.random() < 0.6 else second
    both: Tree = (rng.choice(("add", "sub", "mul")), inner, second)
    far: Tree = rng.choice((drawn(rng, 1), ("sin", ("num", 100)), ("neg", ("num", rng.choice((12, 100, 1000))))))
    kind = rng.choice(("max", "min", "cases"))
    if kind == "cases":
        return ("cases", both, far, drawn(rng, 1), drawn(rng, 1))
    tree: Tree = (kind, far, both) if rng.random() < 0.5 else (kind, both, far)
    return (rng.choice(("max", "min", "add", "mul")), tree, drawn(rng, 1)) if rng.random() < 0.4 else tree


def mutated(tree: Tree, rng: random.Random) -> Tree:
    """`tree` with one thing changed somewhere."""
    below = [i for i, part in enumerate(tree) if isinstance(part, tuple)]
    if below and rng.random() < 0.7:
        at = rng.choice(below)
        return (*tree[:at], mutated(tree[at], rng), *tree[at + 1 :])
    kind = tree[0]
    if kind == "num":
        return ("num", max(1, tree[1] + rng.choice((-1, 1))))
    if kind == "sym":
        return ("sym", rng.choice(NAMES))
    swaps = {"add": "sub", "sub": "add", "mul": "add", "div": "mul", "floor": "ceil", "ceil": "floor", "sin": "cos"}
    if kind in swaps and rng.random() < 0.5:
        return (swaps[kind], *tree[1:])
    return rng.choice(
        (("neg", tree), ("add", tree, ("num", 1)), ("abs", tree), ("floor", tree), ("mul", ("num", 2), tree))
    )


def rewritten(tree: Tree, rng: random.Random) -> Tree:
    """Another form of the same value."""
    parts = tuple(rewritten(part, rng) if isinstance(part, tuple) else part for part in tree)
    if parts[0] in ("add", "mul", "max", "min") and rng.random() < 0.5:
        return (parts[0], parts[2], parts[1])
    if parts[0] == "sub" and rng.random() < 0.5:
        return ("add", ("neg", parts[2]), parts[1])
    if parts[0] == "div" and rng.random() < 0.3:
        return ("mul", parts[1], ("div", ("num", 1), parts[2]))
    return parts


WRITTEN: dict[str, Callable[..., str]] = {
    "num": str,
    "sym": str,
    "add": lambda a, b: f"({a}+{b})",
    "sub": lambda a, b: f"({a}-({b}))",
    "mul": lambda a, b: f"({a})\\cdot ({b})",
    "div": lambda a, b: f"\\frac{{{a}}}{{{b}}}",
    "pow": lambda a, b: f"({a})^{{{b}}}",
    "neg": lambda a: f"(-({a}))",
    "sqrt": lambda a: f"\\sqrt{{{a}}}",
    "abs": lambda a: f"\\left|{a}\\right|",
    "floor": lambda a: f"\\lfloor {a}\\rfloor",
    "ceil": lambda a: f"\\lceil {a}\\rceil",
    "sin": lambda a: f"\\sin({a})",
    "cos": lambda a: f"\\cos({a})",
    "ln": lambda a: f"\\ln({a})",
    "max": lambda a, b: f"\\max({a},{b})",
    "min": lambda a, b: f"\\min({a},{b})",
    "cases": lambda a, b, c, d: f"\\begin{{cases}}{c} & {a}<{b}\\\\ {d} & {a}\\ge {b}\\end{{cases}}",
}
VALUED: dict[str, Callable[..., Any]] = {
    "num": CONTEXT.mpf,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "neg": lambda a: -a,
    "sqrt": lambda a: CONTEXT.sqrt(a) if a >= 0 else _undefined(),
    "abs": abs,
    "floor": lambda a: CONTEXT.floor(_snapped(a)),
    "ceil": lambda a: CONTEXT.ceil(_snapped(a)),
    "sin": CONTEXT.sin,
    "cos": CONTEXT.cos,
    "ln": lambda a: CONTEXT.log(a) if a > 0 else _undefined(),
    "max": max,
    "min": min,
}


def _snapped(found: Any) -> Any:
    """A whole number that 60 digits miss by their last ones: ``(x+12)-x`` has no step of its own."""
    whole = CONTEXT.nint(found)
    return whole if abs(found - whole) < CONTEXT.mpf(10) ** -40 * max(1, abs(found)) else found


def _undefined() -> Any:
    raise ValueError("no real value")


def latex(tree: Tree) -> str:
    return WRITTEN[tree[0]](*(latex(part) if isinstance(part, tuple) else part for part in tree[1:]))


def value(tree: Tree, point: dict[str, Any]) -> Any:
    if tree[0] == "sym":
        return point[tree[1]]
    if tree[0] == "cases":
        return value(tree[3] if value(tree[1], point) < value(tree[2], point) else tree[4], point)
    found = VALUED[tree[0]](*(value(part, point) if isinstance(part, tuple) else part for part in tree[1:]))
    if abs(found) > CONTEXT.mpf(10) ** 3000 or isinstance(found, CONTEXT.mpc):
        raise ValueError("past what is looked at")
    return found


def constants(tree: Tree) -> set[int]:
    if tree[0] == "num":
        return {tree[1]}
    return set[int]().union(*(constants(part) for part in tree[1:] if isinstance(part, tuple)))


def points(gold: Tree, answer: Tree, rng: random.Random) -> list[dict[str, Any]]:
    """Random points, small whole numbers, and places around the constants; ``n`` is a whole number throughout."""
    near = sorted(constants(gold) | constants(answer))
    edges = [*range(1, 14), *(c + d for c in near for d in (-1, 0, 1) if c + d > 0)]
    found = []
    for index in range(16):
        if index % 2:
            point = {name: CONTEXT.mpf(rng.choice(edges)) for name in NAMES}
        else:
            point = {name: CONTEXT.mpf(rng.randint(-40000, 90000)) / 9973 for name in NAMES}
        point["n"] = CONTEXT.mpf(rng.choice(edges))
        found.append(point)
    if PIECED & (kinds(gold) | kinds(answer)):
        found += [_of_any_size(rng) for _ in range(40)]
    return found


def _of_any_size(rng: random.Random) -> dict[str, Any]:
    """Where pieces are met that hang on a variable near zero, or far from it."""
    sizes = {name: CONTEXT.mpf(10) ** (CONTEXT.mpf(rng.randint(-5000, 5000)) / 1000) for name in NAMES}
    point = {name: size if rng.random() < 0.7 else -size for name, size in sizes.items()}
    point["n"] = CONTEXT.mpf(rng.randint(1, rng.choice((3, 20, 5000))))
    return point


PIECED = frozenset(["max", "min", "cases", "abs", "floor", "ceil"])


def kinds(tree: Tree) -> set[str]:
    return {tree[0]}.union(*(kinds(part) for part in tree[1:] if isinstance(part, tuple)))


def agrees(gold: Tree, answer: Tree, rng: random.Random) -> bool | None:
    """Whether the two have the same value wherever both have one; None where that is at fewer than three points."""
    seen = 0
    for point in points(gold, answer, rng):
        try:
            a, b = value(gold, point), value(answer, point)
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
        size = max(abs(a), abs(b), CONTEXT.mpf(10) ** -30)
        if size > CONTEXT.mpf(10) ** 35:
            continue
        if abs(a - b) > size * CONTEXT.mpf(10) ** -20:
            return False
        seen += 1
    return True if seen >= 3 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    counted: Counter[str] = Counter()
    bad: list[str] = []
    lost: list[str] = []
    start = time.process_time()
    for index in range(1, arguments.pairs + 1):
        gold = nested(rng) if index % 12 == 0 else drawn(rng, rng.randint(1, 3))
        way = rng.random()
        answer = (
            mutated(gold, rng) if way < 0.65 else rewritten(gold, rng) if way < 0.85 else drawn(rng, rng.randint(1, 2))
        )
        decision = decide(latex(answer), latex(gold))
        counted[str(decision.outcome)] += 1
        if decision.outcome is Outcome.RIGHT and answer != gold:
            same = agrees(gold, answer, rng)
            counted[{True: "right, confirmed", None: "right, hardly defined"}.get(same, "FALSE ACCEPT")] += 1
            if same is False:
                bad.append(f"{latex(gold)}   |   {latex(answer)}   |   {decision.reason}")
        elif index % 40 == 0 and decision.outcome is Outcome.WRONG and agrees(gold, answer, rng):
            counted["wrong, not told apart here"] += 1
            lost.append(f"{latex(gold)}   |   {latex(answer)}   |   {decision.reason}")
        if arguments.out and (index % 5000 == 0 or index == arguments.pairs):
            spent = f"{index} pairs, seed {arguments.seed}, {time.process_time() - start:.0f} s of CPU"
            arguments.out.write_text("\n".join(report(spent, counted, bad, lost)) + "\n", encoding="utf-8")
    spent = f"{arguments.pairs} pairs, seed {arguments.seed}, {time.process_time() - start:.0f} s of CPU"
    print("\n".join(report(spent, counted, bad, lost)))


def report(spent: str, counted: Counter[str], bad: list[str], lost: list[str]) -> list[str]:
    """The counts and the pairs to look at."""
    lines = [spent, *(f"{count:>9}  {name}" for name, count in counted.most_common())]
    told = "called wrong, and not told apart at the points tried here (they may differ elsewhere):"
    return [*lines, "", f"false accepts: {len(bad)}", *bad[:60], "", told, *lost[:20]]


if __name__ == "__main__":
    main()
