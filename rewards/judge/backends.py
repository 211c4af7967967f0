"""The back-end of a judge, and of the second that is asked about what was flagged, from their settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, TypeAdapter, ValidationError

from veritune.plugins.errors import ParameterError
from veritune.rewards.judge.backend import Backend
from veritune.rewards.judge.credentials import Credentials
from veritune.rewards.judge.local import LocalBackend
from veritune.rewards.judge.openai import Endpoint, OpenAIBackend

Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class Settings:
    """Who is asked, and how: the parameters of the reward that say so."""

    model: str
    backend: Literal["openai", "local"] = "openai"
    endpoint: str = "https://api.openai.com/v1"
    api_key_env: str = "OPENAI_API_KEY"
    temperature: Annotated[float, Field(ge=0)] = 0.0
    max_tokens: PositiveInt = 1024
    extra: dict[str, Any] | None = None
    concurrency: PositiveInt = 32
    timeout: Positive = 60.0
    deadline: Positive = 180.0
    retries: Annotated[int, Field(ge=0)] = 5
    wait: Positive = 0.5
    rpm: Positive | None = None
    tpm: Positive | None = None
    cache: str | None = None
    price: tuple[float, float] = (0.0, 0.0)
    device: str = "auto"
    batch: PositiveInt = 8

    def other(self, changed: Mapping[str, Any]) -> Settings:
        """A second judge: what it does not say is as the first's, but no key and no fields go to another address.

        Raises ParameterError for settings that a judge has none of, and for another address without its key's name.
        """
        known = {field.name for field in fields(self)}
        if unknown := sorted(set(changed) - known):
            raise ParameterError(
                f"reward 'judge': second has {', '.join(unknown)}, of which a judge has none; it may have "
                f"{', '.join(sorted(known))}"
            )
        moved = changed.get("endpoint", self.endpoint) != self.endpoint
        if moved and "api_key_env" not in changed:
            raise ParameterError(
                "reward 'judge': second.endpoint is another address: say second.api_key_env, the variable with its key "
                "(one that is not set where it needs none)"
            )
        kept = {name: getattr(self, name) for name in known}
        if moved:
            kept["extra"] = None
        try:
            return _reader().validate_python({**kept, **changed}, strict=False)
        except ValidationError as error:
            problems = "; ".join(f"{each['loc'][0]}: {each['msg']}" for each in error.errors(include_url=False))
            raise ParameterError(f"reward 'judge': second: {problems}") from None

    def make(self) -> Backend:
        """The back-end."""
        if self.backend == "local":
            return LocalBackend(self.model, self.device, self.max_tokens, self.batch, self.deadline)
        where = Endpoint(
            self.endpoint, self.model, self.api_key_env, self.temperature, self.max_tokens, self.extra,
            self.concurrency, self.timeout, self.deadline, self.retries, self.wait, self.rpm, self.tpm, self.cache,
        )  # fmt: skip
        return OpenAIBackend(where)

    def cost(self, tokens: tuple[int, int]) -> float:
        """Of so many tokens of prompts and completions."""
        return (tokens[0] * self.price[0] + tokens[1] * self.price[1]) / 1e6

    def hide(self) -> Callable[[str], str]:
        """Takes the key out of a text: a judge, or a server in its place, may repeat what it was sent."""
        return Credentials.of(self.endpoint, self.api_key_env).out_of if self.backend == "openai" else str


@lru_cache(maxsize=1)
def _reader() -> TypeAdapter[Settings]:
    return TypeAdapter(Settings)
