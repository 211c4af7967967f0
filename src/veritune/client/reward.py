"""The reward ``remote``: verdicts from a server, with a server's failures undecided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field, PositiveInt

from veritune.client.asking import Client
from veritune.client.encoding import is_address
from veritune.plugins.errors import ParameterError
from veritune.plugins.reward import reward
from veritune.plugins.secrets import without_user
from veritune.plugins.types import Sample, Score

Positive = Annotated[float, Field(gt=0)]


class Remote:
    """The verdicts of a server that ``veritune serve`` runs at ``url``.

    Its API key, if it asks for one, is read from the environment variable ``key_env``. ``rewards`` names components of
    what is served (all without). Samples go ``batch`` at a time, ``concurrency`` requests beside each other, a prompt's
    samples together; say ``groups: true`` beside ``params`` where what is served compares them. Each attempt may take
    ``timeout`` seconds and the whole call ``deadline``, with ``retries`` on refused and broken connections, 5xx and
    time-outs, and ``Retry-After`` heeded. A request that is sent again is answered from the server's memory.

    Undecided, never 0: the server stays away (``infra_error``), is too slow or too busy (``timeout``), and whatever it
    leaves undecided itself. A wrong key, a missing column or another protocol ends the run: no retry mends them.
    """

    needs_groups = False

    def __init__(
        self,
        *,
        url: str,
        key_env: str = "VERITUNE_SERVE_KEY",
        rewards: list[str] | None = None,
        batch: PositiveInt = 256,
        concurrency: PositiveInt = 8,
        timeout: Positive = 60.0,
        deadline: Positive = 300.0,
        retries: Annotated[int, Field(ge=0)] = 12,
    ) -> None:
        self.client = Client(
            url,
            key_env=key_env,
            rewards=None if rewards is None else tuple(rewards),
            batch=batch,
            concurrency=concurrency,
            timeout=timeout,
            deadline=deadline,
            retries=retries,
        )

    def __call__(self, samples: Sequence[Sample], trainer_state: Any = None) -> list[Score]:
        step = getattr(trainer_state, "global_step", None)
        return self.client.score(list(samples), step=step)


remote = reward(name="remote")(Remote)
"""A verdict server as a reward."""

remote.example = {"url": "http://127.0.0.1:8300"}


@remote.check
def _check(url: str) -> None:
    if not is_address(url):
        shown = without_user(url)[:80]
        raise ParameterError(f"reward 'remote': url is an address such as http://127.0.0.1:8300, got {shown!r}")
