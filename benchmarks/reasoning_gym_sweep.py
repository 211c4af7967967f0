"""Every task of reasoning_gym: is its own answer scored 1, a changed one less, and what is any text paid?

    python benchmarks/reasoning_gym_sweep.py [TASK …] [--entries 5] > benchmarks/results/reasoning_gym.txt

Each entry is drawn twice, in processes with different hash seeds; scored with its own answer, with wrong ones of the
same form (the answer of another entry, one number or letter changed), with texts that answer nothing, and once more
with its metadata sent through JSON, as a file of rows has it.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import re
import sys
from collections import defaultdict
from datetime import date
from importlib.metadata import version
from typing import Any

from veritune.sandbox.workers import WorkerPool
from veritune.verifiers.reasoning_gym import ReasoningGymVerifier, draw, task_names

NOTHING = ("I do not know.", "x", "0", "the the the", "no answer", "[]", "{}", "None", "True", "yes", "1 2 3", "A")


def wrong_answers(answer: str, others: list[str], chance: random.Random) -> list[str]:
    """Answers of the same form that are not the answer."""
    found = [other for other in others if other != answer][:2]
    numbers = list(re.finditer(r"\d+", answer))
    if numbers:
        one = chance.choice(numbers)
        found.append(f"{answer[: one.start()]}{int(one[0]) + 1}{answer[one.end() :]}")
    elif len(set(answer)) > 1:
        letters = [(i, c) for i, c in enumerate(answer) if c.isalpha()]
        if letters:
            at, letter = chance.choice(letters)
            found.append(f"{answer[:at]}{'q' if letter.lower() != 'q' else 'z'}{answer[at + 1 :]}")
    return [text for text in dict.fromkeys(found) if text != answer]


def digest(entry: dict[str, Any]) -> str:
    return f"{entry['question']}\0{entry['answer']}\0{entry['metadata']}"


def sweep(name: str, entries: int, other_hash: WorkerPool) -> dict[str, Any]:
    """What holds of a task and what does not."""
    chance = random.Random(name)
    verifier = ReasoningGymVerifier(task=name, deadline=5.0)
    drawn = [draw(name, "{}", seed) for seed in range(entries)]
    again = other_hash.run([("draw", name, "{}", seed) for seed in range(entries)])
    found: dict[str, Any] = defaultdict(list)
    found["same"] = all(o.ok and digest(o.value) == digest(e) for o, e in zip(again, drawn, strict=True))
    if not all(o.ok for o in again):
        found["fault"].append(next(o.detail for o in again if not o.ok))
    answers = [entry["answer"] for entry in drawn if entry["answer"] is not None]
    if not answers:
        found["no_answer"] = True
        answers = [""]
    for seed, entry in enumerate(drawn):
        row = {"generated": {"seed": seed, "config": {}}, "question": entry["question"]}
        own = entry["answer"]
        texts = [("nothing", text) for text in NOTHING if text != own]
        if own is not None:
            texts += [("own", own)] + [("wrong", text) for text in wrong_answers(own, answers, chance)]
        else:
            found["none"].append(seed)
        verdicts = verifier.verify_rows([(f"<answer>{text}</answer>", row, "") for _, text in texts])
        for (kind, text), verdict in zip(texts, verdicts, strict=True):
            found[kind].append((verdict.score, text, verdict.reason))
        if own is not None and entry["metadata"] is not None:
            sent = {"question": entry["question"], "answer": own, "metadata": entry["metadata"]}
            verdict = verifier.verify(f"<answer>{own}</answer>", sent)
            found["json"].append((verdict.score, own, verdict.reason))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*")
    parser.add_argument("--entries", type=int, default=5)
    given = parser.parse_args()
    names = given.tasks or task_names()
    of = f"{len(names)} tasks, {given.entries} entries each (default settings)"
    print(f"reasoning_gym {version('reasoning_gym')}, {of}, Python {platform.python_version()}, {date.today()}\n")
    lists: dict[str, list[str]] = defaultdict(list)
    scored = wrongs = 0
    with WorkerPool(
        "veritune.verifiers.reasoning_gym_worker:work", deadline=30.0, memory_mb=2048,
        preload=("veritune.verifiers.reasoning_gym_worker:warm",), environment={"PYTHONHASHSEED": "12345"},
    ) as other_hash:  # fmt: skip
        for name in names:
            try:
                found = sweep(name, given.entries, other_hash)
            except Exception as error:  # the table goes on, and says so
                lists["could not be swept"].append(f"{name}: {type(error).__name__}: {error}"[:200])
                continue
            print(f"  {name}", file=sys.stderr, flush=True)
            scored += len(found["own"])
            wrongs += len(found["wrong"])
            if not found["same"]:
                lists["another entry of the same seed under another hash seed"].append(name)
            if found["none"]:
                lists["no answer of its own (None)"].append(f"{name} ({len(found['none'])} of {given.entries})")
            low = [(s, r) for s, _, r in found["own"] if s != 1.0]
            if low:
                lists["its own answer is not scored 1"].append(
                    f"{name} ({len(low)} of {len(found['own'])}): {low[0][1]}"
                )
            paid = [(s, t) for s, t, _ in found["wrong"] if s == 1.0]
            if paid:
                lists["a changed answer is scored 1"].append(f"{name}: {paid[0][1][:60]!r}")
            raised = {r for s, _, r in [*found["wrong"], *found["nothing"]] if s is None}
            if raised:
                lists["its scorer raises at some answers (undecided)"].append(f"{name}: {sorted(raised)[0][:110]}")
            any_text = max((s or 0.0 for s, _, _ in found["nothing"]), default=0.0)
            count = sum(bool(s) for s, _, _ in found["nothing"])
            if any_text:
                top = next(t for s, t, _ in found["nothing"] if s == any_text)
                lists["a text that answers nothing is paid"].append(
                    f"{name}: up to {any_text:g} ({top!r}); {count} of {len(found['nothing'])} texts paid"
                )
            lost = [r for s, _, r in found["json"] if s != 1.0]
            if lost and not low:
                lists["its own answer is not scored 1 after JSON"].append(f"{name} ({len(lost)}): {lost[0][:110]}")
    for title, items in lists.items():
        print(f"{title}: {len(items)}")
        print("".join(f"  {item}\n" for item in items))
    print(f"{scored} own answers and {wrongs} changed ones were scored.")
    print(json.dumps({title: len(items) for title, items in lists.items()}))


if __name__ == "__main__":
    main()
