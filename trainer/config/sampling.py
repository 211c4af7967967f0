"""How completions are drawn: the ``sampling:`` section of a run's configuration."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from veritune.trainer.config.base import Strict


class VLLMServerConfig(Strict):
    """A vLLM server that draws the completions. See docs/training.md."""

    url: str = "http://127.0.0.1:8000"
    model: str | None = None
    """The name under which it serves the policy; by default the one model that it serves."""
    weights: str | None = None
    """A folder for the policy's weights, at the same path for this machine and the server's; by default a temporary
    one, for a server on this machine."""
    timeout: float = Field(default=600.0, gt=0)
    """Seconds that a request may take, retries included."""
    retries: int = Field(default=5, ge=0)
    """How often a request is repeated after a lost connection or a failure of the server."""

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"write http://HOST:PORT, got {url!r}")
        return url.rstrip("/").removesuffix("/v1")


class SamplingConfig(Strict):
    """How completions are drawn. Truncation (top_k, top_p, min_p) biases importance ratios: they ignore it."""

    temperature: float = Field(default=1.0, gt=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    min_p: float = Field(default=0.0, ge=0, lt=1)
    max_tokens: int = Field(default=512, ge=1)
    stop: list[str] = Field(default_factory=list)
    """A completion ends with the token that completes the first of these strings; its text right after the string."""
    batch: int = Field(default=512, ge=1)
    """Completions decoded at once."""
    engine: Literal["auto", "static", "transformers", "continuous", "vllm", "vllm_server"] = "auto"
    """``static``: our own decoding, one CUDA graph a token step; ``auto``: that where the model allows."""
    device: str | None = None
    """Where completions are drawn: by default where the policy is. Another one, such as ``cuda:1``, has a copy of the
    policy, which takes its weights before every draw."""
    staleness: int = Field(default=0, ge=0)
    """Optimizer steps that the weights a completion was drawn with may be old when training on it begins. Above 0 the
    next batch is drawn meanwhile, by another device or a vLLM server; on one device the two take turns."""
    speculative: bool = False
    """Draft tokens with the first module of ``model.mtp`` and check two at a time: the same distribution in fewer
    forward passes of the model. Of ``static``."""
    server: VLLMServerConfig | None = None
    """Of ``engine: vllm_server``."""

    @field_validator("stop")
    @classmethod
    def _no_empty_stop(cls, stop: list[str]) -> list[str]:
        if "" in stop:
            raise ValueError("an empty string is in every text: each completion would end with its first token")
        return stop

    @model_validator(mode="after")
    def _speculates_itself(self) -> SamplingConfig:
        if self.speculative and self.engine not in ("auto", "static"):
            raise ValueError(f"sampling.speculative is of engine: static, the engine is {self.engine}")
        return self

    @model_validator(mode="after")
    def _server_has_its_engine(self) -> SamplingConfig:
        if self.server is not None and self.engine != "vllm_server":
            raise ValueError(f"sampling.server belongs to sampling.engine: vllm_server, the engine is {self.engine}")
        return self
