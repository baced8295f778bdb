"""The steps of a graph as a figure that a browser plays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from linefit.graph import _words
from linefit.graph._layout import Layout, label
from linefit.graph._lines import gradient_lines
from linefit.graph._output import GraphError
from linefit.graph._steps import Step
from linefit.graph._svg import draw, is_external

HERE = Path(__file__).parent
PAUSE = "M3 2h4v12H3zM9 2h4v12H9z"
ICONS = {  # on a square of 16
    "start": "M2 2h2v12H2zM14 2v12L5 8z",
    "back": "M11 1l2 2-5 5 5 5-2 2-7-7z",
    "play": "M3 1l12 7-12 7z",
    "next": "M5 1L3 3l5 5-5 5 2 2 7-7z",
    "end": "M2 2l9 6-9 6zM12 2h2v12h-2z",
}


def player(layout: Layout, steps: Sequence[Step]) -> str:
    """Return the player of a graph as HTML, with its style and script unless the page has them.

    Raises
    ------
    GraphError
        If the figure does not show every node.
    """
    if layout.note:
        raise GraphError(f"A player shows each node as a box; this figure has {layout.note}")
    count, say = len(steps), _words.LABELS
    items = "".join(
        _item(layout, step, _words.STEP.format(number=i, count=count))
        for i, step in enumerate(steps, 1)
    )
    return (
        '<figure class="lfg-player graph">'
        f'<div class="lfg-scroll" tabindex="0" role="group" aria-label="{say["figure"]}">'
        f"{draw(layout, alone=False, kind='p')}</div>"
        '<div class="lfg-bar" hidden>'
        f'<div class="lfg-controls" role="group" aria-label="{say["group"]}">'
        f"{_controls(count)}</div>"
        '<p class="lfg-words" role="status"></p></div>'
        f"<details><summary>{say['list'].format(count=count)}</summary>"
        f'<ol class="lfg-steps">{items}</ol></details>'
        f"{'' if is_external() else _assets()}</figure>"
    )


def _controls(count: int) -> str:
    return "".join(_button(name) for name in ICONS) + (
        f'<input type="range" min="1" max="{count}" value="1" step="1" '
        f'aria-label="{_words.LABELS["slider"]}">'
    )


def _button(name: str) -> str:
    label, more, paths = _words.LABELS[name], "", f'<path d="{ICONS[name]}"/>'
    if name == "play":
        more = f' data-play="{label}" data-pause="{_words.LABELS["pause"]}"'
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


def _item(layout: Layout, step: Step, heading: str) -> str:
    """Return a step as an item of a list, with what changes in the figure."""
    edges = {route.edge: i for i, route in enumerate(layout.routes)}
    now = [f"n{node.index}" for node in step.nodes] + [f"e{edges[edge]}" for edge in step.edges]
    changes = dict(_changes(layout, step))
    data = escape(json.dumps(changes, ensure_ascii=False, separators=(",", ":")))
    return (
        f'<li data-label="{heading}" data-now="{" ".join(now)}" data-set="{data}">'
        f"{escape(step.words)}</li>"
    )


def _changes(layout: Layout, step: Step) -> Iterator[tuple[str, str]]:
    """Yield the texts of the figure that a step writes: "n3:2" is the third line of node 3."""
    boxes = {box.node: box for box in layout.boxes}
    if step.phase in {"inputs", "forward"}:
        for node in step.nodes:
            for i, line in enumerate(boxes[node].lines):
                if line.role == "value":
                    yield f"n{node.index}:{i}", line.text
    for node, output, grad, kept in step.grads:
        places = [
            i
            for i, line in enumerate(boxes[node].lines)
            if line.role == "grad" and line.output == output
        ]
        texts = [line.text for line in gradient_lines(node, output, grad, kept)]
        if len(texts) > len(places) > 0:
            texts[len(places) - 1 :] = [", ".join(texts[len(places) - 1 :])]
        for i, place in enumerate(places):
            yield f"n{node.index}:{place}", texts[i] if i < len(texts) else ""
    labels = {route.edge: i for i, route in enumerate(layout.routes) if route.label}
    for edge, grad in step.parts:
        if edge in labels:
            yield f"l{labels[edge]}", label(grad)
