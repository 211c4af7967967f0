"""What the judge costs beside plain httpx, and whether it keeps count of 10,000 judgements of which 5 % meet a fault.

    python benchmarks/judge_throughput.py ROWS.jsonl [--judgements 10000] [--rounds 5] [--timeout 15]

ROWS have ``response`` (said again until there are enough). The endpoint is a process of its own on this machine.
Plain httpx is one AsyncClient that posts the same requests, as many at a time, and reads the verdict's JSON.
Exits with 1 where a judgement is lost or needlessly paid for twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
from judge_server import FAULTS, UNHEARD, serving, stats

from veritune import get_reward
from veritune.rewards.judge.prompts import make_question

FLIGHT = 64
FAULTY = 20
"""One judgement of so many meets a fault."""


def plain(address: str, rows: Sequence[tuple[str, str]]) -> list[float]:
    """The verdicts by httpx alone."""

    async def one(client: httpx.AsyncClient, slots: asyncio.Semaphore, body: dict[str, Any]) -> float:
        async with slots:
            response = await client.post(f"{address}/chat/completions", json=body)
        response.raise_for_status()
        return float(json.loads(response.json()["choices"][0]["message"]["content"])["verdict"] == "correct")

    async def every() -> list[float]:
        limits, slots = httpx.Limits(max_connections=FLIGHT), asyncio.Semaphore(FLIGHT)
        async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:
            bodies = []
            for prompt, completion in rows:
                question = make_question("compare", prompt=prompt, answers=(completion,), gold="7", rubric="", scale=10)
                bodies.append({"model": "m", "messages": question.chat(), "temperature": 0.0, "max_tokens": 1024})
            return list(await asyncio.gather(*(one(client, slots, body) for body in bodies)))

    return asyncio.run(every())


def throughput(texts: Sequence[str], latency: float, count: int, rounds: int) -> None:
    times: dict[str, list[tuple[float, float]]] = {"httpx": [], "judge": []}
    with serving(latency) as address:
        reward = get_reward("judge", model="m", endpoint=address, concurrency=FLIGHT, view="full")
        for i in range(rounds + 1):  # the first round warms up
            for name in times if i % 2 else reversed(times):
                rows = [(f"task {latency}.{name}.{i}.{n}", texts[n % len(texts)]) for n in range(count)]
                wall, cpu = time.perf_counter(), time.process_time()
                if name == "httpx":
                    values: Sequence[float | None] = plain(address, rows)
                else:
                    values = reward(completions=[c for _, c in rows], prompts=[p for p, _ in rows], gold=["7"] * count)
                spent = (time.perf_counter() - wall, time.process_time() - cpu)
                assert list(values) == [1.0] * count, Counter(values)
                if i:
                    times[name].append(spent)
    medians = {
        name: [statistics.median(column) for column in zip(*spent, strict=True)] for name, spent in times.items()
    }
    ratios = [
        statistics.median(j[k] / h[k] for j, h in zip(times["judge"], times["httpx"], strict=True)) for k in (0, 1)
    ]
    print(
        f"{latency * 1000:>7.0f} ms{count:8}{medians['httpx'][0]:10.2f}{medians['judge'][0]:10.2f}{ratios[0]:9.3f}"
        f"{medians['httpx'][1] / count * 1e6:12.0f}{medians['judge'][1] / count * 1e6:10.0f}{ratios[1]:9.3f}"
    )


def faults(texts: Sequence[str], count: int, timeout: float) -> bool:
    """Whether every judgement has its documented outcome, and is paid for once: an answer that was all sent is kept,
    and only one that nobody could hear (judge_server.UNHEARD) is bought again."""
    kinds = list(FAULTS)
    rows = [kinds[n // FAULTY % len(kinds)] if n % FAULTY == 0 else "" for n in range(count)]
    metrics: defaultdict[str, float] = defaultdict(float)
    with serving(0.02) as address, tempfile.TemporaryDirectory() as folder:
        reward = get_reward(
            "judge", model="m", endpoint=address, concurrency=FLIGHT, view="full", timeout=timeout, deadline=120.0,
            retries=3, wait=0.05, cache=str(Path(folder) / "judge.sqlite"),
        )  # fmt: skip
        prompts = [f"task {n} fault {fault}" if fault else f"task {n}" for n, fault in enumerate(rows)]
        given: dict[str, Any] = {
            "completions": [texts[n % len(texts)] for n in range(count)], "prompts": prompts, "gold": ["7"] * count
        }  # fmt: skip

        def note(name: str, value: float) -> None:
            metrics[name] += value

        start = time.perf_counter()
        values = reward(**given, log_metric=note)
        spent = time.perf_counter() - start
        first = stats(address)
        again = reward(**given)
        second = stats(address)
        causes = [str(score.cause) if score.cause else None for score in _scores(reward, given)]
    wrong = [
        (fault, value, cause)
        for fault, value, cause in zip(rows, values, causes, strict=True)
        if (value, cause) != FAULTS.get(fault, (1.0, None))
    ]
    twice = {task for task, times in first["answered"].items() if times > 1}
    unheard = {str(n) for n, fault in enumerate(rows) if fault in UNHEARD}
    decided = [str(n) for n, fault in enumerate(rows) if FAULTS.get(fault, (1.0,))[0] is not None]
    missing = sum(task not in first["answered"] for task in decided)
    asked_again = Counter(
        rows[int(task)] or "none" for task, times in second["seen"].items() if times > first["seen"].get(task, 0)
    )
    undecided = ", ".join(f"{k.rpartition('/')[2]} {v:.0f}" for k, v in sorted(metrics.items()) if "undecided" in k)
    same = "the same values" if list(again) == list(values) else "OTHER VALUES"
    sent = ", ".join(f"{kind} {times}" for kind, times in sorted(asked_again.items()))
    hit = sum(map(bool, rows))
    print(f"\n{count} judgements, {FLIGHT} in flight, {hit} with one of {len(kinds)} faults, {timeout:g} s an attempt:")
    print(f"{spent:.1f} s; {len(wrong)} not as documented, {missing} without an answer, {len(twice)} answered twice,")
    print(f"{len(twice - unheard)} of them needlessly ({len(unheard)} first answers could not be heard);")
    sums = f"{sum(first['seen'].values())} requests, {metrics['judge/retries']:.0f} of them retries"
    sums += f", {metrics['judge/unheard']:.0f} that may have been answered unheard"
    print(f"{sums}; undecided: {undecided}.")
    print(f"Asked all again: {same}; only what had failed was sent: {sent}.")
    for fault, value, cause in wrong[:10]:
        print(f"  {fault}: {value}, {cause}")
    right = not wrong and not missing and twice == unheard and list(again) == list(values)
    print("Exact." if right else "NOT AS IT MUST BE.")
    return right


def _scores(reward: Any, given: dict[str, Any]) -> list[Any]:
    from veritune.plugins.types import Sample

    samples = [
        Sample(completion, prompt, columns={"gold": gold})
        for completion, prompt, gold in zip(given["completions"], given["prompts"], given["gold"], strict=True)
    ]
    return list(reward.score_batch(samples))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows")
    parser.add_argument("--judgements", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--timeout", type=float, default=15.0, help="seconds of an attempt in the second part")
    parser.add_argument("--count", type=int, default=1500, help="judgements a round of the comparison")
    given = parser.parse_args()
    texts = [json.loads(line)["response"] for line in Path(given.rows).read_text(encoding="utf-8").splitlines()]
    print(f"The judge beside plain httpx: python benchmarks/judge_throughput.py {Path(given.rows).name}")
    print(
        f"{date.today():%d %B %Y}; {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs shared with other "
        f"jobs (load {os.getloadavg()[0]:.0f}), CPython {platform.python_version()}, httpx {version('httpx')}. "
        "Rounds in turns, medians."
    )
    print(f"{'':10}{'':8}{'wall, s':>20}{'':9}{'CPU, us a judgement':>22}")
    print(
        f"{'answer in':>10}{'a round':>8}{'httpx':>10}{'judge':>10}{'times':>9}{'httpx':>12}{'judge':>10}{'times':>9}"
    )
    for latency in (0.02, 0.1, 0.5) if given.rounds else ():
        throughput(texts, latency, given.count, given.rounds)
    if given.judgements and not faults(texts, given.judgements, given.timeout):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
