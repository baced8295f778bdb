"""The explicit loop and what it keeps."""

import copy
import math
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

import linefit as lf

POST = {"lr": 2e-9, "steps": 1000, "dtype": torch.float32}  # 1e-9 on a loss with 1/N


def literal(x, y, *, lr, steps, clear):
    """Write the loop out, as a reader of the site would."""
    a, b = (torch.zeros((), dtype=x.dtype, requires_grad=True) for _ in range(2))
    rows = []
    for _ in range(steps):
        loss = ((a * x - y + b) ** 2).mean() / (2 * (a**2 + 1))
        loss.backward()
        rows.append((loss.item(), a.item(), b.item()))
        with torch.no_grad():
            a -= lr * a.grad
            b -= lr * b.grad
        if clear:
            a.grad = b.grad = None
    return torch.tensor(rows, dtype=x.dtype).T


def columns(run):
    """Return loss, slope and intercept of every step in one tensor."""
    return torch.stack((run.history.loss, run.history.slope, run.history.intercept))


@pytest.mark.parametrize("clear", [True, False])
def test_descend_is_the_literal_loop(clear):
    """Every number of every step equals the loop written by hand, bit for bit."""
    x, y, _ = lf.noisy_line()
    run = lf.descend(x, y, lr=1e-6, steps=50, clear_grad=clear)
    assert torch.equal(columns(run), literal(x, y, lr=1e-6, steps=50, clear=clear))


def test_plain_descent_is_sgd():
    """The default update is torch's SGD without options."""
    x, y, _ = lf.noisy_line()
    ours = lf.descend(x, y, lr=1e-5, steps=50)
    sgd = lf.descend(x, y, lr=1e-5, steps=50, optimizer=torch.optim.SGD)
    assert torch.allclose(columns(ours), columns(sgd), rtol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_post_worked_because_it_never_cleared(seed):
    """Uncleared gradients reach the minimum near epoch 564 and run on; cleared ones crawl."""
    x, y, _ = lf.noisy_line(seed=seed)
    post = lf.descend(x, y, **POST, clear_grad=False)
    assert 555 <= post.best.step <= 573
    assert 2.48 < post.best.slope < 2.56
    assert 5.2 < post.last.slope < 5.45
    assert lf.descend(x, y, **POST).last.slope < 0.018


def test_never_clearing_is_momentum_one():
    """Accumulated gradients and SGD with momentum 1 walk the same way."""
    x, y, _ = lf.noisy_line()
    post = lf.descend(x, y, **POST, clear_grad=False)
    momentum = lf.descend(x, y, **POST, optimizer=partial(torch.optim.SGD, momentum=1.0))
    assert torch.allclose(columns(post), columns(momentum), rtol=1e-4)


@pytest.mark.parametrize(
    ("settings"),
    [
        {"lr": 0.5, "steps": 200},
        {"lr": 0.1, "steps": 600, "optimizer": partial(torch.optim.SGD, momentum=0.8)},
        {"lr": 0.1, "steps": 1000, "optimizer": torch.optim.Adam},
        {"lr": 1.0, "steps": 60, "optimizer": partial(torch.optim.LBFGS, max_iter=1)},
        {
            "lr": 1.0,
            "steps": 10,
            "optimizer": partial(torch.optim.LBFGS, line_search_fn="strong_wolfe"),
        },
    ],
)
def test_every_optimizer_reaches_the_closed_form(settings):
    """On centered and scaled points each optimizer ends at total least squares."""
    x, y, _ = lf.noisy_line()
    x, y = (x - x.mean()) / 30, (y - y.mean()) / 30
    run = lf.descend(x, y, start=(2.0, 0.0), **settings)
    line = lf.total_least_squares(x, y)
    assert run.line.slope.item() == pytest.approx(line.slope.item(), rel=1e-6)
    assert run.line.intercept.item() == pytest.approx(line.intercept.item(), abs=1e-6)


def test_a_scheduler_changes_the_learning_rate():
    """Halving the rate each step makes the steps a geometric series."""
    run = lf.descend(
        [0.0, 1.0, 2.0],
        [1.0, 1.0, 1.0],
        lr=1e-6,
        steps=4,
        scheduler=partial(lr_scheduler.ExponentialLR, gamma=0.5),
    )
    moves = run.history.intercept.diff()
    assert (moves[1:] / moves[:-1]).tolist() == pytest.approx([0.5, 0.5], rel=1e-4)


def test_a_scheduler_that_watches_the_loss_is_told_the_loss():
    """ReduceLROnPlateau sees no progress under a tiny rate and cuts it to nothing."""
    plateau = partial(lr_scheduler.ReduceLROnPlateau, factor=1e-3, patience=0, threshold=0.5)
    run = lf.descend([0.0, 1.0], [1.0, 2.0], lr=1e-3, steps=5, scheduler=plateau)
    moves = run.history.intercept.diff()
    assert moves[-1] < 1e-5 * moves[0]


def test_best_and_last_hold_one_step_each():
    """Loss and parameters of a step belong together: the loss there is the loss of the step."""
    x, y, _ = lf.noisy_line()
    run = lf.descend(x, y, lr=2e-9, steps=700, clear_grad=False)
    assert run.last.step == 699
    assert 0 < run.best.step < 699
    for step in (run.best, run.last):
        assert torch.equal(lf.perpendicular_loss(step.slope, step.intercept, x, y), step.loss)
    assert run.best.loss == run.history.loss.min()
    assert run.line.slope.item() == pytest.approx(run.best.slope.item(), rel=1e-15)


def test_a_converged_line_has_all_its_digits():
    """Losses that differ by rounding only do not cost the line half of its digits."""
    x, y, _ = lf.noisy_line()
    x, y = (x - x.mean()) / 30, (y - y.mean()) / 30
    run = lf.descend(x, y, lr=0.5, steps=600)
    assert run.converged
    slope = lf.total_least_squares(x, y).slope.item()
    assert run.line.slope.item() == pytest.approx(slope, rel=1e-13)


def test_a_descent_says_whether_it_has_settled():
    """A long run on easy points has settled; a short one, or one step, has not."""
    x, y = [-1.0, 0.0, 1.0], [-2.1, 0.1, 2.0]
    assert lf.descend(x, y, lr=0.5, steps=500).converged
    assert not lf.descend(x, y, lr=0.5, steps=10).converged
    assert not lf.descend(x, y, lr=0.5, steps=1).converged


def test_many_lines_descend_at_once():
    """A batch takes the same steps as each of its lines alone."""
    x = torch.stack([lf.noisy_line(seed=s).x for s in range(3)])
    y = torch.stack([lf.noisy_line(seed=s).y for s in range(3)])
    batch = lf.descend(x, y, lr=1e-5, steps=20)
    assert batch.history.loss.shape == (20, 3)
    assert batch.best.step.tolist() == [19] * 3
    for i in range(3):
        alone = lf.descend(x[i], y[i], lr=1e-5, steps=20)
        assert torch.allclose(batch.history.slope[:, i], alone.history.slope, rtol=1e-12)


def test_divergence_names_step_rate_and_bound():
    """Too large a learning rate stops at the first infinite loss and says what was allowed."""
    x, y, _ = lf.noisy_line()
    with pytest.raises(lf.DivergenceError, match="inf at step .* rate 0.001") as caught:
        lf.descend(x, y, lr=1e-3, steps=1000, loss=lf.vertical_loss)
    bound = (
        2
        / torch.linalg.eigvalsh(
            torch.stack(
                (torch.stack((x.square().mean(), x.mean())), torch.stack((x.mean(), x[0] * 0 + 1)))
            )
        ).max()
    )
    assert f"2/λmax = {bound:.6g}" in str(caught.value)
    assert caught.value.descent.history.loss.isfinite().all()
    assert len(caught.value.descent.history.loss) > 100


def test_divergence_in_a_batch_names_the_line():
    """Only the second line of the batch diverges, and the message says so."""
    x, y = torch.tensor([[0.0, 1.0], [0.0, 1e3]]), torch.tensor([[0.0, 1.0], [0.0, 1e3]])
    with pytest.raises(lf.DivergenceError, match="line 1 of the batch"):
        lf.descend(x, y, lr=0.5, steps=500, loss=lf.vertical_loss)


def test_a_loss_that_cannot_be_differentiated_twice_still_tells():
    """Without a Hessian the error leaves out the bound and keeps the rest."""

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(value):
            return value**2

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, gradient):
            return 2 * ctx.saved_tensors[0] * gradient

    with pytest.raises(lf.DivergenceError, match="inf at step") as caught:
        lf.descend(
            [0.0, 1.0],
            [1.0, 2.0],
            lr=5.0,
            steps=2000,
            loss=lambda a, b, x, y: Square.apply(a * x - y + b).mean(),
        )
    assert "λmax" not in str(caught.value)


def test_a_start_where_the_loss_is_infinite_is_refused():
    """No step has been taken, so it is the start that is wrong."""
    with pytest.raises(ValueError, match="not finite at the start"):
        lf.descend([0.0, 1.0], [0.0, 1.0], lr=0.1, steps=1, start=(1e200, 0.0))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"lr": 0.0}, ValueError, "must be positive and finite, but it is 0.0"),
        ({"lr": math.nan}, ValueError, "must be positive and finite, but it is nan"),
        ({"steps": 0}, ValueError, "at least 1, but it is 0"),
        ({"steps": 1.5}, TypeError, "steps a whole number, but they are 0.1 and 1.5"),
        ({"lr": "fast"}, TypeError, "lr must be a number"),
        ({"start": 0.0}, ValueError, "pair of slope and intercept, but it is 0.0"),
        ({"optimizer": "adam"}, TypeError, "optimizer must be a function, such as"),
        ({"dtype": "float32"}, TypeError, "floating-point types, not 'float32'"),
        ({"loss": lambda a, b, x, y: None}, ValueError, "not NoneType"),
        ({"loss": lambda a, b, x, y: x.sum()}, ValueError, "it has no graph"),
        ({"start": (0.0,)}, ValueError, r"pair of slope and intercept, but it is \(0.0,\)"),
        ({"start": (math.inf, 0.0)}, ValueError, "start slope must be finite"),
        ({"start": ([0.0, 1.0], 0.0)}, ValueError, r"shape \(\) or \(\), not \(2,\)"),
        ({"dtype": torch.int64}, TypeError, "floating-point types, not torch.int64"),
        ({"loss": lambda a, b, x, y: a * x - b}, ValueError, r"shape \(\), not shape \(2,\)"),
        ({"loss": lambda a, b, x, y: a**2}, ValueError, "does not depend on the intercept"),
        (
            {"optimizer": torch.optim.LBFGS, "clear_grad": False},
            ValueError,
            "clear_grad=False has no meaning for LBFGS",
        ),
    ],
)
def test_bad_settings_are_refused(settings, error, message):
    """Settings that make no sense raise and say what came."""
    with pytest.raises(error, match=message):
        lf.descend([0.0, 1.0], [0.0, 2.0], **({"lr": 0.1, "steps": 1} | settings))


def test_nothing_that_is_passed_is_changed():
    """Points and start keep values and gradients, also where they require them."""
    x = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
    start = torch.tensor(1.0, requires_grad=True)
    lf.descend(x, np.array([1.0, 2.0, 4.0]), lr=0.1, steps=3, start=(start, 0.0))
    assert x.grad is None
    assert start.grad is None
    assert start == 1


def test_the_device_can_be_chosen():
    """Points move to the device asked for, and the result stays there."""
    assert lf.descend([0.0, 1.0], [0.0, 1.0], lr=0.1, steps=2, device="cpu").best.loss.is_cpu


@pytest.mark.parametrize("again", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])  # noqa: S301  # our own bytes
def test_a_divergence_can_be_sent_to_another_process(again):
    """Copied or pickled, the error keeps message and history."""
    with pytest.raises(lf.DivergenceError) as caught:
        lf.descend([0.0, 1e3], [1.0, 2.0], lr=1.0, steps=500, loss=lf.vertical_loss)
    error = again(caught.value)
    assert str(error) == str(caught.value)
    assert torch.equal(error.descent.history.loss, caught.value.descent.history.loss)


def test_points_made_in_inference_mode_are_taken():
    """What inference mode made cannot be saved for backward, so it is copied."""
    with torch.inference_mode():
        x = torch.tensor([0.0, 1.0, 2.0])
    assert (
        lf.descend(x, x, lr=0.1, steps=2).history.loss[1]
        < lf.descend(x, x, lr=0.1, steps=2).history.loss[0]
    )


def test_losses_that_overflow_only_in_sum_are_no_divergence():
    """In a batch every loss is finite although their sum is not, and the descent goes on."""
    points = torch.rand(2, 2, 3, dtype=torch.float64)
    run = lf.descend(
        *points, lr=1e-310, steps=2, loss=lambda a, b, x, y: 5e307 * ((a - 1) ** 2 + (b - 1) ** 2)
    )
    assert run.history.loss.isfinite().all()
    assert run.history.loss[0].sum() == math.inf


def test_a_saddle_is_not_a_minimum():
    """A run that symmetry keeps on a saddle is not converged, and the text says why."""
    points = [-1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 3.0, -3.0]
    saddle = lf.descend(*points, lr=0.1, steps=300)
    assert saddle.last.loss == 2.25
    assert saddle.still
    assert not saddle.converged
    assert "stands still where the loss has no minimum" in saddle.warning
    level = lf.descend(points[1], points[0], lr=0.1, steps=300, start=(0.1, 0.0))
    assert level.last.loss.item() == pytest.approx(0.25, rel=1e-12)
    assert level.converged
    assert level.warning is None


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("tiny", [0.0, 1e-160])
def test_points_above_each_other_hold_a_saddle_too(tiny, dtype):
    """Where all x are zero the horizontal line is the worst of all through the mean."""
    run = lf.descend([0.0, 0.0, 0.0, tiny], [1, 2, 3, 4], lr=0.1, steps=300, dtype=dtype)
    assert run.still
    assert not run.converged
    assert "stands still where the loss has no minimum" in run.warning
    level = lf.descend([0.0, 0.0, 0.0], [1, 1, 1], lr=0.1, steps=300, dtype=dtype)
    assert level.converged


def test_a_saddle_in_a_batch_is_named():
    """Only the line that stands on its saddle is not converged."""
    x, y = torch.tensor([[0.0, 0.0, 3.0, -3.0], [-1.0, 1.0, 0.0, 0.0]]).double()
    run = lf.descend(torch.stack((x, y)), torch.stack((y, x)), lr=0.1, steps=300)
    assert run.converged.tolist() == [True, False]
    assert "(line 1 of the batch)" in run.warning


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("lr", [0.01, 1.0, 1e3, 1e6])
def test_an_absurd_learning_rate_is_told(lr, dtype):
    """Raw points throw a fast descent far out, where the loss is flat; a warning says so."""
    x, y, _ = lf.noisy_line()
    run = lf.descend(x, y, lr=lr, steps=300, dtype=dtype)
    assert run.last.slope > 50
    assert not run.converged
    assert "left for the flat tail of the loss" in run.warning


def test_a_loss_that_ends_above_its_start_is_told():
    """A run that climbs without leaving the numbers carries a warning with both losses."""
    run = lf.descend([0.0, 1.0, 2.0], [0.0, 1.0, 2.5], lr=1.4, steps=4, loss=lf.vertical_loss)
    assert run.last.loss > run.history.loss[0]
    assert (
        f"risen from {run.history.loss[0]:.6g} at the start to {run.last.loss:.6g}" in run.warning
    )


@pytest.mark.parametrize("loss", [lf.perpendicular_loss, lf.vertical_loss, lf.huber_loss])
@pytest.mark.parametrize(
    "y", [[0.1, 1.9, 4.2, 5.8], [1.0, 1.0, 1.0, 1.0], [0.0, 40.0, 81.0, 119.0]]
)
def test_a_good_run_has_no_warning(loss, y):
    """Flat, sloping or steep: what ends near its minimum is not suspected, finished or not."""
    x = torch.arange(4.0, dtype=torch.float64)
    slope, intercept = np.polyfit(x, y, 1)
    for steps in (1, 20, 2000):
        run = lf.descend(x, y, lr=0.1, steps=steps, loss=loss, start=(0.9 * slope, intercept))
        assert run.warning is None
    assert run.minimum
