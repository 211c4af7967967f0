"""What Python ends generators and tasks with is, raised by a reward, a failure of it like any other."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import pytest

from veritune import get_reward
from veritune.plugins import RewardError
from veritune.plugins.places import place_of_frame

BODIES = {
    "a generator's end": "def odd(completion: str):\n    raise GeneratorExit\n",
    "a task's end": "import asyncio\ndef odd(completion: str):\n    raise asyncio.CancelledError\n",
    "of a batch": "import asyncio\ndef odd(completions):\n    raise asyncio.CancelledError\n",
    "of one of several coroutines": (
        "import asyncio\nasync def odd(completion: str):\n    await asyncio.sleep(0)\n"
        "    if completion == 'b':\n        raise asyncio.CancelledError\n    return 1.0\n"
    ),
    "of a coroutine over a batch": "import asyncio\nasync def odd(completions):\n    raise asyncio.CancelledError\n",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_it_is_raised_as_the_rewards_own_with_its_file(body: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(body)
    with pytest.raises(RewardError, match=r"'odd'.*(GeneratorExit|CancelledError)") as caught:
        get_reward(f"{path}:odd")(completions=["a", "b"])
    assert "mine.py, line" in str(caught.value)


def test_a_coroutine_that_waits_stands_at_its_own_line_not_at_the_loops(tmp_path: Path) -> None:
    path = tmp_path / "waits.py"
    path.write_text(
        "import asyncio\nasync def ask():\n    await asyncio.sleep(1000)\n\n"
        "async def waits(completion: str):\n    HERE.set()\n    await ask()\n    return 1.0\n"
    )
    here, found = threading.Event(), get_reward(f"{path}:waits")
    found.function.__globals__["HERE"] = here
    loop = asyncio.new_event_loop()

    def score() -> None:
        task = loop.create_task(found.function(completion="a"))
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)

    thread = threading.Thread(target=score)
    thread.start()
    assert here.wait(30)
    place = ""
    for _ in range(1000):  # until the loop waits
        place = place_of_frame(sys._current_frames()[thread.ident or 0])
        if place.endswith("in ask"):
            break
    loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
    thread.join(30)
    loop.close()
    assert place == f"{path}, line 3, in ask"
