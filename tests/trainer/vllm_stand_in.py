"""What stands in for vLLM in tests: an engine that draws as vLLM does, a server and a module around it.

It does what vLLM documents: seeds of samples follow each other, log-probs are of the distribution drawn from (or raw),
stop strings are searched for in text, weights come from a folder or from an iterator, development endpoints are there
in development mode only.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import torch

from veritune.trainer.config import SamplingConfig
from veritune.trainer.rollout.decode.tokens import truncate


class Engine:
    """A causal language model that is sampled token by token."""

    def __init__(self, model: Any, tokenizer: Any, raw: bool = False) -> None:
        self.model, self.tokenizer, self.raw = model.eval(), tokenizer, raw
        self.lock = threading.Lock()

    def load_weights(self, weights: Iterable[tuple[str, torch.Tensor]]) -> set[str]:
        own = dict(self.model.named_parameters())
        loaded = set()
        with torch.no_grad():
            for name, value in weights:
                own[name].copy_(value)
                loaded.add(name)
        return loaded

    def reload(self, folder: str) -> None:
        from transformers import AutoModelForCausalLM

        assert os.path.isdir(folder), f"{folder} does not exist"
        self.load_weights(AutoModelForCausalLM.from_pretrained(folder).named_parameters())

    def draw(self, prompt: list[int], asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        with self.lock, torch.no_grad():
            return [self._one(prompt, asked, sample) for sample in range(asked["n"])]

    def _one(self, prompt: list[int], asked: Mapping[str, Any], sample: int) -> dict[str, Any]:
        generator = torch.Generator().manual_seed(asked["seed"] + sample)
        sampling = SamplingConfig(
            temperature=asked["temperature"],
            top_p=asked["top_p"],
            top_k=max(asked["top_k"], 0),
            min_p=asked["min_p"],
        )
        ids: list[int] = []
        logps: list[float] = []
        reason, why = "length", None
        while len(ids) < asked["max_tokens"]:
            logits_1V = self.model(input_ids=torch.tensor([[*prompt, *ids]])).logits[:, -1].float()
            kept_1V = truncate(torch.log_softmax(logits_1V / sampling.temperature, -1), sampling).log_softmax(-1)
            ids.append(int(torch.multinomial(kept_1V.exp(), 1, generator=generator)))
            said_1V = torch.log_softmax(logits_1V, -1) if self.raw else kept_1V
            logps.append(float(said_1V[0, ids[-1]]))
            text = self.tokenizer.decode(ids, skip_special_tokens=asked["skip_special_tokens"])
            if ids[-1] in asked["stop_token_ids"]:
                reason, why = "stop", ids[-1]
                break
            found = next((s for s in asked["stop"] or [] if s in text), None)
            if found is not None:
                reason, why = "stop", found
                break
        return {"token_ids": ids, "logprobs": logps, "finish_reason": reason, "stop_reason": why}


class Server:
    """``vllm serve`` on a free port, around an engine. Use as a context."""

    def __init__(self, engine: Engine, development: bool = True, delay: float = 0.0) -> None:
        self.engine, self.development, self.delay = engine, development, delay
        self.names = ["policy"]
        self.trouble: list[int] = []
        """Answers to the next requests for completions: a status, or 0 for a closed connection."""
        self.reload_fails = False
        self.calls: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.start_state = {k: v.clone() for k, v in engine.model.state_dict().items()}
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"server_": self}))
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"

    def restart(self) -> None:
        """The weights are again those it was started with."""
        self.engine.model.load_state_dict(self.start_state)

    def __enter__(self) -> Server:
        self.thread.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join(10)

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        self.calls.append(path)
        if path == "/v1/models":
            return 200, {"object": "list", "data": [{"id": name, "parent": None} for name in self.names]}
        if path == "/v1/completions":
            return self._completions(body)
        if path == "/collective_rpc" and self.development:
            if self.reload_fails:
                return 500, {"error": {"message": "EngineCore encountered an issue", "code": 500}}
            assert body["method"] == "reload_weights"
            self.engine.reload(body["kwargs"]["weights_path"])
            return 200, {"results": [None]}
        if path == "/reset_prefix_cache" and self.development:
            return 200, None
        return 404, {"detail": "Not Found"}

    def _completions(self, body: dict[str, Any]) -> tuple[int, Any]:
        time.sleep(self.delay)
        if self.trouble:
            status = self.trouble.pop(0)
            return status, {"error": {"message": "overloaded"}}
        self.asked.append(body)
        if body["model"] not in self.names:
            return 404, {"error": {"message": f"The model `{body['model']}` does not exist."}}
        vocabulary = self.engine.model.config.vocab_size
        if max(body["prompt"]) >= vocabulary:
            return 400, {"error": {"message": f"Token id {max(body['prompt'])} is out of vocabulary"}}
        choices = []
        for index, one in enumerate(self.engine.draw(body["prompt"], body)):
            names = [f"token_id:{i}" for i in one["token_ids"]]
            logprobs = {"tokens": names, "token_logprobs": one.pop("logprobs"), "top_logprobs": [], "text_offset": []}
            if not body.get("return_token_ids"):
                one.pop("token_ids")
            choices.append({"index": index, "text": "", "logprobs": logprobs, **one})
        return 200, {"object": "text_completion", "model": body["model"], "choices": choices[::-1]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_: Server

    def log_message(self, *unused: Any) -> None:
        return None

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _serve(self, body: dict[str, Any]) -> None:
        status, content = self.server_.answer(self.path, body)
        if status == 0:
            self.close_connection = True
            return
        data = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def make_module(engine: Engine, made: list[dict[str, Any]]) -> Any:
    """The module ``vllm`` with the offline API, around an engine; ``made`` gets the arguments of every LLM."""

    class SamplingParams:
        def __init__(self, **fields: Any) -> None:
            self.fields = fields

    class LLM:
        def __init__(self, **arguments: Any) -> None:
            assert os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] == "0"
            assert os.path.exists(os.path.join(arguments["model"], "config.json"))
            made.append(arguments)
            torch.manual_seed(0)  # as vLLM does in the process of its worker

        def collective_rpc(self, method: Any, timeout: Any = None, args: tuple[Any, ...] = ()) -> list[Any]:
            return [method(SimpleNamespace(model_runner=SimpleNamespace(model=engine)), *args)]

        def reset_prefix_cache(self) -> bool:
            made[-1]["resets"] = made[-1].get("resets", 0) + 1
            return True

        def generate(self, prompts: list[dict[str, Any]], parameters: list[Any], use_tqdm: bool = True) -> list[Any]:
            answers = []
            for prompt, one in zip(prompts, parameters, strict=True):
                outputs = []
                for index, drawn in enumerate(engine.draw(prompt["prompt_token_ids"], one.fields)):
                    steps = zip(drawn.pop("token_ids"), drawn.pop("logprobs"), strict=True)
                    said = [(i, {i: SimpleNamespace(logprob=value)}) for i, value in steps]
                    ids, logprobs = [i for i, _ in said], [step for _, step in said]
                    outputs.append(SimpleNamespace(index=index, token_ids=ids, logprobs=logprobs, **drawn))
                answers.append(SimpleNamespace(outputs=outputs[::-1]))
            return answers

    return SimpleNamespace(LLM=LLM, SamplingParams=SamplingParams)
