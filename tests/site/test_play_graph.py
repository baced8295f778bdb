"""The page on which a reader types a graph: its numbers, steps and words against PyTorch's own."""

import gzip
import json
import math
import random
import re
from itertools import product
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
import torch
from bs4 import BeautifulSoup

from chromium import violations
from linefit import graph
from linefit.graph.numbers import number

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "docs" / "_static" / "play"
SCRIPTS = ("program", "graph-tape", "graph-words", "graph-draw")
PASSES = ("once", "keep", "clear", "twice")
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'"
FUNCTIONS = ("sum", "mean", "sqrt", "exp", "log", "sin", "cos", "tanh", "relu", "abs")
SPACE = {name: getattr(torch, name) for name in FUNCTIONS}
EDGES = [
    ("sum(relu(x))", {"x": [-1.0, 0.0, 2.0]}),
    ("sum(abs(x))", {"x": [-1.0, 0.0, 2.0]}),
    ("sum(x**0)", {"x": [0.0, 1.0, -3.0]}),
    ("sum(x**y)", {"x": [0.0, 0.0, 2.0, -2.0], "y": [0.0, 2.0, 0.5, 3.0]}),
    ("sum(0**p)", {"p": [0.0, 1.0, 2.5]}),
    ("x**0.5", {"x": 0.0}),
    ("sqrt(x)", {"x": 0.0}),
    ("sqrt(x) * 0", {"x": 0.0}),
    ("sum(log(x))", {"x": [-1.0, 0.0, 2.0]}),
    ("sum(sqrt(x))", {"x": [-1.0, 4.0]}),
    ("sum((-8 * x)**y)", {"x": 1.0, "y": [0.5, 2.0]}),
    ("x / y", {"x": 1.0, "y": 0.0}),
    ("1 / x", {"x": 0.0}),
    ("2 / x - x", {"x": 4.0}),
    ("-x**2", {"x": 3.0}),
    ("2**x**2", {"x": 1.5}),
    ("2**-x", {"x": 1.5}),
    ("exp(1000 * x)", {"x": 1.0}),
    ("sum(x * y)", {"x": [[1.0], [2.0]], "y": [3.0, 4.0, 5.0]}),
    ("mean((a*x + b - y)**2)", {"a": 2.0, "x": [1.0, 2.0], "b": [0.5], "y": [2.0, 5.0]}),
    ("k = 2*3\nd = a*k\ne = d\ne*d - mean(abs(x))", {"a": 2.0, "x": [1.0, -2.0]}),
    ("u = x*y\nu = u + x\nv = u\nsum(u*u) + sum(v)", {"x": [2.0, 3.0], "y": 1.5}),
    ("k = 2\nk = k*x\nk = k*k\nk*x", {"x": 3.0}),
    ("exp(x) * y", {"x": 800.0, "y": 0.0}),
    ("x**x", {"x": 0.0}),
    ("sqrt(x**2)", {"x": 0.0}),
    ("x", {"x": 2.0}),
    ("x * 1", {"x": 2.0, "unused": 1.0}),
]


def drawn(count, seed=1):
    """Return expressions of inputs that are numbers or vectors, with values for them."""
    draw = random.Random(seed)  # noqa: S311 (nothing is secret)

    def expression(depth):
        if depth == 0 or draw.random() < 0.15:
            return draw.choice(["a", "b", "x", "y", "z", "a", "x", "2", "3", "0.5", "1.5"])
        inner = [expression(depth - 1) for _ in range(2)]
        kind = draw.randrange(10)
        if kind < 5:
            return f"({inner[0]} {draw.choice('+-*/')} {inner[1]})"
        if kind < 6:
            return f"({inner[0]})**{draw.choice(['2', '3', '0.5', '-1', '(b / 3)', '0', '-a'])}"
        if kind < 7:
            return f"-{inner[0]}"
        return f"{draw.choice(FUNCTIONS[2:])}(a * 0.7 + {inner[0]} / 3)"

    def value(name):
        def one():
            return draw.choice([round(draw.uniform(-3, 3), 3), draw.randint(-2, 3)])

        return one() if name in "ab" else [one() for _ in range(3)]

    for _ in range(count):
        program = f"u = {expression(3)}\n{draw.choice(['sum', 'mean'])}(u * x + {expression(2)})"
        yield program, {name: value(name) for name in "abxyz"}


def by_torch(program, values):
    """Return what PyTorch computes: the last line's value and the gradient of each input."""
    tensors = {
        k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in values.items()
    }
    space = SPACE | tensors
    *lines, last = program.splitlines()
    exec("\n".join(lines), space)  # noqa: S102 (drawn above, and torch's answer is wanted)
    result = eval(last, space)  # noqa: S307 (likewise)
    result.backward()
    grads = {k: None if t.grad is None else t.grad.tolist() for k, t in tensors.items()}
    return result.tolist(), grads


@pytest.fixture(scope="module")
def bare(browser):
    """Return an empty page with the scripts that hold no words of the page's."""
    page = browser.new_page()
    for name in ("../theme", *SCRIPTS):
        page.add_script_tag(path=STATIC / f"{name}.js")
    yield page
    page.close()


AS_TEXT = """cases => cases.map(([program, values]) => {
    const text = (key, v) => typeof v === "number" && !Number.isFinite(v) ? String(v) : v;
    try { return JSON.stringify(linefitPlay.grad(program, values), text); }
    catch (error) { return JSON.stringify({error: error.message, at: error.column}); }
})"""


def flat(value):
    """Return the numbers of nested lists, with those that JSON cannot hold."""
    if isinstance(value, list):
        return [number for part in value for number in flat(part)]
    return [value if value is None else float(value)]


def differ(ours, theirs):
    """Whether two results differ by more than 1e-12 of their size."""
    ours, theirs = flat(ours), flat(theirs)
    if len(ours) != len(theirs):
        return True
    sizes = [abs(t) for t in theirs if t is not None and math.isfinite(t)]
    size = max([1.0, *sizes])
    return any(
        (mine is None) != (other is None)
        or (
            mine is not None
            and mine != other
            and not (math.isnan(mine) and math.isnan(other))
            and not abs(mine - other) <= 1e-12 * size
        )
        for mine, other in zip(ours, theirs, strict=True)
    )


def test_values_and_gradients_are_torchs(bare):
    """Values and gradients of 500 drawn expressions and of all edges are torch's to 1e-12."""
    cases = []
    expected = []
    for program, values in [*EDGES, *drawn(700)]:
        try:
            expected.append(by_torch(program, values))
        except (ZeroDivisionError, TypeError, RuntimeError):  # numbers alone, as in sqrt(2)
            continue
        cases.append((program, values))
    assert len(cases) >= 500 + len(EDGES)
    wrong = []
    for case, (result, grads), found in zip(
        cases, expected, map(json.loads, bare.evaluate(AS_TEXT, cases)), strict=True
    ):
        value = found.get("values", {}).get("result")
        if "error" in found or differ(value, result):
            wrong.append((case, result, found))
        elif any(differ(found["grads"][name], grad) for name, grad in grads.items()):
            wrong.append((case, grads, found["grads"]))
    assert not wrong, (len(wrong), wrong[:3])


def recorded(program, values, fixed, passes):
    """Return the recorder's graph of a program, after its backward passes, and torch's message."""
    *lines, last = program.splitlines()
    named = re.match(r"(\w+) *=", last)
    name = named[1] if named else "result"
    lines.append(last if named else f"result = {last}")
    space = SPACE | {
        key: torch.tensor(value, dtype=torch.float64, requires_grad=key not in fixed)
        for key, value in values.items()
    }
    space["graph"] = graph
    exec("\n    ".join(["with graph.record() as g:", *lines]), space)  # noqa: S102 (ours)
    g = space["g"]
    try:
        g.backward(space[name], retain_graph=passes in {"keep", "clear"})
        if passes == "clear":
            for key in values:
                space[key].grad = None
        if passes != "once":
            g.backward(space[name])
    except RuntimeError as error:
        return g, str(error)
    return g, None


TOLD = """cases => cases.map(([program, values, constants, passes]) => {
    const {graph} = linefitPlay;
    const told = graph.tell(program, values, {constants, passes});
    const drawn = told.graph.nodes.length ? graph.figure(graph.layOut(told.graph)).outerHTML : "";
    return [told.steps.map(({phase, words}) => [phase, words]), told.error, drawn];
})"""


def examples(html):
    """Return program, values, inputs without gradients and passes of each example of the page."""
    source = BeautifulSoup((html / "play/graph.html").read_text("utf-8"), "html.parser")
    for name, fragment in json.loads(source.select_one(".gp-built")["data-gp-presets"]).items():
        given = dict(parse_qsl(fragment))
        pairs = (part.split(":") for part in given["values"].split(";"))
        values = {key: json.loads(f"[{text}]" if "," in text else text) for key, text in pairs}
        fixed = given.get("fixed", "").split(",")
        yield name, given["program"], values, fixed, given.get("backward", "once")


def shapes(svg):
    """Return every element of a figure with its attributes, but for ids and the style."""
    found = []
    for element in BeautifulSoup(svg, "html.parser").select("svg, svg :not(style)"):
        kept = {k: v for k, v in element.attrs.items() if k not in {"id", "xmlns"}}
        text = element.get_text() if element.name == "text" else ""
        found.append((element.name, kept, text))
    return found


PLACES = re.compile(r"-?\d+\.\d+")


def alike(ours, theirs):
    """Whether two figures are the same but for the rounding of a tenth of a pixel."""
    if len(ours) != len(theirs):
        return False
    ours, theirs = str(ours), str(theirs)
    numbers = [[float(found) for found in PLACES.findall(each)] for each in (ours, theirs)]
    near = all(abs(a - b) < 0.11 for a, b in zip(*numbers, strict=True))
    return PLACES.sub("", ours) == PLACES.sub("", theirs) and near


ODD = [  # what the examples do not have: numbers first, broadcasting, a branch that leads nowhere
    ("c = 2/a + 2**a + a**b + (1 - a) + -a + a/2 + +b", {"a": 2.0, "b": 3.0}),
    ("c = sum(2**a*b - 1/b)", {"a": 1.0, "b": [[1.0, 2.0], [3.0, 4.0]]}),
    (
        "u = x*y\nd = a*2\nc = sum(u*a) + 2*b",
        {"x": [1.0, 2.0], "y": [3.0, 4.0], "a": 1.0, "b": 2.0},
    ),
    ("k = 2*3\nd = a*k\ne = d\nc = e*d - mean(abs(x))", {"a": 2.0, "x": [1.0, -2.0]}),
    ("x*y", {"x": [1.0, 2.0], "y": [3.0, 4.0]}),
    ("c = mean(exp(x) + log(y))", {"x": [0.5] * 8, "y": [1.0, 0.0, *range(2, 8)]}),
    ("c = a", {"a": 1.0}),
    ("u = x*y\nu = u + 1\nv = u\nu = u*u\nc = sum(u*v)", {"x": [1.0, 2.0], "y": [3.0, 4.0]}),
    ("k = 2\nk = x*k\nc = k*x\nc = c*c", {"x": 3.0}),
]


def test_steps_words_and_figure_are_the_recorders(bare, html):
    """Order, phase and sentence of each step, and the figure, equal those of the recorder."""
    cases = [(p, v, f, m) for _, p, v, f, _ in examples(html) for m in PASSES]
    for (program, values), passes in product(ODD, PASSES):
        cases += [(program, values, fixed, passes) for fixed in ([], [*values][:1])]
    choose = random.Random(3)  # noqa: S311 (nothing is secret)
    for program, values in drawn(120, seed=3):
        fixed = [name for name in values if choose.random() < 0.25]
        cases.append((program, values, fixed, choose.choice(PASSES)))
    wanted = []
    kept = []
    for case in cases:
        try:
            wanted.append(recorded(*case))
        except (ZeroDivisionError, TypeError):  # numbers alone, as in sqrt(2)
            continue
        kept.append(case)
    assert len(kept) > 150
    for case, (g, message), (steps, error, svg) in zip(
        kept, wanted, bare.evaluate(TOLD, kept), strict=True
    ):
        assert error == (message.strip() if message else None), case
        assert steps == [[step.phase, step.words] for step in g.steps()], case
        if g.nodes:
            assert alike(shapes(svg), shapes(g.to_svg())), case


def test_values_come_as_numbers_texts_or_typed_arrays(bare):
    """What can be read as numbers is; of anything else the error says which input it was."""
    found = bare.evaluate("""() => [
      linefitPlay.grad("sum(x*y)", {x: Float64Array.of(1, 2), y: "3"}),
      linefitPlay.grad("sum(x*y)", {x: [1, "2"], y: 3}),
    ]""")
    assert found[0] == found[1]
    assert found[0]["grads"] == {"x": [3, 3], "y": 3}
    wrong = [None, True, "1, 2", "", "two", {}, [[1], [1, 2]], [1, [2]], [None]]
    script = """wrong => wrong.map(value => {
      try { return linefitPlay.grad("a*x", {a: 1, x: value}); }
      catch (error) { return String(error); }
    })"""
    said = "TypeError: The value of x: expected a number, or lists of numbers of equal length."
    assert bare.evaluate(script, wrong) == [said] * len(wrong)
    assert bare.evaluate("linefitPlay.grad('2*x', {x: NaN}).grads") == {"x": 2}


def test_numbers_are_written_as_in_python(bare):
    """Ties go to the even digit, zero keeps its sign, and large and small ones have a power."""
    draw = random.Random(4)  # noqa: S311 (nothing is secret)
    values = [0.0, -0.0, 2.0625, 2.0635, 0.5, 1e-5, 1e-4, 9999.5, 12345.5, 12346.5, 999999.5, 1e22]
    values += [
        5e-324,
        1.7976931348623157e308,
        0.00099995,
        3.0,
        -9.875,
        1234567.0,
        100000.0,
        1e5 / 3,
    ]
    values += [draw.choice([1, -1]) * 10 ** draw.uniform(-9, 9) for _ in range(500)]
    values += [draw.randint(1, 4000) / 2 ** draw.randint(1, 9) for _ in range(500)]
    script = "([values, digits]) => values.map(value => linefitPlay.graph.number(value, digits))"
    for digits in (3, 4):
        wanted = [number(value, digits=digits) for value in values]
        assert bare.evaluate(script, [values, digits]) == wanted
    special = "[NaN, Infinity, -Infinity].map(value => linefitPlay.graph.number(value))"
    assert bare.evaluate(special) == ["nan", "inf", "−inf"]


@pytest.fixture(scope="module")
def site(browser, html):
    """Return a function that opens a page of the site in a window of its own."""
    contexts, errors = [], []

    def open_page(fragment="", **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{(html / 'play/graph.html').as_uri()}{fragment}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture(scope="module")
def desk(site):
    """Return one window that the tests share; each leads it to its own state."""
    return site()


def visit(page, fragment):
    """Lead a window to a state, and wait until it is shown."""
    page.evaluate(
        """async fragment => {
          for (const hash of ['preset=nan&step=1', fragment]) {
            location.hash = hash;
            await new Promise(resolve => addEventListener('hashchange', resolve, {once: true}));
          }
        }""",
        fragment,
    )


def verdict(page):
    """Return what the page says that the program came to."""
    return page.locator(".lp-verdict").text_content()


def state(page):
    """Return the state that the address holds, once it has been written, 300 ms after a change."""
    page.evaluate("new Promise(resolve => setTimeout(resolve, 350))")  # by the page's own clock
    return page.evaluate("location.hash")


@pytest.fixture
def usual():
    """Set back the type of numbers that a program sets as the default."""
    before = torch.get_default_dtype()
    yield
    torch.set_default_dtype(before)


def ran(source):
    """Run a program of the page; return its names, and the message of the error it says it has."""
    names = {}
    try:
        exec(source, names)  # noqa: S102 (the page's own)
    except RuntimeError as error:
        assert source.count("# raises RuntimeError") == 1
        return names, str(error).strip()
    assert "# raises" not in source
    return names, ""


def test_the_program_of_every_example_does_what_the_page_shows(desk, html, usual):
    """The PyTorch beside each figure, executed, gives its value, its gradients and its error."""
    for (name, _, values, fixed, _), passes in product(examples(html), PASSES):
        visit(desk, f"preset={name}&backward={passes}")
        names, message = ran(desk.locator(".lp-code code").text_content())
        said = verdict(desk)
        for key in values:
            grad = names[key].grad
            assert names[key].requires_grad == (key not in fixed)
            if grad is not None:
                assert f"{key}.grad = {graph.sentences.spoken(grad)}" in said
        told = desk.locator(".gp-message").text_content().partition("RuntimeError: ")[2]
        assert told == message
        assert desk.locator(".gp-figure .lfg-steps > li").count() > 5
        choice = f".gp-presets [data-preset={name}][aria-current]"
        assert desk.locator(choice).count() == 1


WRONG = [
    ("c = summ(x)", 1, 5, "there is no function “summ”"),
    ("c = x + * y", 1, 9, "expected a number, a name or “(”, found “*”"),
    ("u = x*y\nc = sum(u", 2, 10, "expected an operator or “)”, found the end"),
    ("c = x^2", 1, 6, "a power is written **"),
    ("x = x + 1", 1, 1, "expected a new name"),
    ("c = _x + 1", 1, 5, "a name begins with a letter"),
    ("c = x\u2212y", 1, 6, "a minus is written -"),
    ("", 1, 1, "expected an expression"),
    ("c = sum(2)", 1, 5, "takes a tensor"),
    ("print = x", 1, 1, "has a meaning already"),
    ("c = x²", 1, 6, "a power is written **"),
    ("c = x.sum()", 1, 6, "as in sum(x)"),
    ("c = sum(x)\nc.backward()", 2, 2, "the page runs the backward pass itself"),
    ("c = 1e400*x", 1, 5, "at most 1.8e308"),
    ("c = α*x", 1, 5, "the letters a to z"),
    ("c = " + "x" * 10_000, 1, 5, "a name has at most 40 letters"),
    ("c = x " + "y" * 40, 1, 7, "found “" + "y" * 40 + "”"),
]


@pytest.mark.parametrize(("program", "line", "column", "said"), WRONG)
def test_errors_point_at_the_column(program, line, column, said, desk):
    """A program that cannot be read is told by line, column and what is expected there."""
    visit(desk, "preset=sum")
    desk.locator("#gp-program").fill(program)
    told = desk.locator(".gp-error").text_content()
    assert told.startswith(f"Line {line}, column {column}: ")
    assert said in told
    assert "cannot be read yet" in verdict(desk)
    assert desk.locator("#gp-program").get_attribute("aria-invalid") == "true"
    desk.locator("#gp-program").fill("c = sum(x)")
    assert desk.locator(".gp-error").text_content() == ""
    assert verdict(desk).startswith("c = 2.")


def test_shapes_that_do_not_fit_are_told(desk):
    """Inputs whose shapes do not broadcast give a sentence at the operation that joins them."""
    visit(desk, "preset=sum&values=x:1,2;y:1,2,3")
    assert "shapes (2,) and (3,) do not fit" in desk.locator(".gp-error").text_content()


def test_inputs_are_changed_in_place(desk):
    """Values, marks and passes change graph, words, program and address; the step stays."""
    visit(desk, "preset=twice")
    desk.get_by_label("Value of x").fill("-1")
    assert "values=x:-1" in state(desk)
    figure = desk.locator(".gp-figure")
    figure.get_by_role("button", name="Previous step").click()
    desk.keyboard.press("ArrowLeft")
    now = figure.locator(".lfg-words b").text_content()
    field = desk.get_by_label("Value of a")
    field.focus()
    desk.keyboard.press("ArrowUp")
    assert field.input_value() == "2.1"
    assert figure.locator(".lfg-words b").text_content() == now == "Step 17 of 19"
    assert "a = torch.tensor(2.1, requires_grad=True)" in desk.locator(".lp-code").text_content()
    desk.get_by_label("y requires a gradient").check()
    assert "y.grad = " in verdict(desk)
    desk.get_by_label("Backward", exact=True).select_option("clear")
    assert "set to None between" in verdict(desk)
    assert state(desk) == "#preset=twice&values=a:2.1;x:-1&fixed=x&backward=clear&step=17"
    desk.get_by_role("button", name="a less").click()
    desk.get_by_role("button", name="a more").click()
    assert field.input_value() == "2.1"


def test_a_value_that_is_none_is_marked(desk):
    """What is no number is marked at its input; a button leads back to the example."""
    visit(desk, "preset=twice&backward=clear")
    field = desk.get_by_label("Value of a")
    field.fill("2..1")
    assert field.get_attribute("aria-invalid") == "true"
    assert "for: a." in desk.locator(".gp-bad").text_content()
    desk.get_by_role("button", name="Back to the example").click()
    assert state(desk) == "#preset=twice"
    assert verdict(desk).startswith("result = 6.05.")


def test_a_node_tells_its_derivative(desk):
    """A click on a node of the figure, or a choice in the list, shows its local derivative."""
    visit(desk, "preset=twice")
    desk.locator(".gp-figure svg text", has_text="PowBackward0").first.click()
    about = desk.locator(".gp-about")
    assert "with respect to add(sub, b): 2 · add^(2 − 1) = 11" in about.text_content()
    assert "PowBackward0 keeps add" in about.text_content()
    desk.locator("#gp-node").select_option(label="x")
    assert "requires no gradient" in about.text_content()
    visit(desk, "preset=twice&program=c = 2**a&values=a:3")
    assert "the result" not in about.text_content()
    assert "with respect to a: c · ln 2 = 5.545" in about.text_content()


def test_gradients_of_two_passes_are_told_apart(desk):
    """What the figure adds up is said to come from both passes; one pass has one number."""
    about = desk.locator(".gp-about")
    visit(desk, "preset=keep")
    assert "arrives at SqrtBackward0 in the second pass: 1; in both passes" in about.text_content()
    assert about.text_content().endswith("together: 2")
    assert "grad is what has arrived in both passes together" in verdict(desk)
    visit(desk, "preset=keep&backward=clear")
    desk.locator("#gp-node").select_option(label="a")
    assert "in the second pass: 0.8944; in both passes together: 1.789" in about.text_content()
    visit(desk, "preset=again")
    assert "in both passes together: 2" in about.text_content()
    assert "grad is what has arrived in both passes together" in verdict(desk)
    visit(desk, "preset=keep&backward=once")
    assert about.text_content().endswith("The gradient that arrives at SqrtBackward0: 1")
    assert "both passes" not in verdict(desk)


VALUES = [
    ("\u22122", ""),
    ("1, \u22122.5e\u22121, 3", ""),
    ("2..1", "Expected a number such as 2"),
    ("1e400", "is at most 1.8e308"),
    ("-1e4000, 2", "is at most 1.8e308"),
    (", ".join("1" * 201), "at most 200 numbers"),
    ("[[[[1]]]]", "at most 200 numbers, 3 dimensions"),
    ("0" * 4001, "4000 characters"),
]


@pytest.mark.parametrize(("text", "said"), VALUES)
def test_a_value_is_read_or_its_limit_is_told(text, said, desk):
    """The minus that the page prints is one; too many numbers, or too large ones, are told so."""
    visit(desk, "program=c = sum(x)&values=x:1")
    desk.get_by_label("Value of x").fill(text)
    told = desk.locator(".gp-bad").text_content()
    assert said in told
    assert (told == "") == (said == "")
    assert verdict(desk).startswith("c = ") == (said == "")


def test_the_minus_that_is_printed_can_be_nudged_and_sent(desk):
    """The buttons count from a value with a minus sign, and the address has a hyphen for it."""
    visit(desk, "program=c = 2*x&values=x:1")
    field = desk.get_by_label("Value of x")
    field.fill("\u22122")
    assert "values=x:-2" in state(desk)
    desk.get_by_role("button", name="x more").click()
    assert field.input_value() == "-1.9"


def test_no_figure_is_named_where_there_is_none(desk):
    """After a program that draws nothing, an error speaks of no figure."""
    visit(desk, "program=c = x&values=x:2")
    desk.locator("#gp-program").fill("c = (")
    assert "figure" not in verdict(desk)
    visit(desk, "preset=sum")
    desk.locator("#gp-program").fill("c = (")
    assert "the figure is that of the last program" in verdict(desk)


def test_a_large_graph_waits_for_a_pause_in_typing(desk):
    """It is shown once the reader stops; a small one follows each letter."""
    visit(desk, "program=" + quote("c = " + "+".join(["x"] * 40)) + "&values=x:1")
    found = desk.evaluate("""async () => {
      const field = document.querySelector('#gp-program')
      const told = document.querySelector('.lp-verdict')
      const type = (text) => {
        field.value = text
        field.dispatchEvent(new Event('input'))
        return told.textContent.split('.')[0]
      }
      const seen = [type('c = 2*x'), type('c = 3*x')]
      await new Promise((resolve) => setTimeout(resolve, 400))
      return [...seen, told.textContent.split('.')[0], type('c = 4*x')]
    }""")
    assert found == ["c = 40", "c = 40", "c = 3", "c = 4"]


SAID = [
    ("program=c = x&values=x:2", "no operation and therefore no graph"),
    ("program=x*y&values=x:1,2;y:3,4", "The result has 2 numbers"),
    ("fixed=x,y,z", "backward() has nowhere to go"),
    ("program=sum(x %2B y)&backward=twice", "runs without retain_graph"),
    ("preset=nan", "not finite"),
    ("program=" + quote("+".join(["x"] * 80)) + "&values=x:1", "up to 60 are drawn"),
    ("program=" + quote("+".join(["x"] * 80)) + "&values=x:1,2", "up to 60 are drawn"),
    ("program=" + quote("*".join(f"x{i}" for i in range(20))), "x5.grad = 4.055e17 and 14 more"),
    ("program=" + quote("+".join(["x"] * 5000)) + "&values=x:2", "result = 10000"),
]


@pytest.mark.parametrize(("fragment", "said"), SAID)
def test_every_program_ends_in_a_sentence(fragment, said, desk):
    """No graph, no gradient, no number to begin at, too many nodes: each has its sentence."""
    visit(desk, fragment)
    assert said in verdict(desk)
    assert desk.locator(".lp-problem").text_content() == ""


HOSTILE = {
    "markup": "values=" + quote("x:<img src=x onerror=alert(1)>"),
    "markup in a key": quote("<img src=x onerror=alert(1)>") + "=1",
    "infinite": "values=x:1e999",
    "ragged": "values=x:[[1,2],[3]]",
    "prototype": "preset=__proto__&__proto__=1&constructor=2",
    "percent": "%E0%A4%A&step=%",
    "no such pass": "backward=thrice",
    "step": "step=-1",
    "names": "fixed=" + quote("x,<b>"),
}


@pytest.mark.parametrize("fragment", HOSTILE.values(), ids=HOSTILE)
def test_mangled_address_gives_a_sentence(fragment, desk):
    """Nothing of an address becomes markup; what makes no sense is named and left out."""
    visit(desk, fragment)
    assert desk.locator(".lp-problem").text_content()
    assert verdict(desk).startswith("c = −9.5.")
    assert desk.locator("img[src=x], .lp-problem *, .lp-verdict *").count() == 0


def test_hostile_programs_are_only_text(desk):
    """Markup, an endless program and a deep one are errors; JavaScript's names are only names."""
    visit(desk, "program=" + quote("<img src=x onerror=alert(1)>"))
    assert desk.locator("img[src=x]").count() == 0
    assert "“<” is not part" in desk.locator(".gp-error").text_content()
    desk.locator("#gp-program").fill("c = " + "(" * 5000)
    assert "levels within each other" in desk.locator(".gp-error").text_content()
    desk.locator("#gp-program").fill("constructor = toString * valueOf")
    assert verdict(desk).startswith("constructor = ")
    long = "linefitPlay.graph.parse('program=' + 'x+'.repeat(5e6), {sum: 'program=x&values=x:1'})"
    assert desk.evaluate(f"{long}.problems") == ["*"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_states_are_accessible_and_narrow(scheme, site):
    """An error and a wide graph break no rule of axe, and fit 360 px."""
    options = {"viewport": {"width": 360, "height": 740}, "color_scheme": scheme}
    page = site("#preset=neuron&values=w:x", reduced_motion="reduce", **options)
    for program in ("h = sum(w*x) + b\np = tanh(h)\nloss = (p - t)**2", "c = sum(x"):
        page.locator("#gp-program").fill(program)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        assert violations(page) == []


def test_values_are_changed_by_touch(site):
    """At 360 px a tap on a button changes the last number of a list, which comes into view."""
    page = site("#preset=sum", viewport={"width": 360, "height": 740}, has_touch=True)
    for _ in range(3):
        page.get_by_role("button", name="y more").tap()
    field = page.get_by_label("Value of y")
    assert field.input_value() == "0.5, 4, -1.2"
    seen = field.evaluate("each => each.scrollLeft + each.clientWidth - each.scrollWidth")
    assert seen >= -1
    assert "x.grad = [0.5, 4, −1.2]" in verdict(page)
    button = page.get_by_role("button", name="z less").bounding_box()
    assert min(button["width"], button["height"]) >= 24
    font = "each => getComputedStyle(each).fontFamily"
    assert field.evaluate(font) == page.locator("#gp-program").evaluate(font)


@pytest.mark.parametrize("width", [1280, 360])
def test_long_programs_scroll_in_their_boxes(width, site):
    """Many inputs, a long line, many numbers: the page is not wider than the screen."""
    page = site(viewport={"width": width, "height": 800})
    for fragment in (
        "program=" + quote("*".join(f"x{i}" for i in range(29))),
        "program=" + "sin(" * 150 + "x" + ")" * 150,
        "program=sum(x*y)&values=y:2;x:" + ",".join(["1.5"] * 200),
    ):
        visit(page, fragment)
        inner = "e => e.scrollWidth - e.clientWidth"
        assert page.locator(".lp-code pre").evaluate(inner) > 0
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_paper_has_no_examples_to_choose(site):
    """In print the list of examples is left out; what the chosen one came to is there."""
    page = site("#preset=twice")
    page.emulate_media(media="print")
    assert not page.locator(".gp-presets").is_visible()
    assert page.locator(".gp-figure svg.lfg").is_visible()


def test_without_script_the_examples_are_there(site, html):
    """Figures, steps and sentences of all examples show without JavaScript."""
    page = site(java_script_enabled=False)
    assert not page.locator(".gp-app").is_visible()
    names = [name for name, *_ in examples(html)]
    assert page.locator(".gp-built svg.lfg").count() == len(names)
    assert page.locator(".gp-built svg.lfg").first.is_visible()
    for name in names:
        assert page.locator(f"[id='preset={name}']").is_visible()


def test_strict_policy_stops_nothing_of_ours(browser, html):
    """Under a policy without inline script and style, and without eval, the page works."""
    context = browser.new_context()
    page = context.new_page()
    broken = []
    page.on("console", lambda message: broken.append(message.location["url"]))
    kinds = {".css": "text/css", ".js": "text/javascript", ".html": "text/html"}

    def answer(route):
        path = html / urlsplit(route.request.url).path.lstrip("/")
        kind = kinds.get(path.suffix, "application/octet-stream")
        headers = {"Content-Security-Policy": POLICY}
        route.fulfill(body=path.read_bytes(), content_type=kind, headers=headers)

    page.route("**/*", answer)
    page.goto("http://site.test/play/graph.html#preset=keep")
    page.locator(".gp-figure .lfg-words b").wait_for()
    page.locator("[data-go=copy]").click()
    page.locator("#gp-program").fill("c = a*3")
    assert verdict(page).startswith("c = 6.")
    assert [url for url in broken if "/_static/play/" in url] == []
    source = BeautifulSoup((html / "play/graph.html").read_text("utf-8"), "html.parser")
    assert source.select(".gp-app [style], .gp-app script:not([src]), .gp-app [onclick]") == []
    context.close()


def test_page_is_light(html):
    """The page with all of its own scripts and styles is far below 200 kB compressed."""
    own = [html / "play/graph.html", *(STATIC / f"{name}.js" for name in (*SCRIPTS, "graph-page"))]
    own += [STATIC / "play.css", html / "_static/player.js", html / "_static/player.css"]
    assert sum(len(gzip.compress(path.read_bytes())) for path in own) < 80_000
