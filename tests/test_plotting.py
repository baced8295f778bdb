"""Pictures: what is drawn, where."""

import matplotlib as mpl
import pytest
import torch
from matplotlib.colors import to_rgb

mpl.use("agg")
from matplotlib.figure import Figure

import linefit as lf
from linefit import graph, plotting


@pytest.fixture
def ax():
    """Return empty axes of a figure of their own."""
    return Figure().subplots()


def test_points_are_drawn_where_they_are(ax):
    """Every point is a dot at its place, and the axes come back."""
    assert plotting.plot_points(ax, [0, 1], [2, 5], color="k") is ax
    assert ax.lines[0].get_xydata().tolist() == [[0, 2], [1, 5]]
    assert ax.lines[0].get_linestyle() == "None"


@pytest.mark.parametrize("points", [([0, 1, 2], [1, 3, 5]), ([1, 1, 1], [0, 2, 5])])
def test_a_line_crosses_the_whole_picture(ax, points):
    """A line, also a vertical one, is drawn through the points without moving the edges."""
    line = lf.total_least_squares(*points)
    plotting.plot_points(ax, *points)
    edges = ax.get_xlim(), ax.get_ylim()
    assert plotting.plot_line(ax, line, color="r") is ax
    assert (ax.get_xlim(), ax.get_ylim()) == edges
    a, b = (
        torch.tensor(p, dtype=torch.float64) for p in (ax.lines[1].get_xy1(), ax.lines[1].get_xy2())
    )
    assert line.signed_distance(*a).abs() < 1e-12
    assert line.signed_distance(*b).abs() < 1e-12


@pytest.mark.parametrize("perpendicular", [True, False])
def test_residuals_end_on_the_line(ax, perpendicular):
    """Each way starts at its point and ends on the line, at right angles or upright."""
    x, y, line = lf.noisy_line(5)
    assert plotting.plot_residuals(ax, x, y, line, perpendicular=perpendicular) is ax
    for drawn, start in zip(ax.lines, zip(x, y, strict=True), strict=True):
        (px, qx), (py, qy) = (torch.as_tensor(d) for d in drawn.get_data())
        assert (px, py) == start
        assert line.signed_distance(qx, qy).abs() < 1e-12
        way = torch.stack((qx - px, qy - py))
        assert (
            way[0] if not perpendicular else way @ torch.stack((line.normal[1], -line.normal[0]))
        ).abs() < 1e-12


def test_the_loss_curve_marks_the_best_step(ax):
    """The curve has one point for each step, and a dot at the lowest."""
    run = lf.descend([0.0, 1.0, 2.0], [0.0, 2.0, 4.0], lr=0.1, steps=7)
    assert plotting.plot_loss(ax, run) is ax
    assert ax.lines[0].get_ydata().tolist() == run.history.loss.tolist()
    assert ax.lines[1].get_xydata()[0].tolist() == [run.best.step, run.best.loss]


def test_the_loss_map_has_labelled_axes(ax):
    """Contours of the loss over slope and intercept."""
    x, y, _ = lf.noisy_line(10)
    slopes, intercepts = torch.linspace(-1, 5, 20), torch.linspace(-9, 9, 15)
    assert plotting.plot_loss_map(ax, x, y, slopes=slopes, intercepts=intercepts) is ax
    assert len(ax.collections[0].get_paths()) == 12
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("slope a", "intercept b")


def test_a_graph_is_drawn_with_all_its_words(ax):
    """Every line of every box stands in the picture, one outline for each node."""
    a, x = torch.tensor(2.0, requires_grad=True), torch.tensor([1.0, 3.0])
    with graph.record() as g:
        loss = (a * x).sum() + a
    g.backward(loss)
    assert plotting.plot_graph(ax, g) is ax
    boxes = g.layout().boxes
    assert {t.get_text() for t in ax.texts} >= {line.text for box in boxes for line in box.lines}
    assert len(ax.patches) == len(g.nodes) + len(g.edges)  # and a tip for each edge
    assert not ax.axison


def test_a_picture_of_a_wrong_graph_is_refused(ax):
    """A number that something wrote past torch is no longer the one that would be drawn."""
    a = torch.tensor(2.0, requires_grad=True)
    with graph.record() as g:
        loss = a * 3
    g.backward(loss)
    a.detach().numpy()[...] = 5
    with pytest.raises(graph.GraphError, match="value of a"):
        plotting.plot_graph(ax, g)


def test_what_the_package_returns_can_be_drawn(ax):
    """Tensors that require gradients, and those of half width, are drawn like others."""
    x, y, _ = lf.noisy_line(6)
    line = lf.total_least_squares(x.requires_grad_(), y)
    run = lf.descend(x, y, lr=1e-6, steps=3, dtype=torch.bfloat16)
    plotting.plot_residuals(ax, x, y, line)
    ends = [residual.get_xydata()[0].tolist() for residual in ax.lines]
    assert ends == torch.stack([x, y], -1).tolist()
    plotting.plot_line(ax, line)
    plotting.plot_points(ax, x.bfloat16(), y.bfloat16())
    plotting.plot_loss(ax, run)
    drawn, points, losses, _ = ax.lines[6:]
    (x1, y1), (x2, y2) = drawn.get_xy1(), drawn.get_xy2()
    assert (y2 - y1) / (x2 - x1) == pytest.approx(line.slope.item(), rel=1e-12)
    assert points.get_ydata().tolist() == y.bfloat16().tolist()
    assert losses.get_ydata().tolist() == run.history.loss.tolist()


def test_a_batch_is_not_one_picture(ax):
    """A batch of lines or descents raises and says that one can be drawn."""
    x, y = torch.rand(2, 3, 9)
    with pytest.raises(ValueError, match="One line can be drawn"):
        plotting.plot_line(ax, lf.total_least_squares(x, y))
    with pytest.raises(ValueError, match="One line can be drawn"):
        plotting.plot_loss(ax, lf.descend(x, y, lr=0.1, steps=2))
    with pytest.raises(ValueError, match="at least two slopes"):
        plotting.plot_loss_map(ax, x[0], y[0], slopes=[1.0], intercepts=[1.0])


@pytest.mark.parametrize("first", [True, False])
def test_a_fit_is_drawn_with_its_band(ax, first):
    """Line and band span the picture, the band at the heights that the fit tells."""
    x, y, _ = lf.noisy_line(20)
    fit = lf.fit_line(x, y)
    if first:
        plotting.plot_points(ax, x, y)
    else:
        ax.margins(0.05)
    assert plotting.plot_fit(ax, fit, level=0.5, color="C3") is ax
    left, right = ax.get_xlim()
    assert left < x.min() < x.max() < right
    (band,) = ax.collections
    corners = torch.from_numpy(band.get_paths()[0].vertices)
    low, high = fit.band(corners[:, 0], 0.5)
    on_edge = torch.minimum((corners[:, 1] - low).abs(), (corners[:, 1] - high).abs())
    assert on_edge.max() < 1e-9
    assert (corners[:, 0].min().item(), corners[:, 0].max().item()) == (left, right)
    assert band.get_facecolor()[0][:3].tolist() == list(to_rgb("C3"))


@pytest.mark.parametrize("points", [([1, 1, 1], [0, 2, 5]), ([0, 1], [0, 2])])
def test_a_fit_of_unknown_error_has_no_band(ax, points):
    """Of a vertical line, and of one through two points, only the line is drawn."""
    plotting.plot_fit(ax, lf.fit_line(*points))
    assert len(ax.lines) == 1
    assert not ax.collections


def test_a_batch_of_fits_is_not_one_picture(ax):
    """A batch raises; one of its fits can be drawn."""
    x, y = torch.rand(2, 3, 9)
    with pytest.raises(ValueError, match="One line can be drawn"):
        plotting.plot_fit(ax, lf.fit_line(x, y))
    plotting.plot_fit(ax, lf.fit_line(x, y)[1])


def test_only_gradients_have_their_color(ax):
    """A view that is written at its edge has the color of text, a part of a gradient its own."""
    a = torch.ones(2, 3, requires_grad=True)
    with graph.record() as g:
        loss = (a.t() * a.t().sin()).sum()
    g.backward(loss)
    layout = g.layout(fold_views=True)
    for route in layout.routes:
        plotting._draw_route(ax, route, 1.0)
    colors = {text.get_text(): text.get_color() for text in ax.texts}
    assert colors["t"] == mpl.rcParams["text.color"]
    assert {color for text, color in colors.items() if "grad" in text} == {"C1"}
