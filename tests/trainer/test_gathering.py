"""A sharded model's weights between the micro-batches of a step: whole, and parts again after them."""

from __future__ import annotations

import multiprocessing
import os
import socket
from typing import Any

import pytest
import torch
from torch.distributed.tensor import DTensor
from transformers import LlamaConfig, LlamaForCausalLM

from veritune.trainer.policy.distributed import start_world
from veritune.trainer.policy.sharding import fits_whole


def tiny() -> Any:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(vocab_size=32, tie_word_embeddings=True, **sizes))


def _member(rank: int, port: int, gather: Any, told: Any) -> None:
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1")
    os.environ["MASTER_PORT"] = str(port)
    world = start_world("cpu", "fsdp2", gather)
    model = tiny()
    world.shard(model)
    batches = [(torch.arange(6)[None] * (k + 1) + rank) % 32 for k in range(3)]

    def whole() -> bool:
        return not any(isinstance(p, DTensor) for p in model.model.layers[0].parameters())

    def gradients(passes: Any) -> list[torch.Tensor]:
        model.zero_grad()
        for ids in passes:
            seen.append(whole())
            world.backward(model(input_ids=ids).logits.logsumexp(-1).sum())
        seen.append(whole())
        return [p.grad.full_tensor().clone() for p in model.parameters()]

    seen: list[bool] = []
    once, states = gradients(world.passes(model, batches)), list(seen)
    every = gradients(batches)
    with torch.no_grad():
        for ids in world.passes(model, batches):
            model(input_ids=ids)
    if rank == 0:
        near = all(torch.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in zip(once, every, strict=True))
        told.put((states, near, whole()))
    world.close()


@pytest.mark.parametrize(("gather", "between"), [("step", True), ("auto", True), ("layer", False)])
def test_weights_stay_whole_between_micro_batches_only_and_gradients_add_up(gather: str, between: bool) -> None:
    fork = multiprocessing.get_context("fork")
    told = fork.Queue()
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    members = [fork.Process(target=_member, args=(rank, port, gather, told)) for rank in range(2)]
    for member in members:
        member.start()
    states, near, after = told.get(timeout=120)
    for member in members:
        member.join(60)
        assert member.exitcode == 0
    assert states == [False, between, between, False]
    assert near
    assert after is False, "a copy would be left that the optimizer does not see"


def test_whole_weights_must_leave_the_gpu_room(monkeypatch: pytest.MonkeyPatch) -> None:
    class Parameter:
        device = torch.device("cuda", 0)
        requires_grad = True

        def __init__(self, count: float) -> None:
            self.count = int(count)

        def numel(self) -> int:
            return self.count

        def element_size(self) -> int:
            return 4

    class Model:
        def __init__(self, *parameters: Parameter) -> None:
            self.found = parameters

        def parameters(self) -> Any:
            return iter(self.found)

    class Device:
        total_memory = 141 * 10**9

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Device())
    assert fits_whole(Model(Parameter(0.5e9)))
    assert fits_whole(Model(Parameter(1.0e9), Parameter(1.5e9)))
    assert not fits_whole(Model(Parameter(7e9)))
