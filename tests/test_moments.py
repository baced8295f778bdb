"""Moments: exact, mergeable, streamable, reducible."""

import math
import subprocess
import sys
from dataclasses import fields
from itertools import permutations

import mpmath
import numpy as np
import pytest
import torch

import linefit as lf
from linefit import _sums, moments
from linefit.moments import Moments

NAMES = ["n", "mean_x", "mean_y", "sxx", "sxy", "syy"]


@pytest.fixture
def small_blocks(monkeypatch):
    """Make blocks of seven points, so that a few points fill many."""
    monkeypatch.setattr(_sums, "BLOCK", 7)
    monkeypatch.setattr(moments, "PIECE", 7)


def exact(x, y):
    """Return the five numbers in 50 digits."""
    with mpmath.workdps(50):
        x, y = ([mpmath.mpf(v) for v in c.tolist()] for c in (x, y))
        mx, my = mpmath.fsum(x) / len(x), mpmath.fsum(y) / len(y)
        pairs = list(zip(x, y, strict=True))
        sxx = mpmath.fsum((p - mx) ** 2 for p in x)
        sxy = mpmath.fsum((p - mx) * (q - my) for p, q in pairs)
        return [len(x), *map(float, (mx, my, sxx, sxy, mpmath.fsum((q - my) ** 2 for q in y)))]


def numbers(moments):
    """Return the count and the five numbers as floats."""
    return [getattr(moments, name).item() for name in NAMES]


@pytest.mark.parametrize("offset", [0.0, 1e6, -1e12])
@pytest.mark.parametrize("n", [2, 7, 8, 50])
def test_moments_are_exact(small_blocks, offset, n):
    """In one block or many, far from the origin or near, all digits are right."""
    x, y, _ = lf.noisy_line(n)
    x, y = x + offset, y - offset
    assert numbers(Moments.of(x, y)) == pytest.approx(exact(x, y), rel=1e-13)


@pytest.mark.parametrize("offset", [0.0, 1e12])
def test_the_order_of_merging_is_free(offset):
    """However four pieces are merged, the answer is the same to 1e-14."""
    x, y, _ = lf.noisy_line(80)
    pieces = [
        Moments.of(a + offset, b)
        for a, b in zip(x.split([2, 30, 7, 41]), y.split([2, 30, 7, 41]), strict=True)
    ]
    for p, q, r, s in permutations(pieces):
        for merged in ((p + q) + (r + s), p + (q + (r + s))):
            assert numbers(merged) == pytest.approx(exact(x + offset, y), rel=1e-14)


def test_chunks_may_hold_one_point():
    """A stream of single points is as good as all at once."""
    x, y, _ = lf.noisy_line(9)
    streamed = Moments.of_chunks(([p], [q]) for p, q in zip(x.tolist(), y.tolist(), strict=True))
    assert numbers(streamed) == pytest.approx(numbers(Moments.of(x, y)), rel=1e-14)


def test_a_memmap_is_read_piece_by_piece(small_blocks, tmp_path):
    """A read-only file gives the same numbers, and is not read as a whole."""
    x, y, _ = lf.noisy_line(20)
    np.stack((x, y)).tofile(tmp_path / "points")
    disk = np.memmap(tmp_path / "points", dtype=np.float64, mode="r", shape=(2, 20))
    assert numbers(Moments.of(*disk)) == pytest.approx(exact(x, y), rel=1e-14)


@pytest.mark.slow
def test_ten_million_points_take_little_memory():
    """Fits of 10⁷ points add less than 64 MB to what the points themselves take."""
    code = """
import resource, torch, linefit
x = torch.arange(10_000_000, dtype=torch.float64)
fits = linefit.total_least_squares, linefit.fit_line
for fit in fits:
    fit(x[:1000], x[:1000])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for fit in fits:
    fit(x, x)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 64_000  # kB


def test_batches_are_their_lines_one_by_one(small_blocks):
    """Leading axes are independent, also where a line fills several blocks."""
    x = torch.randn(3, 2, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    batch = Moments.of(x, x**2)
    for i in range(3):
        for j in range(2):
            alone = Moments.of(x[i, j], x[i, j] ** 2)
            for f in fields(Moments):
                assert torch.isclose(getattr(batch, f.name)[i, j], getattr(alone, f.name))


def test_moments_give_the_line():
    """The line of the moments is the line of the points, Deming's too."""
    x, y, _ = lf.noisy_line()
    for ratio in (1.0, 3.0):
        line = Moments.of(x, y).line(variance_ratio=ratio)
        assert line.slope == lf.total_least_squares(x, y, variance_ratio=ratio).slope


def test_moments_are_differentiable():
    """Autograd passes through summing up and merging."""
    points = [c.clone().requires_grad_() for c in lf.noisy_line(8)[:2]]
    merged = lambda x, y: (Moments.of(x[:3], y[:3]) + Moments.of(x[3:], y[3:])).sxy  # noqa: E731
    assert torch.autograd.gradcheck(merged, points)


def test_squares_that_overflow_are_refused():
    """Moments cannot hold squares beyond float64; the closed forms find their own unit."""
    x = [1e200, 2e200, 4e200]
    with pytest.raises(ValueError, match="squares of the points overflow"):
        Moments.of(x, x)
    assert lf.total_least_squares(x, x).slope.item() == pytest.approx(1, rel=1e-15)


def test_no_chunks_are_no_points():
    """An empty stream raises."""
    with pytest.raises(ValueError, match="no chunks"):
        Moments.of_chunks([])


def test_moments_add_to_moments_only():
    """Adding anything else is Python's TypeError."""
    with pytest.raises(TypeError, match="unsupported operand"):
        Moments.of([0, 1], [0, 1]) + 1


def test_not_a_number_is_named():
    """NaN among the points raises with its place, although nobody looked for it beforehand."""
    with pytest.raises(ValueError, match="y must be finite.*nan at index 1"):
        Moments.of([0, 1, 2], [0, math.nan, 1])


def test_a_memmap_tells_where_it_is_wrong(small_blocks):
    """NaN in a later piece is named with the points of the piece."""
    x = np.arange(20.0)
    x[15] = math.nan
    x.flags.writeable = False
    with pytest.raises(ValueError, match="Among points 14 to 19: x must be finite.*at index 1"):
        Moments.of(x, x)


def test_moments_of_other_batches_do_not_add():
    """Two lines and three lines have no common moments."""
    two, three = (Moments.of(torch.rand(n, 5), torch.rand(n, 5)) for n in (2, 3))
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        two + three


def test_merging_far_sets_may_overflow():
    """Sets too far apart have no squares in float64, and the line says so."""
    near, far = Moments.of([0, 1e150], [0, 1e150]), Moments.of([1e155, 1.1e155], [0, 1e150])
    with pytest.raises(ValueError, match="squares of the points overflow"):
        (near + far).line()


def test_the_count_divides_without_losing_digits():
    """The count is float64: two whole numbers would divide to float32 in torch."""
    m = Moments.of([0, 1, 2], [0, 1, 2])
    assert (m.n / (m.n + m.n + 1)).dtype is torch.float64
    assert m.n == 3


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("offset", [0.0, 3.0, 1e4, 1e8])
@pytest.mark.parametrize("n", [8192, 8193, 100_000, 1_200_000])
def test_sums_by_threads_are_exact(n, offset, dtype):
    """One block or many shares, near zero or far: the numbers of exact sums, in every order."""
    generator = torch.Generator().manual_seed(n)
    x, y = (torch.randn(2, n, generator=generator, dtype=torch.float64) + offset).to(dtype)
    y = y - 0.5 * x
    found = numbers(Moments.of(x, y))
    u, v = x.double(), y.double()
    mx, my = (math.fsum(c.tolist()) / n for c in (u, v))
    u, v = u - mx, v - my
    sums = [math.fsum(c.tolist()) for c in (u * u, u * v, v * v)]
    assert found == pytest.approx([n, mx, my, *sums], rel=1e-13)
    assert numbers(Moments.of(x.flip(0), y.flip(0))) == pytest.approx(found, rel=1e-13)
    strided = torch.stack((x, y), dim=1)
    apart = numbers(Moments.of(strided[:, 0], strided[:, 1]))
    assert apart == pytest.approx(found, rel=1e-14, abs=1e-14 * n)


def test_points_that_only_look_near_zero_are_summed_again(monkeypatch):
    """Where the few that are looked at mislead, the sums are made from a place amid the points."""
    monkeypatch.setattr(_sums, "_is_near_zero", lambda data: True)
    x, y, _ = lf.noisy_line(20_000)
    x, y = x + 1e8, y - 1e8
    mean = math.fsum(x.tolist()) / len(x)
    exact_sxx = math.fsum(((x - mean) ** 2).tolist())
    assert Moments.of(x, y).sxx.item() == pytest.approx(exact_sxx, rel=1e-13)


def test_results_do_not_depend_on_the_number_of_threads():
    """Shares are added in the order of the points, whoever summed them."""
    x, y, _ = lf.noisy_line(1_500_000)
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(numbers(Moments.of(x, y)))
    finally:
        torch.set_num_threads(before)
    assert found[0] == found[1] == found[2]


def test_a_batch_of_moments_is_indexed():
    """One line's moments, or some lines', come out of a batch."""
    x = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    batch = Moments.of(x, x**2)
    assert numbers(batch[1]) == pytest.approx(numbers(Moments.of(x[1], x[1] ** 2)), rel=1e-14)
    assert batch[1:].sxy.tolist() == batch.sxy[1:].tolist()
    assert len([m.n for m in batch]) == 3
    assert numbers(batch[0].to("cpu")) == numbers(batch[0])
    with pytest.raises(TypeError, match="one line, not a batch"):
        batch[0][0]
