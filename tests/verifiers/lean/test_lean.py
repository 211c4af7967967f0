"""Lean proofs: the statement is ours, what is no proof is refused, and the verdict is what Lean says.

No Lean can be had from a package index, so that a stand-in answers here: a script with Lean's command line and
messages. It accepts what holds the word ``rfl`` and not ``bad``.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from veritune import Cause, get_reward
from veritune.verifiers.lean import LeanVerifier
from veritune.verifiers.lean.source import NoProof, Statement, assemble, read_proof, read_statement
from veritune.verifiers.lean.verifier import find_lean

ROW = {
    "header": "import Mathlib\nopen Nat",
    "formal_statement": "theorem two_add (a b : Nat) (h : a = 2) : a + b = b + 2 := by sorry",
}
OURS = read_statement(ROW["formal_statement"], ROW["header"])
RESTATED = "theorem two_add (a b : Nat)\n    (h : a = 2) : a + b = b + 2 := by\n  subst h\n  rfl"
SCRIPT = r"""#!/bin/bash
if [ "$1" = --print-prefix ]; then dirname "$(dirname "$(readlink -f "$0")")"; exit; fi
file=${!#}
name=$(grep -o 'print axioms veritune_same_[0-9a-f]*' "$file" | cut -d' ' -f3)
if grep -q 'broken statement' "$file"; then echo "$file:3:8: error: unknown identifier 'broken'"; exit 1; fi
if grep -qw bad "$file"; then echo "$file:9:2: error: unsolved goals"; exit 1; fi
if grep -qw spin "$file"; then while :; do :; done; fi
if grep -qw crash "$file"; then echo "Lean crashed" >&2; exit 3; fi
if grep -qw silent "$file"; then exit 0; fi
if grep -qw choose "$file"; then echo "'$name' depends on axioms: [propext, Classical.choice, Quot.sound]"; exit 0; fi
if grep -qw trust "$file"; then echo "'$name' depends on axioms: [propext, Lean.trustCompiler]"; exit 0; fi
if grep -qw mine "$file"; then echo "'$name' depends on axioms: [sorryAx]"; exit 0; fi
if ! grep -qw rfl "$file"; then echo "$file:9:2: error: rfl is missing"; exit 1; fi
echo "$file:4:8: warning: declaration uses 'sorry'"
echo "'$name' does not depend on any axioms"
"""


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("toolchain")
    os.chmod(folder, 0o755)
    os.chmod(folder.parent, 0o755)
    (folder / "bin").mkdir(mode=0o755)
    path = folder / "bin" / "lean"
    path.write_text(SCRIPT)
    path.chmod(0o755)
    return str(path)


def tag(answer: str) -> str:
    return f"<think>x</think>\n<answer>\n{answer}\n</answer>"


@pytest.mark.parametrize(
    "code",
    [
        "theorem two_add (a b : Nat) (h : a = 2) : a + b = b + 2 := by sorry",
        "theorem two_add (a b : Nat) (h : a = 2) : a + b = b + 2 := sorry",
        "theorem two_add (a b : Nat) (h : a = 2) : a + b = b + 2 :=",
        "theorem two_add (a b : Nat) (h : a = 2) : a + b = b + 2 := by\n",
        "/-- two -/\nlemma two_add (a b : Nat) (h : a = 2) : "
        "a + b = b + 2 := by\n  sorry -- TODO", "theorem two_add (a b : Nat) (h : a = 2) : a + b = b + 2",
        "import Mathlib\n\nopen Nat\n\n/- theorem other : 1 = 1 -/\ntheorem two_add (a b : Nat) (h : a = "
        "2) : a + b = b + 2 := by sorry",
    ],
)  # fmt: skip
def test_statements_in_the_shapes_of_public_sets(code: str) -> None:
    found = read_statement(code)
    assert (found.name, found.signature) == ("two_add", "(a b : Nat) (h : a = 2) : a + b = b + 2")


@pytest.mark.parametrize("row", ["", "x", "def f := 1", "theorem x", {"header": "import Mathlib"}, {}, None, 4,
                                 "theorem x : 1 = 1 := by rfl"])  # fmt: skip
def test_a_row_without_a_statement_is_undecided(row: Any) -> None:
    assert LeanVerifier().verify(tag("rfl"), row).cause is Cause.INVALID_GOLD


RIGHT = [
    "by rfl", "by\n  subst h\n  rfl", ":= by\n  subst h\n  rfl", "subst h\nrfl", "  subst h\n  rfl", RESTATED,
    f"import Mathlib\nopen Nat\n\n{RESTATED}", f"set_option maxHeartbeats 400000\n{RESTATED}",
    f"theorem helper (n : Nat) : n = n := by rfl\n\n{RESTATED}", f"lemma helper : 1 = 1 := rfl\n{RESTATED}",
    "```lean4\n" + RESTATED + "\n```", "```lean\nby\n  subst h; rfl\n```", "```tactics\nsubst h\nrfl\n```",
    "by -- sorry, this took long\n  rfl", "by /- axiom of /- choice -/ -/ rfl", "fun_prop.elim rfl",
    "by decide +kernel; rfl",
    "by\n  have key : a = 2 := h\n  rw [key]\n  rfl", "by\n  set_option maxRecDepth 2000 in\n  rfl",
    "by simp [List.prefix_append, Nat.instanceFoo]; rfl", "by exact (rfl : a + b = a + b)",
]  # fmt: skip
WRONG = [
    "", "I do not know", "by sorry", "by\n  admit", "by exact sorryAx _ rfl", "by native_decide",
    "by decide +native; rfl",
    "by simp (config := {native := true}); rfl", "by rfl\naxiom cheat : False", "axiom x : False\n" + RESTATED,
    "by rfl\n#eval 1", "by rfl\n#print axioms two_add", "macro \"x\" : tactic => `(tactic| rfl)\n" + RESTATED,
    "notation \"a\" => 1\n" + RESTATED, "local infix:50 \" + \" => Nat.mul\n" + RESTATED,
    "unsafe def x := 1\n" + RESTATED,
    "instance : Add Nat := ⟨fun _ b => b⟩\n" + RESTATED, "def Nat := Unit\n" + RESTATED, "@[simp] " + RESTATED,
    "open Classical in\n" + RESTATED, "namespace X\n" + RESTATED + "\nend X",
    "set_option debug.skipKernelTC true in\n" + RESTATED,
    "by run_tac (IO.println \"x\")\n  rfl", "by\n  elab rfl", "theorem two_add (a b : Nat) : a + b = a + b := by rfl",
    "theorem two_add (a b : Nat) (h : a = 3) : a + b = b + 2 := by rfl", "theorem other : 1 = 1 := by rfl", "by rfl)",
    RESTATED + "\n\n" + RESTATED, RESTATED + "\ntheorem more : 1 = 1 := rfl", "attribute [simp] h\n" + RESTATED,
    "by rfl\nend", "variable (x : False)\n" + RESTATED, "by exact Lean.ofReduceBool rfl",
    "by\n  set_option maxHeartbeats 0 in rfl",
    "```lean\nby sorry\n```", "by exact bad rfl", "by exact «sorry» rfl bad",
    "set_option autoImplicit true in\n" + RESTATED,
    "private " + RESTATED, "by dbg_trace \"x\"; rfl", "include_str \"x\"",
]  # fmt: skip


def test_proofs_are_judged_under_the_rows_statement(binary: str) -> None:
    verifier = LeanVerifier(lean=binary, limits={"cpu_s": 5.0})
    rights = verifier.verify_rows([(tag(text), ROW, "") for text in RIGHT])
    assert not [(text, v.cause, v.reason) for text, v in zip(RIGHT, rights, strict=True) if v.correct is not True]
    wrongs = verifier.verify_rows([(tag(text), ROW, "") for text in WRONG])
    assert not [(text, v.cause, v.reason) for text, v in zip(WRONG, wrongs, strict=True) if v.correct is not False]
    outside = [f"Here it is.\n\n```lean4\n{RESTATED}\n```\nDone.", f"So\n\n{RESTATED}", "```lean\nby rfl\n```"]
    inside = ["<think>```lean\nby rfl\n```", "<think>by rfl</think> Done.", "The proof is by rfl, I think."]
    found = verifier.verify_rows([(text, ROW, "") for text in (*outside, *inside)])
    assert [v.correct for v in found] == [True] * 3 + [False] * 3


def test_what_lean_says_is_the_verdict(binary: str) -> None:
    verifier = LeanVerifier(lean=binary, limits={"cpu_s": 1.0, "wall_s": 20.0})
    said = {"by choose": (True, None), "by trust rfl": (False, None), "by mine": (False, None), "by bad": (False, None),
            "by spin": (False, None), "by crash": (None, Cause.INFRA_ERROR), "by silent": (None,
            Cause.INFRA_ERROR)}  # fmt: skip
    found = verifier.verify_rows([(tag(text), ROW, "") for text in said])
    assert {text: (v.correct, v.cause) for text, v in zip(said, found, strict=True)} == said
    assert "Lean.trustCompiler" in found[1].reason
    row = {"formal_statement": "theorem t (broken statement : Nat) : 1 = 1 := by sorry"}
    assert verifier.verify(tag("by rfl"), row).cause is Cause.INVALID_GOLD


def test_without_lean_every_proof_is_undecided_and_what_is_none_is_wrong(tmp_path: Path) -> None:
    reward = get_reward("lean", lean=str(tmp_path / "nowhere"))
    found = reward.score(tag("by rfl"), **ROW)
    assert (found.value, found.cause) == (None, Cause.ABSTAIN)
    assert "elan" in found.reason
    assert reward.score(tag("by sorry"), **ROW).value == 0.0


def test_the_file_has_the_rows_theorem_first_under_a_name_that_nobody_knows() -> None:
    text, last = assemble(OURS, read_proof(tag(RESTATED), OURS), "00ff")
    lines = text.split("\n")
    assert lines[last - 1] == f"theorem veritune_goal_00ff {OURS.signature} := sorry"
    assert "#print axioms veritune_same_00ff" in text
    assert "two_add" not in text
    assert re.search(r"veritune_same_00ff : type_of% @veritune_goal_00ff := @veritune_proof_00ff", text)


def test_hostile_text_is_read_in_bounded_time() -> None:
    for piece in (
        "/-",
        "--\n",
        '"',
        "theorem two_add ",
        "(",
        "```lean\n",
        "by\n  ",
        ":= ",
        "«",
        "\\",
        "-/",
        "<answer>",
    ):
        with pytest.raises(NoProof):
            read_proof((piece * 200_000)[:400_000], Statement("", "two_add", OURS.signature))


@pytest.mark.skipif(find_lean(None) is None, reason="no Lean 4 is installed here: https://lean-lang.org/install")
def test_the_real_lean() -> None:
    row = {"formal_statement": "theorem t (a b : Nat) : a + b = b + a := by sorry"}
    texts = {"by omega": True, "Nat.add_comm a b": True, "by rfl": False, "by simp": False, "by exact h": False}
    found = LeanVerifier().verify_rows([(tag(text), row, "") for text in texts])
    assert {text: v.correct for text, v in zip(texts, found, strict=True)} == texts, found
