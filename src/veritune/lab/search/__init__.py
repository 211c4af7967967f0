"""The search for counterexamples: real completions, mutated until a reward pays what an independent oracle does not."""

from veritune.lab.search.found import Counterexample, SearchReport
from veritune.lab.search.run import search
from veritune.lab.search.setting import Given

__all__ = ["Counterexample", "Given", "SearchReport", "search"]
