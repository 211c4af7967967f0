"""Whether the numbers of a configuration with experts go together, before a model of it is made."""

from __future__ import annotations

from typing import Any

from veritune.plugins import ConfigError

TOP_TWO = ("deepseek_v3", "glm4_moe", "glm4_moe_lite", "dots1")
"""Architectures that rank groups of experts by the sum of each group's two best."""


def check_experts(made: Any) -> None:
    """Raise ConfigError naming the key of ``model.build`` that cannot be; none where there are no experts."""
    experts = _first(made, "n_routed_experts", "num_experts", "num_local_experts")
    if experts is None or _first(made, "num_experts_per_tok") is None:
        return
    name, count = experts
    _, chosen = _first(made, "num_experts_per_tok") or ("", 0)
    (_, groups), (_, kept) = _first(made, "n_group") or ("", 1), _first(made, "topk_group") or ("", 1)
    for key, value in ((name, count), ("num_experts_per_tok", chosen), ("n_group", groups), ("topk_group", kept)):
        if value < 1:
            raise ConfigError(f"model.build.{key}: {value}, and it is at least 1")
    if chosen > count:
        raise ConfigError(f"model.build.num_experts_per_tok: {chosen} of {name}: {count}; a token takes at most all")
    if count % groups:
        raise ConfigError(f"model.build.n_group: {groups} groups do not divide {name}: {count}")
    if made.model_type in TOP_TWO and count < 2 * groups:
        raise ConfigError(
            f"model.build.n_group: {groups} groups of {name}: {count} have one expert each, and a group is ranked by "
            "its two best; take fewer groups"
        )
    if kept > groups:
        raise ConfigError(f"model.build.topk_group: {kept} of n_group: {groups}; a token looks into at most all groups")
    if chosen > count // groups * kept:
        raise ConfigError(
            f"model.build.num_experts_per_tok: {chosen}, and topk_group: {kept} of n_group: {groups} have "
            f"{count // groups * kept} experts between them; raise topk_group, or take fewer"
        )


def _first(made: Any, *names: str) -> tuple[str, int] | None:
    for name in names:
        value = getattr(made, name, None)
        if isinstance(value, int):
            return name, value
    return None
