"""Lean source as text: comments out, the row's theorem, the completion's proof, what may not stand in it."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

MAX_PROOF = 60_000

_FENCE = re.compile(r"```[ \t]*(?:lean4?|Lean4?|tactics?)?[ \t]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL)
_ANSWER = re.compile(r"<answer>((?:(?!</?answer>).)*?)</answer>", re.DOTALL)
_DECLARATION = re.compile(r"(?<![\w.'])(?:theorem|lemma)[ \t\n]+(?P<name>[^\s:({\[⦃]+)")
_END = re.compile(r":=\s*(?:by\b)?\s*(?:sorry\b)?\s*$")

REFUSED = (
    *("sorry", "admit", "axiom", "opaque", "unsafe", "partial", "native_decide"),
    *(
        "macro",
        "macro_rules",
        "notation",
        "infix",
        "infixl",
        "infixr",
        "prefix",
        "postfix",
        "syntax",
        "elab",
        "elab_rules",
    ),
    *("declare_syntax_cat", "binder_predicate", "simproc", "initialize", "builtin_initialize", "run_cmd", "run_tac"),
    *("run_elab", "run_meta", "by_elab", "term_elab", "include_str", "implemented_by", "extern", "csimp", "export"),
    *("def", "abbrev", "structure", "inductive", "class", "instance", "example", "attribute", "deriving", "mutual"),
    *(
        "namespace",
        "section",
        "end",
        "universe",
        "universes",
        "variable",
        "variables",
        "open",
        "import",
        "local",
        "scoped",
    ),
    *("private", "protected", "noncomputable", "compile_inductive", "add_decl_doc", "alias", "suppress_compilation"),
    *("IO", "Lean", "Elab", "sorryAx", "lcProof", "lcUnreachable", "ofReduceBool", "ofReduceNat", "reduceBool"),
    *("trustCompiler", "unsafeCast", "unsafeIO", "dbg_trace", "decide_native"),
)
"""Words that no proof here may hold. The kernel would refuse some of them anyway; none is left to chance."""
_WORD = re.compile(r"(?<![\w'!?«])(?:" + "|".join(map(re.escape, REFUSED)) + r")(?![\w'!?»])")
_SIGNS = re.compile(r"#\w+|@\[|\bdebug\.|\+\s*native\b")
_OPTION = re.compile(r"(?<![\w.])set_option\s+(?:(maxHeartbeats|maxRecDepth|linter\.[\w.]+)\s+(\d+|true|false)\b)?")
_SETTINGS = re.compile(r"\bnative\s*:=")


class NoProof(ValueError):
    """The completion has no proof that may be tried; the message says why."""


class NoStatement(ValueError):
    """The row has no theorem."""


@dataclass(frozen=True)
class Statement:
    """The row's theorem: what stands before it, its name, and all between the name and ``:=``."""

    header: str
    name: str
    signature: str


@dataclass(frozen=True)
class Proof:
    """What the completion adds: lemmas of its own, and the proof (with ``by``, or a term)."""

    helpers: str
    body: str


def without_comments(code: str) -> str:
    """The code with every comment as a space. What is checked and what is run is this text, so nothing hides in one."""
    out: list[str] = []
    at = 0
    while at < len(code):
        if code.startswith("--", at):
            end = code.find("\n", at)
            at = len(code) if end < 0 else end
        elif code.startswith("/-", at):
            depth, at = 1, at + 2
            while at < len(code) and depth:
                if code.startswith("/-", at):
                    depth, at = depth + 1, at + 2
                elif code.startswith("-/", at):
                    depth, at = depth - 1, at + 2
                else:
                    at += 1
            out.append(" ")
        elif code[at] == '"':
            end = at + 1
            while end < len(code) and code[end] != '"':
                end += 2 if code[end] == "\\" else 1
            out.append(code[at : end + 1])
            at = end + 1
        else:
            out.append(code[at])
            at += 1
    return "".join(out)


def read_statement(code: str, header: str = "") -> Statement:
    """The last theorem of a row's code, ``:= by sorry`` or not. Raises NoStatement."""
    bare = without_comments(code).rstrip()
    found = list(_DECLARATION.finditer(bare))
    if not found:
        raise NoStatement("the row's statement has no theorem")
    last = found[-1]
    signature = _END.sub("", bare[last.end() :]).strip()
    if not signature or ":" not in signature:
        raise NoStatement("the row's theorem has no statement")
    if ":=" in _outside(signature) and not re.search(r"\blet\b", signature):
        raise NoStatement("the row's theorem comes with a proof of its own; give its statement")
    before = bare[: last.start()].rstrip()
    before = re.sub(r"(?:@\[[^\]\n]*\]|\bprivate|\bprotected|\bnoncomputable)\s*$", "", before).rstrip()
    return Statement("\n".join(part for part in (header.strip(), before) if part), last["name"], signature)


def _outside(text: str) -> str:
    """The text outside brackets."""
    depth, out = 0, []
    for sign in text:
        if sign in "([{⦃⟨":
            depth += 1
        elif sign in ")]}⦄⟩":
            depth -= 1
        elif depth <= 0:
            out.append(sign)
    return "".join(out)


def read_proof(said: str, statement: Statement) -> Proof:
    """The proof in what a completion says after its thinking. Raises NoProof."""
    tags = _ANSWER.findall(said)
    text = tags[-1] if tags else said
    fences = _FENCE.findall(text)
    if not fences and not tags and not _DECLARATION.search(text) and not re.match(r"\s*(?::=\s*)?by\b", text):
        raise NoProof("there is no Lean code after the thinking")
    if not fences and not tags:
        start = re.search(r"^[ \t]*(?:import|open|theorem|lemma|by)\b", text, re.MULTILINE)
        text = text[start.start() :] if start is not None else text
    code = without_comments(fences[-1] if fences else text)
    if len(code) > MAX_PROOF:
        raise NoProof(f"the proof has more than {MAX_PROOF} characters")
    ours = [found for found in _DECLARATION.finditer(code) if found["name"] == statement.name]
    if len(ours) > 1:
        raise NoProof(f"it proves {statement.name} more than once")
    if ours:
        helpers = _without_header(code[: ours[0].start()], statement.header)
        body = _behind_signature(code[ours[0].end() :], statement)
    else:
        if _DECLARATION.search(code):
            raise NoProof(f"it proves another theorem, not {statement.name}")
        helpers, body = "", code
    body = _as_term(body)
    for text in (helpers, body):
        refuse(text)
        if "```" in text:
            raise NoProof("a fence stands in the proof")
    if _DECLARATION.search(body) or re.search(r"(?<![\w.'])(?:theorem|lemma)\b", body):
        raise NoProof("another theorem follows the proof")
    if not balanced(body) or not balanced(helpers):
        raise NoProof("its brackets do not match")
    if helpers and not re.match(r"\s*(?:theorem|lemma)\b", helpers):
        raise NoProof("something that is no lemma stands before the theorem")
    return Proof(helpers.strip(), body)


def _behind_signature(rest: str, statement: Statement) -> str:
    """What follows the restated signature, white space aside. Raises NoProof where it is another one."""
    wanted = re.sub(r"\s", "", statement.signature)
    at = matched = 0
    while matched < len(wanted):
        if at >= len(rest):
            raise NoProof(f"it restates {statement.name} otherwise")
        if not rest[at].isspace():
            if rest[at] != wanted[matched]:
                raise NoProof(f"it restates {statement.name} otherwise")
            matched += 1
        at += 1
    tail = rest[at:].lstrip()
    if not tail.startswith(":="):
        raise NoProof(f"it restates {statement.name} otherwise, or gives no proof")
    return tail[2:]


def _as_term(body: str) -> str:
    """The proof as it stands behind ``:=``: a term as it is, tactics under ``by``."""
    text = textwrap.dedent(body.expandtabs(2)).strip("\n")
    text = text.strip() if "\n" not in text.strip() else text.rstrip()
    if text.lstrip().startswith(":="):
        text = text.lstrip()[2:].lstrip()
    if not text.strip():
        raise NoProof("the proof is empty")
    lead = text.lstrip()
    if re.match(r"by\b", lead):
        inner = lead[2:].lstrip(" ")
        if "\n" not in inner.strip():
            return f"by {inner.strip()}"
        first, _, others = inner.partition("\n")
        others = textwrap.indent(textwrap.dedent(others), "  ")
        return f"by\n{others}" if not first.strip() else f"by\n  {first.strip()}\n{others}"
    return "by\n" + textwrap.indent(text, "  ")


def _without_header(before: str, header: str) -> str:
    """What stands before the restated theorem, less the lines that the row has there, too."""
    known = {re.sub(r"\s", "", line) for line in without_comments(header).split("\n")}
    usual = re.compile(r"\s*(?:import\s+[\w.]+|open\s+(?:scoped\s+)?[\w. ]+|set_option\s+maxHeartbeats\s+\d+)\s*$")
    lines = []
    for line in before.split("\n"):
        bare = re.sub(r"\s", "", line)
        if bare in known:
            continue
        if usual.match(line) and " in" not in line:
            continue  # the row's own header stands there instead
        lines.append(line)
    return "\n".join(lines).strip()


def refuse(code: str) -> None:
    """Raise NoProof for what no proof may hold."""
    for found in _OPTION.finditer(code):
        if found[1] is None:
            raise NoProof("it sets an option")
        if found[2].isdecimal() and not 0 < int(found[2]) <= 4_000_000:
            raise NoProof(f"it sets {found[1]} to {found[2]}")
    for pattern in (_WORD, _SIGNS, _SETTINGS):
        word = pattern.search(code)
        if word is not None:
            raise NoProof(f"{word[0].strip()!r} may not stand in a proof")


def balanced(code: str) -> bool:
    """Whether brackets match: a proof may not close what it did not open."""
    pairs = {")": "(", "]": "[", "}": "{", "⟩": "⟨"}
    stack: list[str] = []
    for sign in re.sub(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\\n])\'', "", code):
        if sign in pairs.values():
            stack.append(sign)
        elif sign in pairs and (not stack or stack.pop() != pairs[sign]):
            return False
    return not stack


def assemble(statement: Statement, proof: Proof, nonce: str) -> tuple[str, int]:
    """The file that Lean checks, and the last line of it that is the row's.

    The row's theorem comes first under a name that nobody knows, without proof; what the completion proves must have
    that very type, whatever its lemmas did, and the axioms printed are those of its own proof.
    """
    ours = f"{statement.header}\n\ntheorem veritune_goal_{nonce} {statement.signature} := sorry\n"
    theirs = f"{proof.helpers}\n\ntheorem veritune_proof_{nonce} {statement.signature} := {proof.body}\n"
    guard = f"theorem veritune_same_{nonce} : type_of% @veritune_goal_{nonce} := @veritune_proof_{nonce}\n"
    return f"{ours}\n{theirs}\n{guard}#print axioms veritune_same_{nonce}\n", ours.count("\n")
