"""Save a figure as a file."""

from __future__ import annotations

from pathlib import Path

from linefit.graph.draw.layout import Layout
from linefit.graph.draw.svg import draw
from linefit.graph.errors import GraphError

SUFFIXES = (".svg", ".png", ".pdf")


def save(layout: Layout, path: Path) -> None:
    """Write a figure as SVG, PNG or PDF, as the path's suffix says."""
    if path.suffix == ".svg":
        path.write_text(draw(layout), encoding="utf-8")
        return
    try:
        from linefit import plotting

        plotting._save(layout, path)
    except ModuleNotFoundError as error:
        raise GraphError(
            f"A {path.suffix} file is drawn by {error.name}, which is not installed: "
            f"python -m pip install {error.name}, or save the figure as .svg."
        ) from error


def check_suffix(path: Path) -> None:
    """Raise ValueError where a figure cannot be saved to a path."""
    if path.suffix not in SUFFIXES:
        raise ValueError(f"a figure is saved as {', '.join(SUFFIXES)}, got {str(path)!r}")
