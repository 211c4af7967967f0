"""FP8: the quantisation formula, block-scaled products, the linear layer and the conversion of a model."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import nn

from tests.kernels.cases import backward
from veritune.kernels import (
    FP8Linear,
    convert_to_fp8,
    dequantize,
    fp8_matmul,
    quantize_blocks,
    quantize_both,
    quantize_rows,
)
from veritune.kernels.fp8 import linear, measure
from veritune.kernels.fp8.blocks import BlockQuantized
from veritune.kernels.fp8.gemm import candidates
from veritune.kernels.fp8.linear import FP8Recipe

SHAPES = [(1, 128), (5, 128), (130, 300), (256, 384)]


def spread(rows: int, columns: int) -> torch.Tensor:
    """Rows of very different size: a scale taken from the wrong block shows."""
    torch.manual_seed(rows + columns)
    return torch.randn(rows, columns) * torch.logspace(-6, 3, rows)[torch.randperm(rows)][:, None]


def relative(got: torch.Tensor, expected: torch.Tensor) -> float:
    return float((got.detach().double() - expected.detach().double()).norm() / expected.detach().double().norm())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("pow2", [False, True])
def test_row_blocks_keep_three_bits_of_every_value(shape: tuple[int, int], pow2: bool) -> None:
    x = spread(*shape)
    q = quantize_rows(x, pow2_scales=pow2)
    assert q.data.dtype is torch.float8_e4m3fn
    assert q.scales.shape == (shape[0], -(-shape[1] // 128))
    error = (dequantize(q) - x).abs()
    step = q.scales.repeat_interleave(128, 1)[:, : shape[1]]
    assert bool((error <= torch.maximum(x.abs() / 16 * 1.001, step * 2**-10 * 1.001)).all())


@pytest.mark.parametrize("quantize", [quantize_rows, quantize_blocks])
def test_pow2_scales_are_the_least_powers_of_two_that_hold_the_block(quantize: object) -> None:
    x = spread(256, 256)
    x[0, 0] = 448.0 * 2**12  # exactly at a power of two: not rounded up
    assert callable(quantize)
    plain, pow2 = quantize(x).scales, quantize(x, pow2_scales=True).scales
    assert torch.equal(torch.exp2(torch.log2(pow2).round()), pow2)
    assert bool((pow2 >= plain * (1 - 1e-6)).all())
    assert bool((pow2 < plain * 2).all())


@pytest.mark.parametrize("shape", SHAPES)
def test_the_weight_blocks_of_the_transpose_are_the_transposed_blocks(shape: tuple[int, int]) -> None:
    straight, turned = quantize_both(spread(*shape), (128, 128))
    assert torch.equal(straight.scales.t(), turned.scales)
    assert torch.equal(dequantize(straight).t(), dequantize(turned))
    padding = turned.data.view(torch.uint8)[:, shape[0] :]
    assert not padding.any()


def test_both_row_layouts_come_from_the_high_precision_values() -> None:
    x = spread(130, 256)
    straight, turned = quantize_both(x)
    assert torch.equal(dequantize(straight), dequantize(quantize_rows(x)))
    assert torch.equal(dequantize(turned), dequantize(quantize_rows(x.t())))


def test_zero_blocks_stay_zero_and_nan_stays_visible() -> None:
    x = torch.zeros(2, 256)
    x[1, 3] = torch.nan
    back = dequantize(quantize_rows(x))
    assert not back[0].any()
    assert bool(back[1, 3].isnan())


def test_small_gradients_keep_their_precision() -> None:
    """A floor under the scale, such as the 1e-4 of published kernels, would erase gradients of this size."""
    x = torch.randn(4, 128) * 1e-9
    assert relative(dequantize(quantize_rows(x)), x) < 0.05


@pytest.mark.parametrize("rows", [True, False])
def test_product_equals_that_of_the_dequantised_operands(rows: bool) -> None:
    a = quantize_rows(spread(70, 256))
    b = (quantize_rows if rows else quantize_blocks)(spread(144, 256))
    expected = dequantize(a, torch.float64) @ dequantize(b, torch.float64).t()
    assert relative(fp8_matmul(a, b, torch.float32), expected) < 1e-6


def test_product_refuses_operands_that_do_not_fit() -> None:
    a, b = quantize_rows(torch.randn(4, 128)), quantize_rows(torch.randn(4, 256))
    with pytest.raises(ValueError, match="same number of columns"):
        fp8_matmul(a, b)
    with pytest.raises(ValueError, match="able are reference"):
        fp8_matmul(a, a, engine="cublaslt")


def test_linear_layer_is_close_to_the_high_precision_one_in_value_and_gradients() -> None:
    torch.manual_seed(0)
    layer = FP8Linear(256, 384, recipe=FP8Recipe("always"))
    plain = nn.Linear(256, 384)
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(3, 50, 256)
    one, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    y, z = layer(one), plain(other)
    up = torch.randn_like(y)
    backward((y * up).sum())
    backward((z * up).sum())
    assert relative(y, z) < 0.05
    for a, b in ((one.grad, other.grad), (layer.weight.grad, plain.weight.grad), (layer.bias.grad, plain.bias.grad)):
        assert a is not None
        assert b is not None
        assert a.dtype is b.dtype
        assert relative(a, b) < 0.05


def test_linear_layer_sees_a_weight_changed_behind_its_back() -> None:
    """Fused optimizers and `.data` leave no mark on a tensor: nothing quantised may outlive a forward."""
    layer = FP8Linear(128, 128, bias=False, recipe=FP8Recipe("always"))
    x = torch.randn(4, 128)
    before = layer(x)
    layer.weight.data.mul_(2)
    assert relative(layer(x), 2 * before) < 1e-6


def test_linear_layer_quantises_nothing_for_a_backward_that_cannot_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """And gives the same bits: a checkpointed pass may run once without gradients and once with them."""
    layer = FP8Linear(256, 128, recipe=FP8Recipe("always"))
    x = torch.randn(3, 5, 256)
    law = layer(x)
    monkeypatch.setattr(linear, "quantize_both", lambda *_, **__: pytest.fail("the transposed copies were made"))
    with torch.no_grad():
        assert torch.equal(layer(x), law)
    layer.requires_grad_(False)
    assert torch.equal(layer(x), law)


def test_linear_layer_runs_in_high_precision_on_a_cpu_unless_told_otherwise() -> None:
    layer = FP8Linear(128, 128)
    x = torch.randn(4, 128)
    assert torch.equal(layer(x), nn.functional.linear(x, layer.weight, layer.bias))


def test_linear_layer_refuses_widths_that_are_no_multiple_of_the_block() -> None:
    with pytest.raises(ValueError, match="multiples of 128"):
        FP8Linear(128, 100)


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(256, 128)
        self.gate_proj, self.gate = nn.Linear(128, 256), nn.Linear(128, 128)
        self.odd, self.down = nn.Linear(256, 130), nn.Linear(256, 128)
        self.lm_head = nn.Linear(128, 256, bias=False)
        self.tied = nn.Linear(128, 256, bias=False)
        self.tied.weight = self.embed_tokens.weight


def test_conversion_takes_projections_and_leaves_the_delicate_layers(caplog: pytest.LogCaptureFixture) -> None:
    model = Tiny()
    weight = model.gate_proj.weight
    with caplog.at_level(logging.INFO):
        assert convert_to_fp8(model, skip=["down"]) is model
    converted = {name for name, module in model.named_modules() if isinstance(module, FP8Linear)}
    assert converted == {"gate_proj"}
    assert model.gate_proj.weight is weight
    for name in ("gate", "odd", "down", "lm_head", "tied"):
        assert f"leaves {name} in high precision" in caplog.text


def test_conversion_refuses_a_skip_that_matches_nothing() -> None:
    with pytest.raises(ValueError, match="matches no module"):
        convert_to_fp8(Tiny(), skip=["dwon"])


def test_batches_of_like_size_share_a_measured_choice() -> None:
    assert measure.bucket(16_001) == measure.bucket(16_384) == 16_384
    assert measure.bucket(9000) == measure.bucket(9216)
    assert all(0 <= measure.bucket(n) - n <= n // 8 + 1 for n in range(1025, 40_000, 37))


@pytest.mark.gpu
@pytest.mark.parametrize("shape", [(5, 128), (130, 136), (300, 1000), (1024, 2048), (2085, 896)])
@pytest.mark.parametrize("pow2", [False, True])
@pytest.mark.parametrize("block", [(1, 128), (128, 128)])
def test_gpu_bytes_equal_those_of_the_reference(shape: tuple[int, int], pow2: bool, block: tuple[int, int]) -> None:
    x = spread(*shape)
    for mine, law in zip(
        quantize_both(x.cuda(), block, pow2_scales=pow2), quantize_both(x, block, pow2_scales=pow2), strict=True
    ):
        assert torch.equal(mine.scales.cpu(), law.scales)
        assert torch.equal(mine.data.cpu().view(torch.uint8), law.data.view(torch.uint8))


@pytest.mark.gpu
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("rows", [False, True])
def test_gpu_products_accumulate_in_float32(positive: bool, rows: bool) -> None:
    """Operands of one sign expose the 14-bit accumulator of the FP8 tensor cores: 20 % off at this depth."""
    x, w = torch.randn(260, 7168, device="cuda"), torch.randn(384, 7168, device="cuda")
    a = quantize_rows(x.abs() if positive else x)
    b: BlockQuantized = (quantize_rows if rows else quantize_blocks)(w.abs() if positive else w)
    expected = fp8_matmul(a, b, torch.float32, engine="reference")
    for dtype, bound in ((torch.bfloat16, 3e-3), (torch.float32, 1e-3)):
        for engine in candidates(a, b, dtype):
            found = [fp8_matmul(a, b, dtype, engine=engine) for _ in range(2)]  # type: ignore[arg-type]
            assert relative(found[0], expected) < bound, engine
            assert torch.equal(found[0], found[1]), engine


@pytest.mark.gpu
@pytest.mark.parametrize("tile", range(2))
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(
    "shape", [(1, 128, 128), (5, 144, 256), (257, 640, 1024), (1000, 384, 7168), (4095, 1152, 1920), (2500, 4096, 896)]
)
def test_gpu_gluon_tiles_equal_the_reference_row_by_row(tile: int, positive: bool, shape: tuple[int, int, int]) -> None:
    """Rows and columns of very different size, unwritten memory poisoned, and the same bits in every run."""
    kernel = pytest.importorskip("veritune.kernels.fp8.gluon_gemm")
    if torch.cuda.get_device_capability()[0] != 9:
        pytest.skip("the Gluon kernel is for Hopper")
    m, n, k = shape
    x, w = spread(m, k).cuda(), spread(n, k).cuda()
    a, b = quantize_rows(x.abs() if positive else x), quantize_blocks(w.abs() if positive else w)
    expected = fp8_matmul(a, b, torch.float32, engine="reference")
    found = []
    for _ in range(10):
        out = torch.full((m, n), torch.nan, dtype=torch.bfloat16, device="cuda")
        kernel.run(a.data, b.data, out, a.scales, b.scales, kernel.TILES[tile], 132)
        found.append(out)
    error = (found[0].double() - expected.double()).norm(dim=1) / expected.double().norm(dim=1)
    assert float(error.max()) < 4e-3
    assert all(torch.equal(found[0], other) for other in found[1:])


def test_candidates_take_turns_and_the_fastest_has_the_least_median(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two equal candidates, none is always the one that runs after the other."""
    calls: list[str] = []

    class Event:
        def __init__(self, enable_timing: bool) -> None:
            self.at = 0

        def record(self) -> None:
            self.at = len(calls)

        def synchronize(self) -> None: ...

        def elapsed_time(self, other: Event) -> float:
            return {"slow": 2.0, "fast": 1.0}[calls[other.at - 1]]

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "_sleep", lambda cycles: None)
    times = measure.race({name: lambda name=name: calls.append(name) for name in ("slow", "fast")}, rounds=8)  # type: ignore[misc]
    assert times == {"slow": 2.0, "fast": 1.0}
    rounds = [tuple(calls[i : i + 2]) for i in range(4, len(calls), 2)]
    assert len(rounds) == 8
    assert all(len(set(pair)) == 2 for pair in rounds)
    assert len(set(rounds)) == 2


def test_a_measurement_inside_a_checkpointed_pass_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the random numbers that follow, nor among the tensors that the recomputation must save alike."""
    from torch.utils.checkpoint import checkpoint

    known: dict[str, str] = {}
    monkeypatch.setattr(linear, "compute_capability", lambda tensor: (9, 0))
    monkeypatch.setattr(measure, "recall", lambda key, device: known.get(key))
    monkeypatch.setattr(measure, "remember", lambda key, choice, device: known.__setitem__(key, choice))
    monkeypatch.setattr(measure, "race", lambda runs: {name: float(len(run())) for name, run in runs.items()})
    layer = FP8Linear(128, 128, False, dtype=torch.bfloat16)
    x = torch.randn(4, 128, dtype=torch.bfloat16, requires_grad=True)
    numbers = []
    for _ in range(2):
        known.clear()  # measured anew
        torch.manual_seed(3)
        out = checkpoint(layer, x, use_reentrant=False)
        numbers.append(torch.rand(()))
        out.float().sum().backward()
        assert len(known) >= 1
    assert x.grad is not None
    torch.manual_seed(3)
    assert numbers == [torch.rand(())] * 2


def test_a_choice_is_kept_apart_by_what_it_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VERITUNE_KERNELS", raising=False)
    assert measure.setting("auto") == ""
    assert measure.setting("reference") == " reference"
    monkeypatch.setenv("VERITUNE_KERNELS", "reference")
    assert measure.setting("auto") == " reference"


def test_autocast_does_not_round_the_operands_of_the_reference() -> None:
    """Dequantised FP8 has more bits than bfloat16: a product inside of autocast is that of the quantised operands."""
    torch.manual_seed(0)
    layer = FP8Linear(256, 128, bias=False, recipe=FP8Recipe("always"))
    x = torch.randn(40, 256)
    with torch.autocast("cpu", torch.bfloat16):
        trained, drawn = layer(x), layer(x.detach()).detach()
        product = fp8_matmul(quantize_rows(x), quantize_blocks(layer.weight.detach()), torch.float32)
    exact = dequantize(quantize_rows(x)).double() @ dequantize(quantize_blocks(layer.weight.detach())).double().t()
    torch.testing.assert_close(product.double(), exact, rtol=1e-5, atol=1e-6)
    assert torch.equal(trained, exact.bfloat16())
    assert torch.equal(drawn, trained)
