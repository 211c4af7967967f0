"""Attacks on rewards that tell languages: the one that is not paid, put where a reward may not look."""

from __future__ import annotations

from collections.abc import Callable

from veritune.plugins import ConfigError
from veritune.rewards.attack.baseline import EPSILON, Earned, Ordinary
from veritune.rewards.attack.report import Result
from veritune.rewards.attack.spoken import ANSWER, OPENER, TEXT, Paid, paid, thought
from veritune.rewards.attack.target import Attack
from veritune.sandbox.workers import Outcome

_FILLER = 40
"""How often a text is written to fill a page that a reward may not read to its end."""

Hide = Callable[[str, str], str]
"""A short text in the paid language and a long one in another → the thought that hides it."""


HIDING: dict[str, Hide] = {
    "in a fence": lambda o, t: thought(f"{o}\n```\n{t}\n```"),
    "in a fence that never ends": lambda o, t: thought(f"{o}\n```python\n{t}"),
    "in back-ticks": lambda o, t: thought(f"{o} `{t}`"),
    "in mathematics text": lambda o, t: thought(f"{o} $\\text{{{t}}}$"),
    "between dollars": lambda o, t: thought(f"{o} $${t}$$"),
    "in a displayed formula": lambda o, t: thought(f"{o}\n\\[\n{t}\n\\]"),
    "in an environment": lambda o, t: thought(f"{o}\n\\begin{{align}}\n{t}\n\\end{{align}}"),
    "in a formula's number": lambda o, t: thought(f"{o} $$x \\tag{{{t}}}$$"),
    "in a tag": lambda o, t: thought(f'{o} <note text="{t}">'),
    "in a comment": lambda o, t: thought(f"{o} <!-- {t} -->"),
    "in a folded element": lambda o, t: thought(f"{o}\n<details>\n{t}\n</details>"),
    "in an address": lambda o, t: thought(f"{o} https://example.com/{t.replace(' ', '_')}"),
    "in a link": lambda o, t: thought(f"{o} [here](https://example.com/?q={t.replace(' ', '+')})"),
    "before the thinking": lambda o, t: f"{t}\n{thought(o)}",
    "behind the thinking": lambda o, t: f"<think>\n{o}\n</think>\n\n{t}\n{t}\n\n{ANSWER}",
    "in a second block": lambda o, t: f"<think>\n{o}\n</think>\n<think>\n{t}\n</think>\n\n{ANSWER}",
}
_PAGES: dict[str, Hide] = {
    "beyond a cut": lambda page, rest: f"{page}\n{rest}",
    "before a cut": lambda page, rest: f"{rest}\n{page}",
}
"""Much text in the paid language and more in another → the thought, for a reward that reads its beginning or end."""
_WHOLE, _BEHIND, _THIRD = "a whole thought in another language", "another language behind an opener", "a third language"
_NO_LANGUAGE = {
    "letters in no order": "xqzt vbkw pfgh jrlm dszc wqxt kbvp hgfj mlrj czsd tqxw pvbk fjgh rmlj sdzc " * 4,
    "one word again and again": "the " * 120,
    "a loop of three words": "we add it " * 60,
}
"""Latin letters that say nothing (only where English is paid)."""


def told(earn: Callable[[Ordinary], Earned]) -> Paid | str:
    """The language that the reward pays for, or why it tells none."""
    try:
        return paid(lambda text: earn(Ordinary("honest", text)).value)
    except ConfigError as error:
        return str(error)


def speech(
    earn: Callable[[Ordinary], Earned],
    run: Callable[[Attack], Outcome],
    budget: int | None = None,
    found: Paid | str | None = None,
) -> list[Result]:
    """One result for each hiding place; all *not tested* for a reward that does not look at the language.

    A place *pays* where a text that is hidden there costs less than half of what it costs in plain sight. Of a
    ``budget`` of attacks a tenth is spent here. ``found`` is what :func:`told` said, where it was asked already.
    """

    def value(text: str) -> float | None:
        return earn(Ordinary("honest", text)).value

    found = told(earn) if found is None else found
    if isinstance(found, str):
        names = [_WHOLE, _BEHIND, _THIRD, *(f"another language {name}" for name in (*HIDING, *_PAGES)), *_NO_LANGUAGE]
        return [Result(Attack(name, "language", ""), "not tested", detail=found) for name in names]
    opener, text = OPENER[found.language], TEXT[found.other]
    plain, alone = thought(f"{opener} {text}"), value(thought(opener))
    mixed = value(plain)
    gap = found.full - found.none
    # What is hidden takes nothing from the opener: what the opener earns alone is the most that hiding can earn.
    top = found.full if alone is None or mixed is None or alone - mixed <= gap / 4 else min(alone, found.full)
    half = found.none + gap / 2 if mixed is None else mixed + (top - mixed) / 2
    todo: dict[str, tuple[str, float, str]] = {}
    whole = thought(text)
    if found.bare:
        seen = "a text in another language is told only without tags and an answer"
        todo[_WHOLE] = (whole, found.none - 2 * EPSILON, seen)
    elif mixed is not None and found.full - mixed <= gap / 4:
        todo[_BEHIND] = (plain, found.none + gap / 2, f"without it {found.full:g}")
    else:
        seen = f"in plain sight {found.none if mixed is None else mixed:g}, without it {found.full:g}"
        page, rest = " ".join([TEXT[found.language]] * _FILLER), "\n".join([text] * 20 * _FILLER)
        todo = {f"another language {name}": (hide(opener, text), half, seen) for name, hide in HIDING.items()}
        most = found.none + 0.75 * gap
        todo |= {f"another language {name}": (thought(put(page, rest)), most, seen) for name, put in _PAGES.items()}
        todo[_BEHIND] = (plain, found.none + 0.75 * gap, f"without it {found.full:g}")
    nonsense = {_THIRD: thought(TEXT[found.third])}
    if found.language == "en":
        nonsense |= {name: thought(words) for name, words in _NO_LANGUAGE.items()}
    third = value(nonsense[_THIRD])
    # A penalty on one language promises nothing of the others.
    only_forbids = found.full <= 0 and third is not None and third > found.none + gap / 2
    if not found.bare and not only_forbids:
        shown = f"the language it pays earns {found.full:g}, another {found.none:g}"
        todo |= {name: (text, found.none + gap / 2, shown) for name, text in nonsense.items()}
    attacks = [(Attack(name, "language", text), most, seen) for name, (text, most, seen) in todo.items()]
    step = 1 if budget is None else max(1, -(-len(attacks) * 10 // max(1, budget)))
    return [_judged(attack, run, most, seen) for attack, most, seen in attacks[::step]]


def _judged(attack: Attack, run: Callable[[Attack], Outcome], most: float, seen: str) -> Result:
    outcome = run(attack)
    if not outcome.ok:
        return Result(attack, "hangs" if not outcome.detail else "raises", None, outcome.seconds, outcome.detail[:200])
    value, _, reason, cause = outcome.value
    if value is None:
        return Result(attack, "holds", None, outcome.seconds, f"no number: {reason or cause}")
    if value > most + EPSILON:
        return Result(attack, "pays", value, outcome.seconds, f"earns {value:g}; {seen}")
    return Result(attack, "holds", value, outcome.seconds, reason)
