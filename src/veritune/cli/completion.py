"""What the shell offers while a reward or preset is typed."""

from __future__ import annotations


def reward_name(incomplete: str) -> list[str]:
    """Registered rewards that begin so."""
    from veritune.plugins import reward_names

    return [name for name in sorted(reward_names()) if name.startswith(incomplete)]


def preset_name(incomplete: str) -> list[str]:
    """Presets that begin so."""
    from veritune.plugins import preset_names

    return [name for name in preset_names() if name.startswith(incomplete)]
