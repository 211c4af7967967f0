"""A teacher kept as its top k tokens: all probability accounted for, against the definitions summed out in float64."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from veritune.kernels import divergence
from veritune.kernels.distillation.kinds import Kind
from veritune.trainer.objective.distillation import (
    DistillationObjective,
    linear_top_divergence,
    linear_top_tokens,
    top_divergence,
    top_tokens,
)

KINDS: list[Kind] = ["forward_kl", "reverse_kl", "skew_forward_kl", "skew_reverse_kl", "jsd"]
ROWS, WORDS = 5, 11


def _logits(seed: int) -> Any:
    torch.manual_seed(seed)
    return (2 * torch.randn(ROWS, WORDS, dtype=torch.float64)).requires_grad_()


def _kl(p: list[float], q: list[float]) -> float:
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


def _mixed(p: list[float], q: list[float], share: float) -> list[float]:
    return [share * x + (1 - share) * y for x, y in zip(p, q, strict=True)]


def _by_hand(p: list[float], q: list[float], kind: str, skew: float) -> float:
    """D(teacher p, student q)."""
    found = {
        "forward_kl": _kl(p, q),
        "reverse_kl": _kl(q, p),
        "skew_forward_kl": _kl(p, _mixed(p, q, skew)),
        "skew_reverse_kl": _kl(q, _mixed(p, q, 1 - skew)),
        "jsd": skew * _kl(p, _mixed(p, q, skew)) + (1 - skew) * _kl(q, _mixed(p, q, skew)),
    }
    return found[kind]


def _objective(kind: Kind, temperature: float) -> DistillationObjective:
    """With the skew that the divergence has, if any."""
    skew = {} if kind in ("forward_kl", "reverse_kl") else {"skew": 0.3}
    return DistillationObjective(divergence=kind, temperature=temperature, **skew)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_the_rest_counts_as_one_event(kind: Kind, temperature: float) -> None:
    student, teacher = _logits(0), _logits(1).detach()
    objective = _objective(kind, temperature)
    kept = top_tokens(teacher, 4, temperature)
    got = top_divergence(student, kept, objective)
    p, q = ((x.detach() / temperature).softmax(-1) for x in (teacher, student))
    for n in range(ROWS):
        ids = p[n].argsort(descending=True)[:4].tolist()
        few = [[*(x[n, i].item() for i in ids), 1 - sum(x[n, i].item() for i in ids)] for x in (p, q)]
        assert got[n].item() == pytest.approx(_by_hand(few[0], few[1], kind, 0.3), abs=1e-12)
        whole = _by_hand(p[n].tolist(), q[n].tolist(), kind, 0.3)
        assert -1e-15 <= got[n].item() <= whole + 1e-12  # never more than the whole distributions' own


@pytest.mark.parametrize("kind", KINDS)
def test_all_tokens_kept_is_the_whole_divergence(kind: Kind) -> None:
    ours, whole, teacher = _logits(0), _logits(0), _logits(1).detach()
    objective = _objective(kind, 0.9)
    got = top_divergence(ours, top_tokens(teacher, WORDS, 0.9), objective)
    wanted = divergence(whole, teacher, kind, alpha=0.3, beta=0.3, temperature=0.9)
    torch.testing.assert_close(got, wanted)
    torch.testing.assert_close(*(torch.autograd.grad(d.sum(), z)[0] for d, z in ((got, ours), (wanted, whole))))


@pytest.mark.parametrize("kind", KINDS)
def test_its_gradient_is_that_of_the_numbers(kind: Kind) -> None:
    kept = top_tokens(_logits(1).detach(), 3, 0.8)
    objective = DistillationObjective(divergence=kind, temperature=0.8)
    assert torch.autograd.gradcheck(lambda z: top_divergence(z, kept, objective), (_logits(0),))


def test_nothing_cancels_where_the_teacher_is_sure() -> None:
    """The rest has probability e^-40: 1 − Σp would be 0 or negative."""
    teacher = torch.zeros(1, WORDS)
    teacher[0, 2] = 40.0
    kept = top_tokens(teacher, 1, 1.0)
    assert kept.rest_N.item() == pytest.approx(math.log(WORDS - 1) - 40, rel=1e-6)
    student = teacher.clone().requires_grad_()
    for kind in KINDS:
        value = top_divergence(student, kept, DistillationObjective(divergence=kind))
        (gradient,) = torch.autograd.grad(value.sum(), student)
        assert value.item() == pytest.approx(0.0, abs=1e-6)
        assert bool(gradient.isfinite().all())


def test_from_hidden_states_in_slices_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(4)
    hidden, weight = torch.randn(ROWS, 6, dtype=torch.float64), torch.randn(WORDS, 6, dtype=torch.float64)
    kept, objective = top_tokens(_logits(1).detach(), 3, 1.0), DistillationObjective(divergence="reverse_kl")
    grads = []
    for size in (2 * WORDS, 10**6):
        monkeypatch.setattr("veritune.trainer.objective.distillation.SLICE", size)
        h, w = hidden.clone().requires_grad_(), weight.clone().requires_grad_()
        grads.append(torch.autograd.grad(linear_top_divergence(h, w, None, kept, objective).sum(), (h, w)))
        tops = linear_top_tokens(hidden, weight, None, 3, 0.7), top_tokens(hidden @ weight.T, 3, 0.7)
        torch.testing.assert_close(vars(tops[0]), vars(tops[1]))
    torch.testing.assert_close(grads[0], grads[1])
    z = (hidden @ weight.T).requires_grad_()
    (by_logits,) = torch.autograd.grad(top_divergence(z, kept, objective).sum(), z)
    torch.testing.assert_close(grads[0][0], by_logits @ weight)


def test_skews_are_those_of_their_kind() -> None:
    assert DistillationObjective(divergence="jsd", skew=1.0).beta == 1.0
    wrong: list[dict[str, Any]] = [{"divergence": "skew_forward_kl", "skew": 1.0}, {"temperature": 0.0}]
    for each in wrong:
        with pytest.raises(ValidationError):
            DistillationObjective(**each)
