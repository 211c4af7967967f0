"""What ``gpu_rows.py`` makes of its rows: their lines, the numbers it compares, verdicts against targets, the table."""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

ANSWER = "ANSWER "
TAIL = 14
"""Last lines of the log of a row that failed."""
MOST_LINES = 60

Found = tuple[list[str], dict[str, float]]
"""Lines for the table, and numbers for the verdicts."""


def answers(log: str) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix(ANSWER)) for line in log.splitlines() if line.startswith(ANSWER)]


def step_lines(log: str) -> Found:
    """Of gpu_step.py: a line for each length, medians of its steps."""
    found = answers(log)
    lengths = list(dict.fromkeys(each["tokens"] for each in found))
    heads = ("s/step", "rollout", "update", "ms a token", "share", "peak GB", "mismatch", "first s")
    lines = [f"{'completions':14}" + "".join(f"{head:>11}" for head in heads) + "  seconds of each step"]
    values: dict[str, float] = {}
    points: list[tuple[float, float, float]] = []
    for tokens in lengths:
        some = [each for each in found if each["tokens"] == tokens]
        middle = {key: statistics.median(each[key] for each in some) for key in some[0] if key != "step"}
        peak = max(each["peak"] for each in some)
        points.append((tokens + 64, middle["seconds"], peak))
        cells = [middle[key] for key in ("seconds", "rollout", "update", "token_step", "share")]
        text = "".join(f"{cell:11.3f}" for cell in cells) + f"{peak:11.1f}{middle['mismatch']:11.5f}"
        each_step = [round(each["seconds"], 2) for each in some]
        micro = int(middle["micro"])
        lines.append(
            f"{int(middle['rows'])} x {tokens:<8}{text}{middle['first']:11.1f}  {each_step}, {micro} tokens a pass"
        )
        values |= {key: middle[key] for key in ("seconds", "rollout", "update", "token_step", "share", "mismatch")}
        values["peak"] = max(peak, values.get("peak", 0.0))
    if len(points) > 1:
        by_time, by_memory = ([(n, y) for n, *ys in points for y in ys[i : i + 1]] for i in (0, 1))
        values |= {"time exponent": exponent(by_time), "memory exponent": exponent(by_memory)}
        lines.append(
            f"seconds a step ∝ length^{values['time exponent']:.2f}, "
            f"peak memory ∝ length^{values['memory exponent']:.2f}"
        )
    return (lines if found else []), values


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """b of y ∝ x^b, fitted to logarithms."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(max(y, 1e-9)) for _, y in points]
    mx, my = statistics.mean(xs), statistics.mean(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys, strict=True)) / sum((x - mx) ** 2 for x in xs)


def decode_lines(log: str) -> Found:
    """Of decode_speed.py: its table; the middle of its three positions is what is compared."""
    lines = plain(log)
    values: dict[str, float] = {}
    for line in lines:
        row = re.match(r"(\S+), (\d+)x(\d+) +(old|new) +(\S+) +(\S+) +(\S+)", line)
        if row:
            name, _, tokens, tree, *ms = row.groups()
            try:
                values[f"{name} {tokens} {tree}"] = float(ms[1])
            except ValueError:
                continue
    return lines, values


def tune_lines(log: str) -> Found:
    """Of decode_tune.py: all of it; the best of each job by name."""
    lines = plain(log)
    values: dict[str, float] = {}
    job = ""
    for line in lines:
        if named := re.match(r"(\S+), (\d+) x (\d+)$", line):
            job = f"{named[1]} {named[3]}"
        elif best := re.match(r" +best of (\d+) groups: ([\d.]+)", line):
            values[f"{job} in {best[1]} groups"] = float(best[2])
    return lines, values


def trl_lines(log: str) -> Found:
    """Of trainer_gpu_trl.py: its rows as far as they came, also where it was ended later."""
    lines: list[str] = []
    values: dict[str, float] = {}
    whole = [json.loads(line) for line in log.splitlines() if line.startswith(('{"rows"', '{"skipped"'))]
    if not whole:
        return [line for line in log.splitlines() if line.startswith("trl ")], values
    if "skipped" in whole[-1]:
        return [f"skipped: {whole[-1]['skipped']}"], values
    for row in whole[-1]["rows"]:
        phases = ", ".join(f"{phase} {seconds:.3f}" for phase, seconds in row["phases"].items())
        lines.append(f"{row['name']}: {row['seconds']:.3f} s a step (fastest {row['fastest']:.3f}): {phases}")
        lines.append(f"  {row['peak']:.1f} GB of this process at most; {row['found']}")
        values.setdefault("seconds", row["seconds"])
        values.setdefault("fastest", row["fastest"])
        values.setdefault("peak", row["peak"])
    return lines, values


def demo_lines(log: str) -> Found:
    """Of trainer_gpu.py's section ``dtypes``: accuracies by dtype."""
    values = {}
    for line in log.splitlines():
        if found := re.match(r"demo in (\w+) +final accuracy ([\d.]+)", line):
            values[found[1]] = float(found[2])
    return plain(log), values


def plain(log: str) -> list[str]:
    """What a script printed, without warnings and empty ends."""
    kept = spoken(log)
    return kept if len(kept) <= MOST_LINES else [*kept[: MOST_LINES // 2], "…", *kept[-MOST_LINES // 2 :]]


def spoken(log: str) -> list[str]:
    """Lines without answers, warnings and what Triton's bindings say at a process's end."""
    noise = re.compile(
        r"^nanobind|^ - leaked |^ - \.\.\. skipped|^See https://nanobind|Warning|warnings\.warn|^ANSWER "
    )
    return [line for line in log.splitlines() if line.strip() and not noise.search(line)]


def text_lines(log: str) -> Found:
    return plain(log), {}


# -- verdicts ----------------------------------------------------------------------------------------------------------

Values = Mapping[str, Mapping[str, float]]

RATIOS: list[tuple[str, str, str, float]] = [
    ("0.5B, 128 x 512", "step-512-new", "step-512-old", 0.55),
    ("0.5B, 128 x 4096", "step-4096-new", "step-4096-old", 0.50),
    ("1.5B, 64 x 2048", "step-1.5b-new", "step-1.5b-old", 0.60),
    ("7B, 32 x 512", "step-7b-new", "step-7b-old", 0.85),
]
"""A step of the new code over one of the old, and the most it may be."""
LIMITS: list[tuple[str, str, str, float, bool]] = [
    ("peak GB, 0.5B, 128 x 512", "step-512-new", "peak", 22.0, False),
    ("peak GB, 7B full, 32 x 512", "step-7b-new", "peak", 130.0, False),
    ("peak GB, 7B LoRA, 32 x 512", "lora-7b", "peak", 40.0, False),
    ("update's share, 0.5B, 128 x 512", "step-512-new", "share", 0.45, True),
    ("update's share, 1.5B, 64 x 2048", "step-1.5b-new", "share", 0.55, True),
    ("ms a token step, 0.5B, 128 x 512", "token-step", "0.5B 512 new", 0.85, False),
    ("ms a token step, 0.5B, 128 x 4096", "token-step", "0.5B 4096 new", 1.3, False),
]
"""What, of which row, which number, the target, and whether more is better."""


def verdicts(values: Values) -> list[str]:
    lines = []

    def say(what: str, value: float, target: float, more: bool = False) -> None:
        met = value >= target if more else value <= target
        sign = ">=" if more else "<="
        lines.append(f"{what:54}{value:9.3f}  {sign} {target:<6g} {'met' if met else 'MISSED'}")

    for what, new, old, target in RATIOS:
        if "seconds" in values.get(new, {}) and "seconds" in values.get(old, {}):
            say(f"{what}: step, new over old", values[new]["seconds"] / values[old]["seconds"], target)
            one, other = values[new]["mismatch"], values[old]["mismatch"]
            lines.append(f"{what + ': log-probs, sampler against trainer':54}{one:9.5f}  old {other:.5f}")
    for what, row, key, target, more in LIMITS:
        if key in values.get(row, {}):
            say(what, values[row][key], target, more)
    for peer in ("trl-vllm", "trl-batching"):
        if "seconds" in values.get(peer, {}) and "seconds" in values.get("step-512-new", {}):
            say(
                f"steps a second over those of {peer}",
                values[peer]["seconds"] / values["step-512-new"]["seconds"],
                2,
                True,
            )
    demo = values.get("demo-dtype", {})
    if {"float32", "bfloat16"} <= demo.keys():
        say("demo: bfloat16's accuracy less float32's", demo["bfloat16"] - demo["float32"], -0.02, True)
    return lines


# -- the table ---------------------------------------------------------------------------------------------------------


def table(header: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """``rows`` in the order of the plan: name, what, result, expected, seconds, device_gb, lines, at."""
    text = [*header, ""]
    text.append(f"{'row':18}{'result':10}{'expected s':>11}{'took s':>8}{'GPU GB':>8}  what")
    for row in rows:
        took = "-" if row.get("seconds") is None else f"{row['seconds']:.0f}"
        held = "-" if row.get("device_gb") is None else f"{row['device_gb']:.1f}"
        text.append(f"{row['name']:18}{row['result']:10}{row['expected']:11.0f}{took:>8}{held:>8}  {row['what']}")
    found = verdicts({row["name"]: row["values"] for row in rows if row.get("values")})
    if found:
        text += ["", "against the targets", *found]
    for row in rows:
        if row.get("lines"):
            text += ["", f"--- {row['name']}: {row['what']} ({row['at']}) ---", *row["lines"]]
    return "\n".join(text) + "\n"
