"""The divergences, by name, and the skews they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["forward_kl", "reverse_kl", "skew_forward_kl", "skew_reverse_kl", "jsd"]


@dataclass(frozen=True)
class Divergence:
    """A divergence D of teacher p_t and student p_s, with m the mixture it compares with.

    - forward_kl: KL(p_t || p_s)
    - reverse_kl: KL(p_s || p_t)
    - skew_forward_kl: KL(p_t || m), m = skew p_t + (1 - skew) p_s
    - skew_reverse_kl: KL(p_s || m), m = (1 - skew) p_t + skew p_s
    - jsd: skew KL(p_t || m) + (1 - skew) KL(p_s || m), m = skew p_t + (1 - skew) p_s
    """

    kind: Kind
    skew: float

    @property
    def code(self) -> int:
        """Position in `Kind`: what the kernels are compiled for."""
        return get_args(Kind).index(self.kind)

    @property
    def teacher_share(self) -> float:
        """The teacher's share of the mixture m."""
        return 1.0 - self.skew if self.kind == "skew_reverse_kl" else self.skew


def divergence_named(kind: Kind, alpha: float, beta: float) -> Divergence:
    """The divergence of that name; `alpha` is the skew of the skewed KLs, `beta` that of the Jensen-Shannon.

    A skew of 0 is the plain KL; jsd with beta 0 or 1 is the forward or the reverse KL (the limits that GKD uses).

    Raises:
        ValueError: the name is unknown or a skew is out of range.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"kind={kind!r}: expected one of {', '.join(get_args(Kind))}")
    if kind in ("forward_kl", "reverse_kl"):
        return Divergence(kind, 0.0)
    if kind == "jsd":
        if not 0.0 <= beta <= 1.0:
            raise ValueError(f"beta={beta}: expected a number from 0 to 1")
        if beta in (0.0, 1.0):
            return Divergence("forward_kl" if beta == 0.0 else "reverse_kl", 0.0)
        return Divergence(kind, beta)
    if not 0.0 <= alpha < 1.0:
        raise ValueError(f"alpha={alpha}: expected a number from 0 to below 1")
    if alpha == 0.0:
        return Divergence("forward_kl" if kind == "skew_forward_kl" else "reverse_kl", 0.0)
    return Divergence(kind, alpha)
