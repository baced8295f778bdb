"""The steps of a graph as a figure that a browser plays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from linefit.graph.draw.labels import gradient_lines
from linefit.graph.draw.layout import Layout
from linefit.graph.draw.svg import draw
from linefit.graph.errors import GraphError
from linefit.graph.sentences import PLAYER, all_steps, part_of_gradient, step_of
from linefit.graph.steps.steps import PassStep

HERE = Path(__file__).parent
PAUSE = "M3 2h4v12H3zM9 2h4v12H9z"
ICONS = {  # on a square of 16
    "start": "M2 2h2v12H2zM14 2v12L5 8z",
    "back": "M11 1l2 2-5 5 5 5-2 2-7-7z",
    "play": "M3 1l12 7-12 7z",
    "next": "M5 1L3 3l5 5-5 5 2 2 7-7z",
    "end": "M2 2l9 6-9 6zM12 2h2v12h-2z",
}


def player(layout: Layout, steps: Sequence[PassStep], *, inline: bool) -> str:
    """Return the player of a graph as HTML, with style and script ``inline`` or left to the page.

    Raises
    ------
    GraphError
        If the figure does not show every node.
    """
    if layout.note:
        raise GraphError(f"A player shows each node as a box; this figure has {layout.note}")
    count = len(steps)
    items = "".join(_item(layout, step, step_of(i, count)) for i, step in enumerate(steps, 1))
    starts = " ".join(f"n{route.edge.source.index}" for route in layout.routes)
    return (
        f'<figure class="lfg-player graph" data-starts="{starts}">'
        '<div class="lfg-stage">'
        f'<div class="lfg-scroll" tabindex="0" role="group" aria-label="{PLAYER["figure"]}">'
        f"{draw(layout, styled=inline, kind='p')}</div>"
        '<p class="lfg-words" role="status"></p></div><div class="lfg-bar" hidden>'
        f'<div class="lfg-controls" role="group" aria-label="{PLAYER["group"]}">'
        f"{_controls(count)}</div></div>"
        f"<details><summary>{all_steps(count)}</summary>"
        f'<ol class="lfg-steps">{items}</ol></details>'
        f"{_assets() if inline else ''}</figure>"
    )


def _controls(count: int) -> str:
    return "".join(_button(name) for name in ICONS) + (
        f'<input type="range" min="1" max="{count}" value="1" step="1" '
        f'aria-label="{PLAYER["slider"]}">'
    )


def _button(name: str) -> str:
    label = PLAYER[name]
    more = ""
    paths = f'<path d="{ICONS[name]}"/>'
    if name == "play":
        more = f' data-play="{label}" data-pause="{PLAYER["pause"]}"'
        paths += f'<path d="{PAUSE}"/>'
    icon = f'<svg viewBox="0 0 16 16" aria-hidden="true">{paths}</svg>'
    return (
        f'<button type="button" data-go="{name}" title="{label}" aria-label="{label}"{more}>'
        f"{icon}</button>"
    )


def _assets() -> str:
    style = (HERE / "player.css").read_text(encoding="utf-8")
    script = (HERE / "player.js").read_text(encoding="utf-8")
    return f"<style>{style}</style><script>{script}</script>"


def _item(layout: Layout, step: PassStep, heading: str) -> str:
    """Return a step as an item of a list, with what changes in the figure."""
    edges = {route.edge: i for i, route in enumerate(layout.routes)}
    now = [f"n{node.index}" for node in step.nodes] + [f"e{edges[edge]}" for edge in step.edges]
    changes = dict(_changes(layout, step))
    data = escape(json.dumps(changes, ensure_ascii=False, separators=(",", ":")))
    return (
        f'<li data-label="{heading}" data-now="{" ".join(now)}" data-set="{data}">'
        f"{escape(step.words)}</li>"
    )


def _changes(layout: Layout, step: PassStep) -> Iterator[tuple[str, str]]:
    """Yield the texts of the figure that a step writes: "n3:2" is the third line of node 3."""
    boxes = {box.node: box for box in layout.boxes}
    if step.phase in {"inputs", "forward"}:
        for node in step.nodes:
            for i, line in enumerate(boxes[node].lines):
                if line.role == "value":
                    yield f"n{node.index}:{i}", line.text
    for node, output, grad, accumulated in step.grads:
        rows = [
            i
            for i, line in enumerate(boxes[node].lines)
            if line.role == "grad" and line.output == output
        ]
        texts = [line.text for line in gradient_lines(node, output, grad, accumulated)]
        if len(texts) > len(rows) > 0:
            texts[len(rows) - 1 :] = [", ".join(texts[len(rows) - 1 :])]
        for i, row in enumerate(rows):
            yield f"n{node.index}:{row}", texts[i] if i < len(texts) else ""
    labels = {route.edge: i for i, route in enumerate(layout.routes) if route.label}
    for edge, grad in step.parts:
        if edge in labels:
            yield f"l{labels[edge]}", part_of_gradient(grad)
