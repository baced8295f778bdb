"""Draw the picture that previews of the site show: points, the line through them, the promise."""

from __future__ import annotations

from pathlib import Path

SIZE = (1200, 630)
DOTS_PER_INCH = 100


def draw(target: Path) -> None:
    """Draw the picture unless it is there and younger than this module."""
    if target.exists() and target.stat().st_mtime > Path(__file__).stat().st_mtime:
        return
    # Imported here, because a build without an address does not need torch.
    from matplotlib.figure import Figure

    from linefit import noisy_line, total_least_squares
    from linefit.plotting import plot_line, plot_points

    x, y, _ = noisy_line(100, noise=8.0, seed=1)
    width, height = (side / DOTS_PER_INCH for side in SIZE)
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH)
    ax = figure.add_axes((0.53, 0.07, 0.44, 0.86))
    plot_points(ax, x, y)
    plot_line(ax, total_least_squares(x, y))
    ax.set(xlabel="", ylabel="", xticks=[], yticks=[])
    if legend := ax.get_legend():
        legend.remove()
    figure.text(0.05, 0.72, "linefit", fontsize=58, fontweight="bold", color="#10206b")
    words = "PyTorch's computational graphs\nand autograd, explained by\nfitting one straight line"
    figure.text(0.05, 0.36, words, fontsize=25, linespacing=1.5, color="#1b1b1f")
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, metadata={"Software": None})
