"""Who is what, as people and models write it: sentences, lists, tables, JSON, groups; claims and suppositions aside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from veritune.verifiers.puzzles.tables import objects, tables

_KNIGHT = (
    r"knights?|truth[\s-]?tellers?|truthful|truth|honest|sincere|saints?|heroe?s?|angels?|"
    r"altruists?|sages?|pioneers?|骑士"
)
_KNAVE = r"knaves?|liars?|lying|lies|dishonest|sinners?|villains?|devils?|egoists?|fools?|laggards?|无赖"
_NOT = r"(?:not|never|no|n't|isn't|aren't|cannot be|can't be)"
_LINK_WORDS = (
    r"is|are|was|were|must|be|has|have|had|to|both|all|each|indeed|also|definitely|certainly|clearly|therefore|thus|then|a|an|"
    r"the|s|being|as|role|identity|type|status|turns?|out|telling|tells?|always|in fact|actually|equals?|会|是|为"
)
_UNREAL = re.compile(
    r"\b(?:if|suppos\w*|assum\w*|would|could|might|may|maybe|perhaps|possibly|either|or|whether|unless|"
    r"case \d+|case [a-c]\b|hypothe\w*|"
    r"imagin\w*|consider|says?|said|saying|claim\w*|stat(?:es?|ed|ing|ements?)|told|tells us|tell us|"
    r"assert\w*|remark\w*|mention\w*|"
    r"comment\w*|noted|declar\w*|express\w*|according|contradict\w*|let'?s?|when|were to|think|believe|"
    r"guess|which)\b|\?",
    re.IGNORECASE,
)
"""A sentence with one of these says nothing of who is what."""
_QUOTED = re.compile(r"[\"“”«»][^\"“”«»\n]{0,400}[\"“”«»]")
_MARKS = re.compile(r"[*_`$#>]|\\[()\[\]]|<[^<>\n]{0,40}>")
_ENDS = re.compile(r"(?<=[.!?。;；])\s+|\n|(?<=[a-z])[.;](?=[A-Z])|,?\s(?:but|while|whereas|whilst)\s")

_STOP = "\ue000"
"""Stands for a full stop inside of a name, which ends no sentence."""
_ASIDE = re.compile(r"\([^()\n]{1,300}\)")
_REASON = re.compile(r"[,;]?\s+(?:because|since)\s", re.IGNORECASE)


class RoleReader:
    """Reads the roles of these people. ``words``: a row's own names of the two roles, ``{"knight": …, "knave": …}``."""

    def __init__(self, names: Sequence[str], words: Any = None) -> None:
        self.names = list(names)
        self._by_key = {_key(name): name for name in names}
        listed = "|".join(_spelled(name) for name in sorted(names, key=len, reverse=True))
        name = rf"(?<![\w'])(?:{listed})(?!\w)"
        self._name = re.compile(name)
        knight, knave = _KNIGHT, _KNAVE
        if isinstance(words, Mapping):
            own = {side: [str(words[key]) for key in (side, f"a_{side}", f"{side}s") if words.get(key)]
                   for side in ("knight", "knave")}  # fmt: skip
            bare = {side: [re.sub(r"^(?:an?|the)\s+", "", word.strip(), flags=re.I) for word in found]
                    for side, found in own.items()}  # fmt: skip
            knight = "|".join([*(re.escape(w) + "s?" for w in bare["knight"]), _KNIGHT])
            knave = "|".join([*(re.escape(w) + "s?" for w in bare["knave"]), _KNAVE])
        self._knight = re.compile(rf"(?:{knight})", re.IGNORECASE)
        role = rf"(?P<role>(?<!\w)(?i:{knight}|{knave}))(?!\w)"
        joint = r"(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*|\s*/\s*|\s*、\s*|\s*和\s*)"
        group = rf"(?P<group>{name}(?:{joint}{name}){{0,40}})"
        link = rf"(?P<link>(?:\s|[:：=\-–—>→⇒,(\[{{\"'|~]|(?i:\b(?:{_LINK_WORDS})\b)|(?P<no>(?i:\b{_NOT}\b|n't)))*?)"
        self._said = re.compile(
            rf"{group}{link}{role}(?P<both>\s*(?:and|or|/|&)\s*(?:also\s+)?(?:an?\s+)?(?i:{knight}|{knave})\b)?"
        )
        self._listed = re.compile(
            rf"(?P<only>\b[Oo]nly\s+)?{role}s?(?:\(s\))?[\"']?\s*(?:(?i:\bis|\bare|\binclude)\b\s*:?|[:：=|]|->|→)\s*[\[({{\"'|\s]*"
            rf"(?P<group>{name}(?:[\"']?{joint}[\"']?{name}){{0,40}})(?!\s*(?:is|are|:|=)\b)"
        )
        self._all = re.compile(
            rf"\b(?i:every(?:one|body)|all(?: of them| (?:the )?(?:\w+ )?(?:inhabitants|people|islanders|persons))?|"
            rf"(?:all|both) (?:{len(names)}|of them|inhabitants|people))\s+(?:is|are)\s+(?:a\s+|an\s+)?{role}"
        )
        self._rest = re.compile(
            rf"(?i:\b(?:the\s+)?(?:others?|rest|remaining(?: \w+)?|everyone else|everybody else|"
            rf"all others)(?: \w+)?)\s+"
            rf"(?i:is|are)\s+(?:(?:both|all|a|an)\s+)*{role}"
        )
        self._only = re.compile(
            rf"(?:(?i:\bonly)\s+(?P<one>{name})\s+(?i:is)\s+(?i:an?|the)\s+|"
            rf"(?P<other>{name})\s+(?i:is)\s+(?i:the)\s+(?i:only|sole)\s+){role}"
        )
        self._sole = re.compile(rf"(?i:the\s+(?:only|sole))\s+{role}\s+(?i:is)\s+(?P<one>{name})")
        self._role = re.compile(role)
        whole = r"\b(?i:all|every(?:one|body))(?: of (?:them|these)| \w+| the \w+| other \w+)?"
        but = r",?\s+(?i:except(?:ing)?(?: for)?|but(?: for)?|other than|besides|apart from|save(?: for)?)\s+"
        self._but = re.compile(rf"({whole})\s+but\b")
        self._except = (
            re.compile(rf"{whole} (?i:is|are) (?i:an? |the )?{role}{but}{group}"),
            re.compile(rf"{whole}{but}{group},? (?i:is|are) (?i:an? |the )?{role}"),
        )
        self._likewise = re.compile(rf"{role}[,;]?\s+(?i:(?:and\s+)?(?:as|so|likewise)\s+(?:is|are))\s+{group}")
        self._isnt = re.compile(rf"{group}\s+(?i:isn['’]t|aren['’]t|is not|are not)(?:\s+(?i:one))?\s*(?=[,.;!]|$)")
        self._under = re.compile(rf"[\s•-]*(?i:(?:role|type|identity|status|is|an?|[:=])\s*)*{role}\W*")

    def read(self, text: str) -> dict[str, bool] | str | None:
        """Everybody's role (True: knight); why it cannot be taken as an answer; or None where it says nothing of it."""
        roles: dict[str, bool] = {}
        for name, knight in self._statements(text):
            if roles.setdefault(name, knight) is not knight:
                return f"it says of {name} that they are both, a knight and a knave"
        if not roles:
            roles = self._in_order(text)
        if not roles:
            return None
        missing = [name for name in self.names if name not in roles]
        return f"it does not say what {', '.join(missing[:5])} is" if missing else roles

    def _statements(self, text: str) -> Iterator[tuple[str, bool]]:
        structured = [pair for value in objects(text) for pair in self._of_json(value)]
        if structured:
            yield from structured
            return
        yield from self._tabled(text)
        text = re.sub(r"\\(?:begin|end)\s*\{[^{}\n]{0,20}\}|&\s*(?=[:=])|(?<=[:=])\s*&", " ", text)
        text = _MARKS.sub("", _QUOTED.sub(self._quoted, text))
        text = re.sub(r"\\\\|\\n|&|\\quad", "\n", text)
        text = self._but.sub(r"\1 except", self._name.sub(lambda name: name[0].replace(".", _STOP), text))
        text = _ASIDE.sub(lambda aside: " " if _UNREAL.search(aside[0]) else aside[0], text)
        before: list[tuple[str, bool]] = []
        heading: str | None = None
        for sentence in _ENDS.split(text):
            if not sentence or len(sentence) > 4000 or ("|" in sentence and sentence.count("|") > 2):
                continue
            sentence = _REASON.split(sentence)[0] if self._name.search(_REASON.split(sentence)[0]) else sentence
            if _UNREAL.search(self._name.sub("·", sentence)) and not re.match(r"\W*or\b", sentence, re.IGNORECASE):
                continue
            alone = self._person(re.sub(r"^[\s•-]+|[\s:.]+$", "", sentence))
            under = self._under.fullmatch(sentence)
            if alone is not None or (under is not None and heading is not None):
                if under is not None and heading is not None:
                    yield heading, self._is_knight(under["role"])
                heading = alone
                continue
            for pair in self._sentence(sentence, before):
                before.append(pair)
                yield pair

    def _quoted(self, quote: re.Match[str]) -> str:
        """What is said in quotes is dropped; a quoted name or role (of JSON) is kept."""
        inner = quote[0][1:-1].strip()
        alone = self._name.fullmatch(inner) or self._role.fullmatch(re.sub(r"^(?:an?|the)\s+", "", inner, flags=re.I))
        return f" {inner} " if alone or len(inner) < 2 or re.fullmatch(r"\s*[:,\]\[{}]\s*", inner) else ' says " '

    def _sentence(self, sentence: str, before: list[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
        but = self._except[0].search(sentence) or self._except[1].search(sentence)
        if but is not None:
            apart, knight = self._group(but["group"]), self._is_knight(but["role"])
            for name in self.names:
                yield name, knight if name not in apart else not knight
            return
        everyone = self._all.search(sentence)
        if everyone is not None and not self._name.search(sentence):
            for name in self.names:
                yield name, self._is_knight(everyone["role"])
            return
        for only in (*self._only.finditer(sentence), *self._sole.finditer(sentence)):
            groups = only.groupdict()
            one = self._by_key[_key(groups.get("one") or groups.get("other") or "")]
            knight = self._is_knight(only["role"])
            for name in self.names:
                yield name, knight if name == one else not knight
            return
        taken: list[tuple[int, int]] = []
        found: list[tuple[str, bool]] = []
        listed = [
            m
            for m in self._listed.finditer(sentence)
            if not self._name.search(sentence[: m.start()][-60:].split(",")[-1])
        ]
        for match in listed:
            taken.append(match.span())
            found += [(name, self._is_knight(match["role"])) for name in self._group(match["group"])]
        for match in self._said.finditer(sentence):
            if any(start < match.end() and match.start() < end for start, end in taken):
                continue
            knight = self._is_knight(match["role"]) is not bool(re.search(rf"\b{_NOT}\b|n't", match["link"], re.I))
            found += [(name, knight) for name in self._group(match["group"])]
            if match["both"] is not None:
                found += [(name, not knight) for name in self._group(match["group"])]
        for match in self._likewise.finditer(sentence):
            found += [(name, self._is_knight(match["role"])) for name in self._group(match["group"])]
        said = [*before, *found]
        for match in self._isnt.finditer(sentence):
            if said and not any(name in dict(found) for name in self._group(match["group"])):
                found += [(name, not said[-1][1]) for name in self._group(match["group"])]
        yield from found
        rest = self._rest.search(sentence)
        if rest is not None:
            known = {name for name, _ in [*before, *found]}
            for name in self.names:
                if name not in known:
                    yield name, self._is_knight(rest["role"])

    def _group(self, text: str) -> list[str]:
        return [self._by_key[_key(found[0])] for found in self._name.finditer(text)]

    def _is_knight(self, role: str) -> bool:
        return self._knight.fullmatch(role) is not None

    def _tabled(self, text: str) -> Iterator[tuple[str, bool]]:
        """Tables: a person a row, a person a column, or a mark under the role."""
        for table in tables(text):
            width = max(map(len, table))
            rows = [
                [re.sub(r"[*_`\"']", "", cell).strip() for cell in row] + [""] * (width - len(row)) for row in table
            ]
            head = rows[0]
            sides = {n: self._cell_role(cell) for n, cell in enumerate(head)}
            marked = {n: side for n, side in sides.items() if side is not None}
            if set(marked.values()) == {True, False} and not any(self._person(cell) for cell in head):
                for row in rows[1:]:
                    person = next((p for p in map(self._person, row) if p), None)
                    ticked = [side for n, side in marked.items() if _ticked(row[n])]
                    if person and len(ticked) == 1:
                        yield person, ticked[0]
                continue
            people = [self._person(cell) for cell in head]
            if sum(map(bool, people)) > 1:
                for row in rows[1:]:
                    for person, cell in zip(people, row, strict=True):
                        side = self._cell_role(cell)
                        if person and side is not None:
                            yield person, side
                continue
            for row in rows:
                found = [p for p in map(self._person, row) if p]
                roles = [side for side in map(self._cell_role, row) if side is not None]
                if len(found) == 1 and len(roles) == 1:
                    yield found[0], roles[0]
                elif len(found) == 1 and len(roles) > 1:
                    for side in roles:
                        yield found[0], side

    def _of_json(self, value: Any, depth: int = 0) -> Iterator[tuple[str, bool]]:
        """``{"Ann": "knight"}``, ``{"knights": ["Ann"]}``, ``[{"name": "Ann", "role": "knight"}]``, pairs."""
        if depth > 5:
            return
        if isinstance(value, Mapping):
            people = [p for p in (self._person(str(v)) for v in value.values() if isinstance(v, str)) if p]
            sides = [side for side in map(self._json_role, value.values()) if side is not None]
            if len(people) == 1 and len(sides) == 1:
                yield people[0], sides[0]
                return
            for key, inner in value.items():
                person, side = self._person(str(key)), self._cell_role(str(key))
                role = self._json_role(inner)
                if person is not None and role is not None:
                    yield person, role
                elif person is not None and isinstance(inner, Mapping):
                    yield from ((person, r) for r in map(self._json_role, inner.values()) if r is not None)
                elif side is not None:
                    members = inner if isinstance(inner, list | tuple) else [inner]
                    yield from ((p, side) for p in map(self._person, map(str, members)) if p)
                else:
                    yield from self._of_json(inner, depth + 1)
        elif isinstance(value, list | tuple):
            if len(value) == 2 and isinstance(value[0], str) and not isinstance(value[1], list | tuple | Mapping):
                person, role = self._person(value[0]), self._json_role(value[1])
                if person is not None and role is not None:
                    yield person, role
                    return
            for inner in value[:100]:
                yield from self._of_json(inner, depth + 1)

    def _json_role(self, value: Any) -> bool | None:
        return value if isinstance(value, bool) else self._cell_role(value) if isinstance(value, str) else None

    def _person(self, cell: str) -> str | None:
        found = self._name.fullmatch(re.sub(r"^\(?\d+[.)]\s*", "", cell))
        return None if found is None else self._by_key[_key(found[0])]

    def _cell_role(self, cell: str) -> bool | None:
        bare = re.sub(r"^(?:an?|the|is an?|is)\s+", "", cell.strip(), flags=re.IGNORECASE)
        return self._is_knight(bare) if self._role.fullmatch(bare) else None

    def _in_order(self, text: str) -> dict[str, bool]:
        """``[knight, knave]``, ``True, False`` and ``Alice: true`` where nothing else stands there."""
        if ":" in text and not self._name.search(text.partition(":")[0]):
            text = text.partition(":")[2]
        bare = re.sub(r"[\[\](){}\"'*`$]|\band\b", " ", text).strip().rstrip(".")
        named = re.findall(rf"({self._name.pattern})\s*[:=]\s*(true|false)\b", bare, re.IGNORECASE)
        if named and len(named) == len(re.findall(r"\b(?:true|false)\b", bare, re.IGNORECASE)):
            sides = {self._by_key.get(_key(name), ""): value.lower() == "true" for name, value in named}
            return sides if len(sides) == len(named) else {}
        parts = [part.strip() for part in re.split(r"[,;\n\s]+", bare) if part.strip()]
        if len(parts) != len(self.names):
            return {}
        if all(self._role.fullmatch(part) for part in parts):
            return {name: self._is_knight(part) for name, part in zip(self.names, parts, strict=True)}
        if all(part.lower() in ("true", "false") for part in parts):
            return {name: part.lower() == "true" for name, part in zip(self.names, parts, strict=True)}
        return {}


_COMMON = ("will", "may", "mark", "grace", "hope", "both", "all", "art", "bill", "drew", "pat", "sue", "rose", "jack")


def _spelled(name: str) -> str:
    """A name in any case; in its own or in capitals where it is also a word or a letter."""
    if len(name) == 1 or name.lower() in _COMMON:
        return f"{re.escape(name)}|{re.escape(name.upper())}"
    return f"(?i:{re.escape(name)})".replace(r"\.", f"[.{_STOP}]?")


def _key(name: str) -> str:
    """A name as it is looked up: without case and full stops."""
    return name.lower().replace(".", "").replace(_STOP, "")


def _ticked(cell: str) -> bool:
    return cell.strip().lower() in ("✓", "✔", "✅", "☑", "x", "yes", "true", "1", "●", "√")
