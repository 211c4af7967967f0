"""Who is a knight and who a knave, as models write it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence


def role_forms(names: Sequence[str], knights: Sequence[bool]) -> Iterator[tuple[str, str]]:
    """Names and texts."""
    pairs = [(name, "knight" if knight else "knave") for name, knight in zip(names, knights, strict=True)]
    good = [name for name, role in pairs if role == "knight"]
    bad = [name for name, role in pairs if role == "knave"]

    def each(template: str, join: str = "\n") -> str:
        return join.join(
            template.format(n=number, name=name, role=role, Role=role.title(), true=role == "knight",
                            teller="truth-teller" if role == "knight" else "liar",
                            tells="tells the truth" if role == "knight" else "lies",
                            other="knave" if role == "knight" else "knight")
            for number, (name, role) in enumerate(pairs, 1)
        )  # fmt: skip

    yield "numbered", each("({n}) {name} is a {role}")
    yield "sentences", each("{name} is a {role}.", " ")
    yield "one sentence", "So " + each("{name} is a {role}", ", ") + "."
    yield "must be", each("{name} must be a {role}", ". ") + "."
    yield "therefore", each("{name} is therefore a {role}.")
    yield "colons", each("{name}: {role}")
    yield "bold names", each("- **{name}**: {Role}")
    yield "bold roles", each("{n}. {name} is a **{role}**.")
    yield "hyphens", each("{name} - {role}")
    yield "dashes", each("* {name} — {role}")
    yield "equals", each("{name} = {role}", ", ")
    yield "arrows", each("{name} → {role}", "; ")
    yield "parentheses", each("{name} ({role})", ", ")
    yield "no verb", each("{name} a {role}", ", ")
    yield "capitals", each("{name} is a {role}").upper()
    yield "truth-tellers", each("{name} is a {teller}")
    yield "tells the truth", each("{name} always {tells}.")
    yield "not the other", each("{name} is not a {other}.")
    yield "under a heading", each("{name}\n  - Role: {role}")
    yield "identity", each("{name}'s identity: {role}")
    yield "latex", "\\text{" + each("{name} is a {role}", ", ") + "}"
    yield "latex pairs", each("\\text{{{name}}}: \\text{{{role}}}", ", ")
    yield "latex lines", each("\\text{{{name} is a {role}}}", " \\\\ ")
    yield "markdown", "| Name | Role |\n|---|---|\n" + each("| {name} | {Role} |")
    yield "markdown, bold", "| Inhabitant | Identity |\n|:--|:--|\n" + each("| **{name}** | a {role} |")
    ticks = "\n".join(f"| {n} | {'✓' if r == 'knight' else ''} | {'' if r == 'knight' else '✓'} |" for n, r in pairs)
    yield "markdown, ticks", "| Name | Knight | Knave |\n|---|---|---|\n" + ticks
    head = f"| {' | '.join(names)} |\n|{'---|' * len(names)}\n"
    yield "markdown, a column each", head + f"| {' | '.join(role for _, role in pairs)} |"
    rule = "+------------+--------+"
    yield "ascii", f"{rule}\n| Name       | Role   |\n{rule}\n" + each("| {name:10} | {role:6} |") + f"\n{rule}"
    yield "json", json.dumps(dict(pairs))
    yield "json, fence", "```json\n" + json.dumps({n: r.title() for n, r in pairs}, indent=2) + "\n```"
    yield "json, booleans", json.dumps({name: role == "knight" for name, role in pairs})
    yield "json, objects", json.dumps([{"name": name, "role": role} for name, role in pairs])
    yield "json, groups", json.dumps({"knights": good, "knaves": bad})
    yield "python", str(dict(pairs))
    yield "python pairs", str(pairs)
    yield "roles in order", str([role for _, role in pairs])
    yield "booleans in order", str(list(knights))
    yield "groups", f"Knights: {', '.join(good) or 'none'}\nKnaves: {', '.join(bad) or 'none'}"
    yield "bold groups", f"**Knights:** {_listed(good) or 'None'}\n**Knaves:** {_listed(bad) or 'None'}"
    if not good or not bad:
        yield "all", f"All of them are {pairs[0][1]}s."
        yield "everyone", f"Everyone is a {pairs[0][1]}."
        return
    yield "are", f"{_are(good, 'knight')}, and {_are(bad, 'knave')}."
    yield "while", f"{_are(good, 'knight')} while {_are(bad, 'knave')}."
    the = [f"the {role}{'s are' if len(who) > 1 else ' is'} {_listed(who)}"
           for who, role in ((good, "knight"), (bad, "knave"))]  # fmt: skip
    yield "the knights are", f"{the[0].capitalize()[:1]}{the[0][1:]}, and {the[1]}."
    yield "everyone else", f"{_are(good, 'knight')}; everyone else is a knave."
    yield "the others", f"{_are(bad, 'knave')}. The others are knights."
    if len(good) == 1:
        yield "only", f"Only {good[0]} is a knight."
        yield "the only one", f"{good[0]} is the only knight; the others are all knaves."
    if len(bad) == 1:
        yield "the only knave", f"The only knave is {bad[0]}."


def _are(who: Sequence[str], role: str) -> str:
    return f"{_listed(who)} {f'are {role}s' if len(who) > 1 else f'is a {role}'}"


def _listed(who: Sequence[str]) -> str:
    return " and ".join(who) if len(who) < 3 else f"{', '.join(who[:-1])}, and {who[-1]}"


WRAPPERS: dict[str, Callable[[str, str], str]] = {
    "tag": lambda answer, quiz: f"<think>\nSuppose not.\n</think>\n<answer>\n{answer}\n</answer>",
    "final answer": lambda answer, quiz: (
        f"{quiz}\n\nAssume the first is a knave. Then they would lie. Contradiction.\n\nFinal answer:\n{answer}"
    ),
    "conclusion": lambda answer, quiz: (
        f"Let's think step by step, by considering whether each is a knight or a knave.\n\n### CONCLUSION:\n{answer}"
    ),
    "therefore": lambda answer, quiz: f"{quiz}\nAssume a knave. No.\n\nTherefore, the solution is:\n{answer}",
    "bare": lambda answer, quiz: answer,
    "box": lambda answer, quiz: f"Work.\n\n$\\boxed{{{answer}}}$",
    "explained": lambda answer, quiz: (
        f"**Answer:**\n{answer}\n\n**Explanation:** If the first were a knave, the statement would be true."
    ),
}
