"""Run the code of exercises, in a process of its own: each answer, and each usual wrong value.

It reads one exercise a line, as JSON, and writes one line: what came out, or what is wrong.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterable
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

TAPE = Path(__file__).parents[1] / "_static" / "practice" / "scalar_tape.py"
Names = dict[str, Any]


class ExerciseError(Exception):
    """Raised when an exercise does not do what it says."""


def close(value: float, wanted: float, tolerance: float) -> bool:
    """Whether a value counts as another: within a part of it, or of 1 where that is 0."""
    return abs(value - wanted) <= tolerance * (abs(wanted) or 1)


def alike(values: list[float], wanted: list[float], tolerance: float) -> bool:
    """Whether all of some values count as others."""
    pairs = zip(values, wanted, strict=False)
    return len(values) == len(wanted) and all(close(v, w, tolerance) for v, w in pairs)


def numbers(value: Any) -> list[float]:
    """Return all numbers in a tensor, a list or a number."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [number for part in value for number in numbers(part)]
    return [float(value)]


def names() -> Names:
    """Return what an exercise finds defined: torch, and the package's public names."""
    import torch

    import linefit
    from linefit import graph

    torch.manual_seed(0)
    torch.set_num_threads(1)
    found: Names = {name: getattr(linefit, name) for name in linefit.__all__}
    return found | {"torch": torch, "graph": graph, "printed": printed}


def printed(call: Callable[[], object]) -> str:
    """Return what a call prints, or the name of the error that it raises."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            call()
        except Exception as error:
            print(type(error).__name__)  # noqa: T201 - into the text that is returned
    return out.getvalue().strip()


def execute(code: str, scope: Names) -> None:
    """Execute the text of an exercise."""
    exec(compile(code, "exercise", "exec"), scope)  # noqa: S102 - the site's own sources


def evaluate(expression: Any, scope: Names) -> Any:
    """Return the value of an expression of an exercise."""
    code = compile(str(expression).strip(), "exercise", "eval")
    return eval(code, scope)  # noqa: S307 - the site's own sources


def run(exercise: dict[str, Any]) -> dict[str, Any]:
    """Return what an exercise has as its answer and its wrong values, all executed."""
    scope = names()
    scope["box"] = lambda what: [n for n in scope["g"].nodes if what in (n.name, n.op)]
    execute(exercise.get("setup", ""), scope)
    output = printed(lambda: execute(exercise.get("code", ""), scope))
    errors = output.splitlines()[-1:]
    if errors and errors[0].endswith("Error") and not exercise.get("raises"):
        raise ExerciseError(f"the code raises {errors[0]}; write `raises: true` if it should")
    execute(exercise.get("after", ""), scope)
    if (
        "check" in exercise
        and exercise["kind"] != "order"
        and not evaluate(exercise["check"], scope)
    ):
        raise ExerciseError(f"the check fails: {exercise['check']}")
    return KINDS[exercise["kind"]](exercise, scope, output)


def run_number(exercise: dict[str, Any], scope: Names, output: str) -> dict[str, Any]:
    """Evaluate a number and those that are usually given in its place."""
    tolerance = exercise.get("tolerance", 0.005)
    answer = float(evaluate(exercise["answer"], scope))
    wrong = [float(evaluate(each["value"], scope)) for each in exercise["wrong"]]
    _apart([[answer], *([value] for value in wrong)], tolerance)
    return {"answer": answer, "wrong": wrong, "tolerance": tolerance}


def run_pick(exercise: dict[str, Any], scope: Names, output: str) -> dict[str, Any]:
    """Evaluate the right option, by default what the code prints."""
    answer = str(evaluate(exercise["answer"], scope)) if "answer" in exercise else output
    if not answer:
        raise ExerciseError("the code prints nothing, and there is no answer")
    wrong = [str(each["option"]) for each in exercise["wrong"]]
    if len({answer, *wrong}) < len(wrong) + 1:
        raise ExerciseError(f"two options are the same: {[answer, *wrong]}")
    return {"answer": answer, "wrong": wrong}


def run_node(exercise: dict[str, Any], scope: Names, output: str) -> dict[str, Any]:
    """Return the figure of the graph ``g``, and which nodes are meant."""
    g = scope["g"]
    answer = _nodes(evaluate(exercise["answer"], scope))
    wrong = [_nodes(evaluate(each["node"], scope)) for each in exercise["wrong"]]
    known = [index for group in [answer, *wrong] for index in group]
    if not all([answer, *wrong]) or len(known) != len(set(known)):
        raise ExerciseError(f"each node is meant once at most, not {[answer, *wrong]}")
    figure = g._repr_html_()
    if missing := [index for index in known if f'-n{index}"' not in figure]:
        raise ExerciseError(f"the figure has no box for the nodes {missing}")
    named = {str(index): _name(g.nodes, index) for index in answer}
    return {"answer": answer, "wrong": wrong, "figure": figure, "named": named}


def _nodes(found: Any) -> list[int]:
    return [node.index for node in (found if isinstance(found, list) else [found])]


def _name(nodes: Any, index: int) -> str:
    (node,) = (each for each in nodes if each.index == index)
    return str(node.name or node.op)


def orders(text: object) -> list[tuple[int, ...]]:
    """Return the orders that share a hint, with commas between them."""
    return [tuple(int(number) for number in order.split()) for order in str(text).split(",")]


def outcome(exercise: dict[str, Any], lines: Iterable[str]) -> object:
    """Return the numbers that lines give in an exercise's frame, or the name of their error."""
    fresh = names()
    execute(exercise.get("setup", ""), fresh)
    frame = exercise.get("frame", "{lines}")
    lead = frame.partition("{lines}")[0].rpartition("\n")[2]
    body = f"\n{lead}".join(lines)
    try:
        execute(frame.replace("{lines}", body), fresh)
        return numbers(evaluate(exercise["check"], fresh))
    except Exception as error:
        return type(error).__name__


def run_order(exercise: dict[str, Any], scope: Names, output: str) -> dict[str, Any]:
    """Execute the lines in every order: many may be right, and one error may have many causes."""
    lines = exercise["lines"].strip("\n").split("\n")
    right = tuple(range(1, len(lines) + 1))
    came = {
        order: outcome(exercise, [lines[number - 1] for number in order])
        for order in permutations(right)
    }
    wanted = came[right]
    if isinstance(wanted, str):
        raise ExerciseError(f"the lines in their order raise {wanted}")
    answer = [order for order in came if came[order] == wanted]
    hinted = [orders(each["order"]) for each in exercise["wrong"]]
    wrong = [order for alternatives in hinted for order in alternatives]
    if any(order not in came for order in wrong):
        raise ExerciseError("an order names each line once, by its number")
    if any(order in answer for order in wrong):
        raise ExerciseError("an order under `wrong` gives the right result")

    def alike(mistake: tuple[int, ...]) -> list[tuple[int, ...]]:
        same = isinstance(came[mistake], str)
        others = [o for o in came if same and came[o] == came[mistake] and o not in wrong]
        return [mistake, *others]

    found = [[same for order in each for same in alike(order)] for each in hinted]
    return {"answer": answer, "wrong": found, "lines": lines}


def run_code(exercise: dict[str, Any], scope: Names, output: str) -> dict[str, Any]:
    """Run the solution and the usual mistakes, as the browser will, against torch's values."""
    tolerance = exercise.get("tolerance", 1e-3)
    answer = numbers(evaluate(exercise["answer"], scope))

    def result(code: str, expression: str = exercise["result"]) -> list[float] | str:
        fresh: Names = {"__name__": "exercise"}
        execute(TAPE.read_text(encoding="utf-8"), fresh)
        try:
            execute(code, fresh)
            return numbers(evaluate(expression, fresh))
        except Exception as error:
            return type(error).__name__

    found = result(exercise["solution"])
    if isinstance(found, str) or not alike(found, answer, tolerance):
        raise ExerciseError(f"the solution gives {found}, torch gives {answer}")
    if "nudge" in exercise:
        slope = result(exercise["solution"], exercise["nudge"])
        if isinstance(slope, str) or not alike(slope, answer, 1e-3):
            raise ExerciseError(f"a nudge gives {slope}, torch gives {answer}")
    wrong = [result(each["code"]) for each in exercise["wrong"]]
    _apart([answer, *(w for w in wrong if not isinstance(w, str))], tolerance)
    start = result(exercise["start"])
    if not isinstance(start, str) and alike(start, answer, tolerance):
        raise ExerciseError("the code to start from is right already")
    return {"answer": answer, "wrong": wrong, "tolerance": tolerance}


def _apart(values: list[list[float]], tolerance: float) -> None:
    """Raise an error where one value would count as another: its hint would never be seen."""
    for one, other in combinations(values, 2):
        if alike(one, other, tolerance) or alike(other, one, tolerance):
            raise ExerciseError(f"{one} and {other} cannot be told apart")


KINDS = {
    "number": run_number,
    "pick": run_pick,
    "node": run_node,
    "order": run_order,
    "code": run_code,
}


def main() -> None:
    """Answer line by line."""
    from linefit import graph

    graph.set_display(assets="page")  # in this process alone; the page brings style and script
    out = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        try:
            found = run(json.loads(line))
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(found) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
