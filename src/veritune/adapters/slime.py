"""For slime: the function behind ``--custom-rm-path``.

In a file of your own::

    from veritune.adapters.slime import custom_rm
    rm = custom_rm("rewards.yaml")

and ``--custom-rm-path that_file.rm``.
"""

from __future__ import annotations

import asyncio
from typing import Any

from veritune.adapters.composed import Composed, with_gold
from veritune.adapters.texts import without_end
from veritune.adapters.undecided import Undecided
from veritune.plugins import Score
from veritune.rewards.composition.compose import Source


def custom_rm(source: Source, *, undecided: Undecided = 0.0) -> SlimeReward:
    """slime's ``async rm(args, sample)``, also for a list of samples (``--group-rm``).

    ``label`` is the gold, the sample's metadata are columns. slime has a word for what must not be trained on:
    an undecided sample gets ``remove_sample = True``, which takes it out of the loss, and the number ``undecided``,
    which still enters its group's mean. ``metadata["veritune"]`` holds components and reasons.
    """
    return SlimeReward(source, undecided=undecided, name="rm")


class SlimeReward(Composed):
    """A reward as slime calls it."""

    framework = "slime"

    async def __call__(self, args: Any, sample: Any, **kwargs: Any) -> Any:
        """The number of one sample, or of each of a list."""
        if isinstance(sample, list):
            return list(await asyncio.gather(*(self(args, one, **kwargs) for one in sample)))
        metadata = sample.metadata if isinstance(sample.metadata, dict) else {}
        columns = with_gold(metadata, sample.label)
        score = await asyncio.to_thread(self.score, without_end(sample.response), sample.prompt or None, columns)
        self._mark(sample, metadata, score)
        return self.number(score)

    def _mark(self, sample: Any, metadata: dict[str, Any], score: Score) -> None:
        if score.value is None:
            sample.remove_sample = True
        found = {"value": score.value, "cause": score.cause and str(score.cause), "components": self.components(score)}
        sample.metadata = {**metadata, "veritune": {**found, "reasons": self.reasons(score)}}
