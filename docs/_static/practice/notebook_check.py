"""Judge an answer: run this cell first; it needs nothing but Python."""

import base64
import json


def read(text):
    """Return answers and hints, which nobody should read by accident."""
    return json.loads(base64.b64decode(text))


def check(name, given):
    """Say whether an answer is right, or what the usual mistake behind it is."""
    if given is ...:
        print("Put your answer in place of the three dots.")
        return None
    exercise = KEPT[name]
    kind = exercise["kind"]
    try:
        given = value_of(given, kind)
    except (AttributeError, TypeError, ValueError):
        print(HOW[kind])
        return None
    # A box, or an order, may be one of several.
    groups = [exercise["answer"], *exercise["wrong"]]
    if kind not in ("node", "order"):
        groups = [[group] for group in groups]
    hints = ["Not yet. " + hint for hint in exercise["hints"]]
    texts = ["Right. " + exercise["why"], *hints]
    for group, text in zip(groups, texts):
        if any(same(given, each, exercise) for each in group):
            print(text)
            return group is groups[0]
    print("Not yet.")
    return False


def value_of(given, kind):
    """Return what was given as plain numbers and letters; code is run."""
    if kind == "code":
        try:
            return flat(given())
        except Exception as error:
            return type(error).__name__
    if kind == "pick":
        return given.strip().upper()
    return [int(number) for number in given] if kind == "order" else float(given)


def flat(value):
    """Return all numbers of a nested list."""
    if isinstance(value, (list, tuple)):
        return [number for part in value for number in flat(part)]
    return [float(value)]


def same(given, wanted, exercise):
    """Whether two answers are the same, numbers within the tolerance."""
    if isinstance(given, list) and isinstance(wanted, list):
        return len(given) == len(wanted) and all(
            same(one, other, exercise) for one, other in zip(given, wanted)
        )
    if isinstance(given, (int, float)) and isinstance(wanted, (int, float)):
        return abs(given - wanted) <= exercise["tolerance"] * (abs(wanted) or 1)
    return given == wanted
