"""How often a verifier errs: a sampled share of what it decided goes to a second opinion; rates are estimated."""

from veritune.rewards.appeal.estimate import Rates, Tally, rates
from veritune.rewards.appeal.opinion import PERSON, Appeal
from veritune.rewards.appeal.settings import AppealConfig, NoiseConfig

__all__ = ["PERSON", "Appeal", "AppealConfig", "NoiseConfig", "Rates", "Tally", "rates"]
