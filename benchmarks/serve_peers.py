"""The verdict server asked by the trainers' own code: OpenRLHF's executor, slime's ``remote_rm``, NeMo Gym's client.

    python benchmarks/serve_peers.py URL openrlhf SITE/openrlhf/utils/agent.py    # of openrlhf 0.11.2; aiohttp, torch
    python benchmarks/serve_peers.py URL slime CHECKOUT                           # of slime 0.3.1; aiohttp, torch
    python benchmarks/serve_peers.py URL gym ROLLOUTS.jsonl                       # in nemo-gym 0.7.0's environment
    python benchmarks/serve_peers.py URL trl                                      # trl's convention, async, spawned
    python benchmarks/serve_peers.py URL verl                                     # our adapter over ``use: remote``

URL is that of ``veritune serve accuracy``. Each prints what the peer's code came back with. ``ROLLOUTS.jsonl`` is
``resources_servers/math_with_judge/data/example_rollouts.jsonl`` of NeMo Gym's wheel. Nothing of veritune is imported
for the first three: they run where it is not installed.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import multiprocessing
import pickle
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

CASES = ((r"\boxed{4}", "4"), (r"\boxed{5}", "4"), (r"\boxed{4}", ""))
"""Right, wrong, and one without a gold."""


def openrlhf(url: str, agent_file: str) -> None:
    """``SingleTurnAgentExecutor.execute`` with an engine that says what it is told."""
    import torch

    sys.modules["openrlhf.utils.logging_utils"] = SimpleNamespace(init_logger=logging.getLogger)  # type: ignore[assignment]
    spec = importlib.util.spec_from_file_location("agent", agent_file)
    assert spec is not None
    assert spec.loader is not None
    agent = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(agent)

    class Tokenizer:
        def __call__(self, text: str, **_: Any) -> dict[str, Any]:
            return {"input_ids": torch.tensor([[ord(letter) for letter in text]])}

        def decode(self, ids: list[int], **_: Any) -> str:
            return "".join(map(chr, ids))

    class Engine:
        def __init__(self, text: str) -> None:
            self.text = text

        async def generate(self, *_: Any, **__: Any) -> Any:
            said = SimpleNamespace(token_ids=[ord(each) for each in self.text], finish_reason="stop", logprobs=None)
            return SimpleNamespace(outputs=[said])

    async def run() -> None:
        for text, label in CASES:
            executor = agent.SingleTurnAgentExecutor(f"{url}/openrlhf")
            sampling = SimpleNamespace(max_tokens=50, logprobs=None)
            found = await executor.execute("2+2? ", label, sampling, 200, Tokenizer(), Engine(text))
            print(f"openrlhf: {text}, gold {label!r}: reward {found['reward']}, logs {found['extra_logs']}")

    asyncio.run(run())


def slime(url: str, checkout: str) -> None:
    """``batched_async_rm``, which calls ``remote_rm``."""
    sys.path.insert(0, checkout)
    from slime.rollout import rm_hub
    from slime.utils.types import Sample

    async def run() -> None:
        for path, key in (("/slime", None), ("/slime/full", "score")):
            asked = SimpleNamespace(rm_url=url + path, custom_rm_path=None, rm_type="remote_rm", reward_key=key)
            samples = [Sample(prompt="2+2?", response=text, label=label) for text, label in CASES[:2]]
            for sample, reward in zip(samples, await rm_hub.batched_async_rm(asked, samples), strict=True):
                sample.reward = reward
            print(f"slime: {path}: {[sample.get_reward_value(asked) for sample in samples]}")
        await rm_hub._get_shared_session().close()

    asyncio.run(run())


def gym(url: str, rollouts: str) -> None:
    """``ServerClient.post`` to ``/verify``, the answer through Gym's own models."""
    sys.argv = sys.argv[:1]  # Gym reads the command line
    from nemo_gym.base_resources_server import BaseVerifyRequest, BaseVerifyResponse
    from nemo_gym.server_utils import BaseServerConfig, ServerClient, get_response_json, raise_for_status
    from omegaconf import OmegaConf

    class Request(BaseVerifyRequest):  # type: ignore[misc]
        model_config = {"extra": "allow"}  # noqa: RUF012

    where = urlsplit(url)
    entry = {"host": where.hostname, "port": where.port, "entrypoint": "app.py"}
    config = OmegaConf.create({"veritune": {"resources_servers": {"math": entry}}})
    with open(rollouts, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]

    async def run() -> None:
        head = BaseServerConfig(host=where.hostname, port=where.port)
        client = ServerClient(head_server_config=head, global_config_dict=config)
        client._resolve_base_url = lambda name: url
        for row in [*rows, {**rows[0], "expected_answer": ""}]:
            given = {key: row[key] for key in ("responses_create_params", "response", "expected_answer")}
            body = Request.model_validate(given).model_dump()
            response = await client.post(server_name="veritune", url_path="/verify", json=body)
            await raise_for_status(response)
            found = BaseVerifyResponse.model_validate(await get_response_json(response))
            masked = f", masked: {found.failure_kind}" if found.mask_sample else ""
            print(f"gym: reward {found.reward} (its own verifier {row['reward']}){masked}")

    asyncio.run(run())


def trl(url: str) -> None:
    """As TRL's asynchronous trainer does: the reward goes to a spawned process and is awaited there."""
    from veritune import get_reward

    reward = get_reward("remote", url=url).as_async()
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    child = context.Process(target=_awaited, args=(pickle.dumps(reward), answers))
    child.start()
    print(f"trl: {answers.get(timeout=120)}")
    child.join()


def _awaited(reward: bytes, answers: Any) -> None:
    columns = {"prompts": ["2+2?"] * len(CASES), "gold": [gold for _, gold in CASES]}
    found = pickle.loads(reward)(completions=[text for text, _ in CASES], **columns)
    answers.put(asyncio.run(found))


def verl(url: str) -> None:
    """What a reward manager of verl's calls."""
    from veritune.adapters.verl import compute_score_function

    rewards = {"rewards": {"graded": {"use": "remote", "params": {"url": url}}}}
    compute_score = compute_score_function(rewards, undecided=0.0)
    for text, gold in CASES:
        print(f"verl: {compute_score(data_source='math', solution_str=text, ground_truth=gold, extra_info={})}")


PEERS: dict[str, Callable[..., None]] = {"openrlhf": openrlhf, "slime": slime, "gym": gym, "trl": trl, "verl": verl}


def main() -> None:
    if len(sys.argv) < 3 or sys.argv[2] not in PEERS:
        raise SystemExit(__doc__)
    url, peer, *rest = sys.argv[1:]
    PEERS[peer](url.rstrip("/"), *rest)


if __name__ == "__main__":
    main()
