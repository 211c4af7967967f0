"""What the operations promise besides their values: masks, dropped tokens, errors, dispatch, lazy import."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.kernels.cases import backward
from veritune import kernels
from veritune.kernels import (
    GRPOObjective,
    grpo_loss,
    kl_estimate,
    linear_divergence,
    linear_grpo_loss,
    linear_logprob,
    logprob_entropy,
)
from veritune.kernels.backend import on_own_gpu
from veritune.kernels.grpo.objective import token_weights
from veritune.kernels.linear import engine, reference
from veritune.kernels.linear.op import plain_bias


def test_importing_the_package_imports_neither_torch_nor_triton() -> None:
    code = "import sys, veritune.kernels; assert not {'torch', 'triton'} & set(sys.modules), sorted(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_operations_run_without_triton() -> None:
    code = (
        "import sys; sys.modules['triton'] = None\n"
        "import torch; from veritune.kernels import linear_logprob, quantize_rows\n"
        "h, w = torch.randn(3, 8, requires_grad=True), torch.randn(5, 8)\n"
        "linear_logprob(h, w, torch.tensor([0, 1, 4]))[0].sum().backward()\n"
        "quantize_rows(torch.randn(2, 128))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_name_lists_what_there_is() -> None:
    import veritune.kernels

    with pytest.raises(AttributeError, match="linear_logprob"):
        veritune.kernels.linear_logprobs  # noqa: B018


def test_kl_estimators_follow_their_formulas_and_gradients() -> None:
    torch.manual_seed(0)
    p, q = torch.randn(50).double().requires_grad_(), torch.randn(50).double()
    d = (q - p).detach()
    for kind, value, slope in (("k1", -d, torch.ones(50)), ("k2", d**2 / 2, -d), ("k3", d.exp() - 1 - d, 1 - d.exp())):
        found = kl_estimate(p, q, kind)  # type: ignore[arg-type]
        torch.testing.assert_close(found, value)
        (grad,) = torch.autograd.grad(found.sum(), p)
        torch.testing.assert_close(grad, slope.double())
    assert bool((kl_estimate(torch.tensor([-1.0]), torch.tensor([-1.0 + 1e-6])) >= 0).all())


def test_reference_in_slices_equals_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    h, w, y = torch.randn(37, 16), torch.randn(50, 16), torch.randint(0, 50, (37,))
    results = []
    for elements in (1 << 24, 250):
        monkeypatch.setattr(reference, "SLICE_ELEMENTS", elements)
        hidden, weight = h.clone().requires_grad_(), w.clone().requires_grad_()
        logp, entropy = linear_logprob(hidden, weight, y, softcap=5.0)
        assert entropy is not None
        backward((logp + 0.3 * entropy).sum())
        results.append((logp, entropy, hidden.grad, weight.grad))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


def test_a_common_offset_changes_nothing() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(4, 99), torch.randint(0, 99, (4,))
    base = logprob_entropy(x, y)
    moved = logprob_entropy(x + 1024.0, y)
    for one, other in zip(base, moved, strict=True):
        torch.testing.assert_close(one, other, atol=2e-4, rtol=0)


@pytest.mark.parametrize("target", [-1, 7])
def test_a_target_outside_the_vocabulary_is_an_error_unless_masked(target: int) -> None:
    h, w = torch.randn(2, 8), torch.randn(7, 8)
    y = torch.tensor([3, target])
    with pytest.raises(ValueError, match=r"expected \[0, 7\)"):
        linear_logprob(h, w, y)
    with pytest.raises(ValueError, match=r"expected \[0, 7\)"):
        logprob_entropy(h @ w.T, y)
    mask = torch.tensor([True, False])
    assert linear_logprob(h, w, y, mask=mask)[0][1] == 0
    assert logprob_entropy(h @ w.T, y, mask=mask)[0][1] == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"temperature": 0.0}, "temperature=0.0"),
        ({"softcap": -1.0}, "softcap=-1.0"),
        ({"mode": "quick"}, "fast, lean"),
        ({"backend": "cuda"}, "triton, reference"),
        ({"backend": "triton"}, "CUDA tensor"),
        ({"mask": torch.ones(3)}, "does not match targets"),
        ({"bias": torch.ones(3)}, r"expected \[7\]"),
    ],
)
def test_wrong_arguments_are_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        linear_logprob(torch.randn(2, 8), torch.randn(7, 8), torch.tensor([0, 1]), **fields)


def test_nothing_scored_gives_zeros_and_gradients_of_zero() -> None:
    h, w = torch.randn(2, 3, 8, requires_grad=True), torch.randn(7, 8, requires_grad=True)
    none = torch.zeros(2, 3, dtype=torch.bool)
    logp, _ = linear_logprob(h, w, torch.zeros(2, 3, dtype=torch.int64), mask=none)
    assert not logp.any()
    result = linear_grpo_loss(h, w, torch.zeros(2, 3, dtype=torch.int64), torch.ones(2), none)
    backward(result.loss + logp.sum())
    assert h.grad is not None
    assert not h.grad.any()


def test_grpo_drops_masked_and_zero_advantage_tokens_before_the_head() -> None:
    """Their hidden states may hold anything, NaN included."""
    torch.manual_seed(0)
    h, w, y = torch.randn(3, 4, 8), torch.randn(7, 8), torch.randint(0, 7, (3, 4))
    mask = torch.ones(3, 4, dtype=torch.bool)
    mask[0, 2:] = False
    h[0, 2:] = torch.nan
    h[1] = torch.nan
    hidden = h.clone().requires_grad_()
    result = linear_grpo_loss(hidden, w, y, torch.tensor([1.0, 0.0, -1.0]), mask)
    backward(result.loss)
    assert bool(result.loss.isfinite())
    assert hidden.grad is not None
    assert bool(hidden.grad.isfinite().all())
    assert not hidden.grad[1].any()
    assert result.scored.tolist() == [[True, True, False, False], [False] * 4, [True] * 4]


def test_grpo_keeps_zero_advantage_tokens_that_the_kl_needs() -> None:
    h, w, y = torch.randn(1, 4, 8), torch.randn(7, 8), torch.randint(0, 7, (1, 4))
    result = linear_grpo_loss(
        h, w, y, torch.zeros(1), torch.ones(1, 4), GRPOObjective(beta=0.1), ref_logp=torch.zeros(1, 4)
    )
    assert bool(result.scored.all())
    assert result.kl is not None


def test_on_policy_gradient_is_minus_advantage_times_the_log_prob_gradient() -> None:
    logp = torch.randn(2, 3, requires_grad=True)
    a = torch.tensor([2.0, -1.0])
    loss = grpo_loss(logp, a, torch.ones(2, 3), GRPOObjective(aggregation="bnpo"))
    (grad,) = torch.autograd.grad(loss, logp)
    torch.testing.assert_close(grad, -a[:, None].expand(2, 3) / 6)


def test_denominator_makes_the_loss_additive_over_micro_batches() -> None:
    torch.manual_seed(0)
    logp, old, mask = torch.randn(4, 5), torch.randn(4, 5), torch.rand(4, 5) > 0.3
    a = torch.randn(4)
    for aggregation, total in (("dapo", float(mask.sum())), ("bnpo", float(mask.sum())), ("grpo", 4.0)):
        objective = GRPOObjective(aggregation=aggregation)  # type: ignore[arg-type]
        whole = grpo_loss(logp, a, mask, objective, old_logp=old, denominator=total)
        parts = [
            grpo_loss(
                logp[i : i + 2], a[i : i + 2], mask[i : i + 2], objective, old_logp=old[i : i + 2], denominator=total
            )
            for i in (0, 2)
        ]
        torch.testing.assert_close(whole, parts[0] + parts[1])


def test_dr_grpo_divides_by_a_constant_length() -> None:
    mask = torch.tensor([[1, 1, 0], [1, 0, 0]])
    weights = token_weights(mask, GRPOObjective(aggregation="dr_grpo", max_completion_length=10))
    assert weights.tolist() == [[pytest.approx(0.05)] * 2 + [0.0], [pytest.approx(0.05), 0.0, 0.0]]
    with pytest.raises(ValueError, match="max_completion_length"):
        GRPOObjective(aggregation="dr_grpo")


def test_two_sided_clip_equals_dual_clip_at_the_same_bound() -> None:
    torch.manual_seed(0)
    logp, old, a = torch.randn(6, 5), torch.randn(6, 5), torch.randn(6)
    mask = torch.ones(6, 5)
    two, dual = (
        grpo_loss(logp, a, mask, GRPOObjective(**{name: 3.0}), old_logp=old)  # type: ignore[arg-type]
        for name in ("delta", "dual_clip")
    )
    torch.testing.assert_close(two, dual)


def test_objective_without_its_inputs_is_an_error() -> None:
    h, w, y = torch.randn(1, 2, 8), torch.randn(7, 8), torch.zeros(1, 2, dtype=torch.int64)
    with pytest.raises(ValueError, match="needs ref_logp"):
        linear_grpo_loss(h, w, y, torch.ones(1), torch.ones(1, 2), GRPOObjective(beta=0.1))
    with pytest.raises(ValueError, match="needs entropy"):
        grpo_loss(torch.zeros(1, 2), torch.ones(1), torch.ones(1, 2), GRPOObjective(entropy_coef=0.1))
    with pytest.raises(ValueError, match="add up to 3"):
        linear_grpo_loss(h[0], w, y[0], torch.ones(1), torch.ones(2), lengths=torch.tensor([3]))


@pytest.mark.parametrize("kind", [torch.float32, torch.bool])
def test_targets_that_are_no_numbers_of_tokens_are_an_error(kind: torch.dtype) -> None:
    targets = torch.zeros(3, dtype=kind)
    with pytest.raises(ValueError, match="expected whole numbers"):
        logprob_entropy(torch.randn(3, 7), targets)
    with pytest.raises(ValueError, match="expected whole numbers"):
        linear_logprob(torch.randn(3, 4), torch.randn(7, 4), targets)


@pytest.mark.parametrize("shape", [(3,), (1,), (2, 1), ()])
def test_advantages_that_fit_no_sequence_are_an_error(shape: tuple[int, ...]) -> None:
    """(1,) and (2, 1) would be broadcast without a word."""
    targets, mask, advantages = (
        torch.zeros(2, 4, dtype=torch.long),
        torch.ones(2, 4, dtype=torch.bool),
        torch.ones(shape),
    )
    with pytest.raises(ValueError, match=r"advantages .* do not match targets \(2, 4\)"):
        linear_grpo_loss(torch.randn(2, 4, 8), torch.randn(9, 8), targets, advantages, mask)
    with pytest.raises(ValueError, match=r"advantages .* do not match logp \(2, 4\)"):
        grpo_loss(torch.randn(2, 4), advantages, mask)


@pytest.mark.parametrize("name", ["mask", "old_logp", "ref_logp", "policy_weight", "entropy"])
def test_what_stands_beside_log_probs_has_their_shape(name: str) -> None:
    given: dict[str, Any] = {"mask": torch.ones(2, 4, dtype=torch.bool), name: torch.ones(2, 1)}
    with pytest.raises(ValueError, match=rf"{name} \(2, 1\) does not match logp \(2, 4\)"):
        grpo_loss(torch.randn(2, 4), torch.ones(2), **given)


def test_teacher_gets_no_gradient() -> None:
    parts = [torch.randn(3, 8, requires_grad=True), torch.randn(9, 8), torch.randn(3, 6, requires_grad=True)]
    wt = torch.randn(9, 6, requires_grad=True)
    backward(linear_divergence(parts[0], parts[1], parts[2], wt, "jsd").sum())
    assert parts[0].grad is not None
    assert parts[2].grad is None
    assert wt.grad is None


@pytest.mark.parametrize(("vocabulary", "width"), [(1, 1), (1000, 256), (1024, 1024), (151_936, 38_400), (5000, 4864)])
@pytest.mark.parametrize("kept", [False, True])
def test_slices_of_the_vocabulary_cover_it_once_and_fit_the_room(vocabulary: int, width: int, kept: bool) -> None:
    slices = engine._slices(vocabulary, width, 256, kept=kept)
    assert [start for start, _ in slices] == [0, *(stop for _, stop in slices[:-1])]
    assert slices[-1][1] == vocabulary
    assert all(0 < stop - start <= width for start, stop in slices)
    assert not kept or slices[0] == (0, width)


@pytest.mark.parametrize(
    "name",
    [
        "divergence",
        "fp8_matmul",
        "linear_divergence",
        "linear_grpo_loss",
        "linear_logprob",
        "logprob_entropy",
        "quantize_blocks",
        "quantize_both",
        "quantize_rows",
    ],
)
def test_every_operation_that_launches_kernels_looks_where_its_operands_are(name: str) -> None:
    """The decorator of the test below; what is not in this list launches nothing of its own."""
    assert getattr(kernels, name).__code__ is on_own_gpu(lambda operand: operand).__code__


def test_an_operation_runs_on_the_gpu_that_holds_its_operands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Triton launches on the current GPU; a model spread over several has operands on others."""
    current = [0]

    class Device:
        def __init__(self, device: torch.device) -> None:
            self.index = device.index

        def __enter__(self) -> None:
            current.append(self.index)

        def __exit__(self, *_: object) -> None:
            current.pop()

    class Quantised:
        def __init__(self, where: str) -> None:
            self.data = SimpleNamespace(device=torch.device(where))

    monkeypatch.setattr(torch.cuda, "device", Device)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: current[-1])
    where = on_own_gpu(lambda operand: current[-1])
    assert [where(Quantised(name)) for name in ("cuda:1", "cuda:0", "cuda:3", "cpu")] == [1, 0, 3, 0]
    assert where(operand=Quantised("cuda:2")) == 2
    assert current == [0]


@pytest.mark.gpu
def test_gpu_results_are_the_same_bit_for_bit_each_time() -> None:
    h, w = torch.randn(3001, 64, device="cuda").bfloat16(), torch.randn(1003, 64, device="cuda").bfloat16()
    y = torch.randint(0, 1003, (3001,), device="cuda")
    for mode in ("fast", "lean"):
        runs = []
        for _ in range(2):
            hidden, weight = h.clone().requires_grad_(), w.clone().requires_grad_()
            logp, entropy = linear_logprob(hidden, weight, y, mode=mode)
            assert entropy is not None
            backward((logp + 0.1 * entropy).sum())
            runs.append((logp, entropy, hidden.grad, weight.grad))
        assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True) if a is not None and b is not None)


@pytest.mark.gpu
def test_gpu_lean_mode_recomputes_what_fast_mode_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log-probs to float32's rounding, gradients to that of bfloat16; and lean mode's are the same each time."""
    monkeypatch.setattr(engine, "LEAN_BYTES", (0, 0))
    torch.manual_seed(0)
    n, h, v = 1000, 128, 5003
    hidden, weight = torch.randn(1, n, h, device="cuda").bfloat16(), torch.randn(v, h, device="cuda").bfloat16()
    y, mask = torch.randint(0, v, (1, n), device="cuda"), torch.ones(1, n, dtype=torch.bool, device="cuda")
    a = torch.randn(1, n, device="cuda")
    found = {}
    for mode in ("fast", "lean", "again"):
        leaves = hidden.clone().requires_grad_(), weight.clone().requires_grad_()
        result = linear_grpo_loss(*leaves, y, a, mask, mode="fast" if mode == "fast" else "lean")
        backward(result.loss)
        found[mode] = result.logp, leaves[0].grad, leaves[1].grad
    for fast, lean, again in zip(*found.values(), strict=True):
        assert fast is not None
        assert lean is not None
        assert again is not None
        assert torch.equal(lean, again)
        assert float((fast.double() - lean.double()).norm() / fast.double().norm()) < 5e-3
    torch.testing.assert_close(found["fast"][0], found["lean"][0], atol=2e-5, rtol=0)


@pytest.mark.gpu
def test_gpu_more_than_65536_rows() -> None:
    n, v = 70_001, 1003
    x, y = torch.randn(n, v, device="cuda").bfloat16(), torch.randint(0, v, (n,), device="cuda")
    mine, law = logprob_entropy(x, y), logprob_entropy(x, y, backend="reference")
    for one, other in zip(mine, law, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


@pytest.mark.gpu
def test_gpu_addresses_past_two_billion_elements() -> None:
    n, v = 15_000, 151_936
    x = torch.empty(n, v, device="cuda", dtype=torch.bfloat16).normal_()
    y = torch.randint(0, v, (n,), device="cuda")
    leaf = x.requires_grad_()
    logp, _ = logprob_entropy(leaf, y, inplace_backward=True)
    last = torch.log_softmax(x[-3:].detach().double(), -1)
    torch.testing.assert_close(logp[-3:].double(), last.gather(-1, y[-3:, None]).squeeze(-1), atol=1e-4, rtol=0)
    backward(logp.sum())
    assert leaf.grad is not None
    expected = -last.exp()
    expected[torch.arange(3), y[-3:]] += 1
    torch.testing.assert_close(leaf.grad[-3:].double(), expected, atol=4e-3, rtol=1e-2)


def test_a_ratio_beyond_the_range_of_exp_has_the_clips_gradient() -> None:
    """Where the clip lets nothing through the gradient is zero, not NaN; one token must not spoil the weights."""
    logp = torch.tensor([[0.0, -1.0]], requires_grad=True)
    old = torch.tensor([[-95.0, -1.0]])
    loss = grpo_loss(logp, torch.tensor([1.0]), torch.ones(1, 2), GRPOObjective(), old_logp=old)
    loss.backward()  # type: ignore[no-untyped-call]
    assert logp.grad is not None
    assert logp.grad[0, 0] == 0
    assert torch.isfinite(logp.grad).all()


@pytest.mark.parametrize("importance", ["token", "sequence"])
def test_what_stands_at_masked_tokens_is_never_looked_at(importance: Any) -> None:
    logp = torch.tensor([[-1.0, -2.0, -3.0]], requires_grad=True)
    mask = torch.tensor([[True, True, False]])
    spoilt = torch.tensor([[1.0, 1.0, float("nan")]])
    objective = GRPOObjective(importance=importance)
    loss = grpo_loss(logp, spoilt, mask, objective, old_logp=logp.detach() * spoilt, policy_weight=spoilt)
    loss.backward()  # type: ignore[no-untyped-call]
    assert logp.grad is not None
    assert torch.isfinite(logp.grad).all()
    assert logp.grad[0, 2] == 0


def test_a_bias_that_is_a_column_of_something_is_read_as_it_stands() -> None:
    bias = torch.randn(20, 2)[:, 0]
    plain = plain_bias(bias)
    assert plain is not None
    assert plain.is_contiguous()
    assert torch.equal(plain, bias)
    assert plain_bias(None) is None
