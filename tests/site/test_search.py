"""The search: right pages first, offline, for a keyboard, for those who hear it, and small."""

import gzip
import json
import re

import pytest

from chromium import until
from sources import NAMES

# Messages as readers paste them, with a prefix, a suffix or names of their own, and what they find.
MESSAGES = {
    "Trying to backward through the graph a second time": "errors#error-backward-twice",
    (
        "RuntimeError: Trying to backward through the graph a second time (or directly access "
        "saved tensors after they have already been freed). Saved intermediate values of the "
        "graph are freed when you call .backward() or autograd.grad(). Specify "
        "retain_graph=True if you need to backward through the graph a second time or if you "
        "need to access saved tensors after calling backward."
    ): "errors#error-backward-twice",
    (
        "a leaf Variable that requires grad is being used in an in-place operation"
    ): "errors#error-inplace-leaf",
    (
        "element 0 of tensors does not require grad and does not have a grad_fn"
    ): "errors#error-no-grad-fn",
    (
        "one of the variables needed for gradient computation has been modified by an inplace "
        "operation: [torch.FloatTensor [3]], which is output 0 of ExpBackward0, is at version "
        "1; expected version 0 instead. Hint: enable anomaly detection"
    ): "errors#error-inplace-saved",
    "grad can be implicitly created only for scalar outputs": "errors#error-non-scalar",
    (
        "Function MulBackward0 returned an invalid gradient at index 0 - got [3] but expected "
        "shape compatible with [1]"
    ): "errors#error-gradient-shape",
    "unsupported operand type(s) for *: 'float' and 'NoneType'": "errors#error-none-type",
    "AttributeError: 'NoneType' object has no attribute 'zero_'": "errors#error-none-type",
    "can't optimize a non-leaf Tensor": "errors#error-non-leaf-optimizer",
    "ValueError: optimizer got an empty parameter list": "errors#error-empty-parameters",
    (
        "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
    ): "errors#error-numpy",
    (
        "UserWarning: The .grad attribute of a Tensor that is not a leaf Tensor is being accessed"
    ): "errors#error-non-leaf-grad",
    (
        "Only Tensors of floating point and complex dtype can require gradients"
    ): "errors#error-integer",
    "RuntimeError: Inference tensors cannot be saved for backward": "errors#error-inference",
    "Function 'SqrtBackward0' returned nan values in its 0th output": "errors#error-nan",
    "mat1 and mat2 must have the same dtype, but got Float and Double": "errors#error-dtype",
    "Found dtype Double but expected Float": "errors#error-dtype",
    "expected scalar type Double but found Float": "errors#error-dtype",
    (
        "One of the differentiated Tensors appears to not have been used in the graph"
    ): "errors#error-unused",
    (
        "RuntimeError: The size of tensor a (3) must match the size of tensor b (4) at "
        "non-singleton dimension 0"
    ): "errors#error-broadcast",
    (
        "UserWarning: Using a target size (torch.Size([4])) that is different to the input size "
        "(torch.Size([4, 1]))"
    ): "errors#error-broadcast",
    (
        "IndexError: invalid index of a 0-dim tensor. Use tensor.item() in Python or "
        "tensor.item<T>() in C++ to convert a 0-dim tensor to a number"
    ): "then-and-now#loss-data-0",
}
# What else readers type, and the pages that answer it.
WORDS = {
    "torch._dynamo data-dependent branching": "errors learn/static-graphs",
    "backward twice": "errors auto_gallery/autograd/plot_3_accumulation learn/dynamic-graphs",
    "in-place operation": "learn/autograd-deeper practice/in-place errors",
    "saved tensors": "learn/autograd-deeper",
    "linear regression": "learn/line-fit learn/which-line",
    "stale gradient": "auto_gallery/autograd/plot_3_accumulation learn/learning-rate errors",
    "orthogonal distance": "learn/line-fit learn/which-line",
    "total least squares": "learn/line-fit learn/which-line",
    "ordinary least squares": "learn/which-line",
    "gradient": "learn/graphs learn/autograd start",
    "learning rate too large": "learn/step-size",
    "learning rate": "learn/learning-rate learn/step-size",
    "learning rate decay": "auto_gallery/line/plot_3_rate_decay",
    "retain_graph": "learn/dynamic-graphs errors",
    "zero_grad": "learn/autograd auto_gallery/autograd/plot_3_accumulation learn/learning-rate",
    "detach": "learn/autograd learn/autograd-deeper practice/requires-grad",
    "no_grad vs eval": "learn/autograd-deeper",
    "model.eval()": "learn/autograd-deeper",
    "York regression": "auto_gallery/scale/plot_1_errors_per_point reference/weighted",
    "momentum": "learn/step-size learn/learning-rate",
    "checkpoint": "learn/autograd-deeper",
    "hook": "learn/autograd-deeper",
    "register_hook": "learn/autograd-deeper",
    "requires_grad": "learn/autograd auto_gallery/autograd/plot_1_requires_grad",
    "leaf tensor": "learn/autograd",
    "computational graph": "learn/graphs",
    "chain rule": "learn/graphs practice/chain-rule",
    "vector-Jacobian product": "learn/autograd",
    "Hessian": "learn/autograd-functions",
    "forward mode": "learn/autograd-functions",
    "own autograd function": "auto_gallery/autograd/plot_2_custom_function learn/autograd-deeper",
    "gradcheck": "auto_gallery/autograd/plot_2_custom_function learn/autograd-deeper",
    "torch.compile": "learn/static-graphs learn/five-systems learn/cost",
    "graph break": "learn/static-graphs errors",
    "dynamic vs static graph": "learn/dynamic-graphs learn/static-graphs",
    "tensorflow placeholder session": "then-and-now",
    "jax": "learn/five-systems",
    "outliers": "auto_gallery/scale/plot_3_outliers",
    "Huber loss": "auto_gallery/scale/plot_3_outliers reference/loss",
    "vertical line": "learn/which-line learn/line-fit bad-input",
    "gradient accumulation": "auto_gallery/autograd/plot_3_accumulation practice/accumulation",
    "memory leak training loop": "errors",
    "loss increases again": "learn/learning-rate auto_gallery/line/plot_1_posts_run",
    "nan gradient": "errors",
    "condition number": "learn/step-size auto_gallery/line/plot_4_scaling",
    "standard error of the slope": "auto_gallery/scale/plot_2_how_sure reference/fit",
    "GPU slower than CPU": "auto_gallery/gpu/plot_1_fit_on_gpu auto_gallery/gpu/plot_2_crossover",
    "cuda graphs": "auto_gallery/gpu/plot_3_cuda_graphs learn/cost",
    "fit_line": "reference/fit",
    "record a graph of my model": "auto_gallery/graphs/plot_4_your_own_model reference/graph",
    "Deming": "learn/which-line",
    "all_reduce": "learn/scale reference/moments auto_gallery/scale/plot_5_moments_and_processes",
    "grad is None": "learn/autograd-deeper errors",
    "backpropagation": "learn/graphs auto_gallery/graphs/plot_1_by_hand",
    "broadcasting bug": "errors practice/debugging",
    "how to cite": "about teach",
    "autodiff": "glossary learn/autograd",
    "adjoint": "glossary learn/autograd learn/autograd-functions",
    "torchviz": "auto_gallery/graphs/plot_4_your_own_model play/graph",
    "plot computational graph": "auto_gallery/graphs/plot_4_your_own_model play/graph",
    "draw computation graph": "auto_gallery/graphs/plot_4_your_own_model play/graph",
    "visualize graph": "auto_gallery/graphs/plot_4_your_own_model play/graph",
    "directed acyclic graph": "glossary learn/graphs",
    "topological sort": "glossary",
    "define and run": "learn/static-graphs",
    "robust regression": "auto_gallery/scale/plot_3_outliers",
    "robust fit": "auto_gallery/scale/plot_3_outliers",
    "custom loss function": "auto_gallery/scale/plot_3_outliers",
    "errors in variables": "auto_gallery/scale/plot_1_errors_per_point learn/which-line",
    "slope and intercept": "learn/line-fit",
    "PCA": "glossary",
    "standardize data": "auto_gallery/line/plot_4_scaling learn/step-size",
    "normalize data before training": "auto_gallery/line/plot_4_scaling learn/step-size",
    "feature scaling gradient descent": "auto_gallery/line/plot_4_scaling learn/step-size",
    "stochastic gradient descent": "learn/step-size",
    "mini-batch": "learn/step-size",
    "batch size": "glossary",
    "DDP": "learn/scale",
    "allreduce gradients": "learn/scale",
    "multi gpu": "learn/scale",
    "large dataset streaming": "learn/scale",
    "multithreading": "learn/autograd-deeper",
    "freeze weights": "learn/autograd",
    "freeze layer": "learn/autograd",
    "stop gradient": "learn/autograd",
    "y.backward(gradient)": "learn/autograd",
    "loss not decreasing": "learn/learning-rate errors",
    "loss explodes": "glossary",
    "weights not updating": "errors",
    "interactive demo": "play/index play/line play/graph",
    "worksheet": "teach practice/index",
    "homework": "teach practice/index",
    "solutions": "teach practice/index",
    "print exercises": "teach practice/index",
    "presentation": "teach",
    "teacher": "teach",
    "changelog": "changelog",
}
QUERIES = WORDS | {message: found.partition("#")[0] for message, found in MESSAGES.items()}
FIRST = 2  # the right page is among so many
LARGEST = 150_000  # bytes, compressed, that a search fetches beside the page itself
ASK = """words => {
  document.getElementById("search-words").value = words;
  document.getElementById("search-form").requestSubmit();
  return [...document.querySelectorAll("#search-results a")].map(a => a.getAttribute("href"));
}"""


def missed(query, links):
    """Return what came first instead, if no page that answers a query is among the first links."""
    found = [link.partition(".html")[0] for link in links[:FIRST]]
    return [] if set(QUERIES[query].split()) & set(found) else found or ["nothing"]


@pytest.fixture(scope="module")
def open_search(html, browser):
    """Return a function that opens the search page from the disk, where nothing can be fetched."""
    contexts = []

    def opened(query="", **options):
        context = browser.new_context(**options)
        contexts.append(context)
        view = context.new_page()
        view.errors = []
        view.on("pageerror", lambda error: view.errors.append(str(error)))
        view.goto(f"{(html / 'search.html').as_uri()}{query}")
        until(view, "window.MiniSearch && document.readyState === 'complete'")
        return view

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def search(open_search):
    """Return a function that searches and returns the links of the pages found."""
    view = open_search()
    return lambda words: view.evaluate(ASK, words)


def test_there_are_queries():
    """At least sixty are kept here, pasted messages among them, and each has a page to find."""
    assert len(QUERIES) >= 60
    assert len(MESSAGES) >= 15
    assert {page for pages in QUERIES.values() for page in pages.split()} <= set(NAMES)


@pytest.mark.parametrize("query", QUERIES)
def test_right_page_comes_first_or_second(query, search):
    """Each query finds a page that answers it among the first two."""
    assert missed(query, search(query)) == []


def test_messages_lead_to_their_exhibit(search):
    """A pasted message finds the section about it, not just the page."""
    links = {message: search(message)[0].replace(".html", "") for message in MESSAGES}
    assert links == MESSAGES
    assert "errors.html#error-backward-twice" in search("backward a second time")[0]


def test_changelog_stays_behind(search):
    """The changelog is found by its title, not by all that it names."""
    first = [link for query in QUERIES if query != "changelog" for link in search(query)[:FIRST]]
    assert [link for link in first if link.startswith("changelog.html")] == []


def test_beginnings_and_slips_are_found(search):
    """The last word may be unfinished, and a word with a slip still finds something."""
    assert search("accumul")
    assert any(link.startswith("learn/") for link in search("jakobian"))


def test_search_is_small(html):
    """All that a search fetches beside the page itself stays small."""
    files = [html / "searchtext.js", *(html / "_static" / "search").iterdir()]
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in files}
    assert sum(sizes.values()) <= LARGEST, sizes


def test_results_have_title_section_and_marked_words(open_search):
    """A result is a link with the page's title and section, and an excerpt with marked words."""
    view = open_search("?q=hooks+and+their+order")
    first = view.locator("#search-results li").first
    assert " › " in first.locator("a").inner_text()
    marked = {word.lower() for word in first.locator("mark").all_inner_texts()}
    assert marked & {"hook", "hooks", "order"}
    assert len(first.locator("p").inner_text()) <= 300
    assert view.errors == []


CHINESE = [
    ["graph", "计算图", 1, [["", "计算图", "", "计算图记录每一步运算。" * 30, ""]]],
    [
        "descent",
        "用autograd求梯度",
        1,
        [["rate", "学习率", "", "下面是图。" * 30 + "沿着梯度下降,学习率太大就会发散。", ""]],
    ],
    ["place", "度量与下降", 1, [["", "度量与下降", "", "阶梯的高度,温度下午才降。", ""]]],
]


def test_chinese_is_found_without_spaces(browser, html):
    """Characters count in their order; what lies beside Latin letters, or far in, is found too."""
    page = browser.new_page()
    text = f"var searchText = {json.dumps(CHINESE)};"
    page.route("**/searchtext.js*", lambda route: route.fulfill(body=text))
    page.goto((html / "search.html").as_uri())
    assert page.evaluate(ASK, "梯度下降")[0] == "descent.html#rate"
    assert page.evaluate(ASK, "梯度") == ["descent.html#rate"]
    assert page.evaluate(ASK, "autograd") == ["descent.html#rate"]
    assert page.evaluate(ASK, "图")[0] == "graph.html"
    page.evaluate(ASK, "梯度下降")
    first = page.locator("#search-results li p").first
    assert first.locator("mark").all_inner_texts() == ["梯度下降"]
    assert len(first.inner_text()) <= 230
    page.close()


def test_answers_of_exercises_are_not_given_away(html):
    """What a reader is to work out is neither found nor shown by the search."""
    text = (html / "searchtext.js").read_text(encoding="utf-8")
    assert "Two backward passes" in text
    assert "That is the gradient of the second loss" not in text
    assert "adds to .grad: 3 + 4" not in text


def test_search_works_with_the_keyboard_and_says_what_it_found(open_search):
    """Typing searches; arrows move through the results; a live region tells how many there are."""
    view = open_search()
    assert view.evaluate("document.activeElement.id") == "search-words"
    view.keyboard.type("momentum")
    view.wait_for_selector("#search-results a")
    assert re.fullmatch(r"\d+ pages found\.", view.locator("#search-status").inner_text())
    assert view.locator("#search-status").get_attribute("role") == "status"
    view.keyboard.press("ArrowDown")
    assert view.evaluate("document.activeElement.matches('#search-results li:first-child a')")
    view.keyboard.press("ArrowUp")
    assert view.evaluate("document.activeElement.id") == "search-words"
    assert view.url.endswith("?q=momentum")


def test_nothing_found_says_what_to_try(open_search):
    """Where nothing is found, the page says so and what a reader can try."""
    view = open_search("?q=qqqzzzxxx")
    assert view.locator("#search-status").inner_text() == "Nothing found for “qqqzzzxxx”."
    assert view.locator("#search-nothing").is_visible()
    view.evaluate(ASK, "momentum")
    assert not view.locator("#search-nothing").is_visible()


def test_search_box_of_each_page_leads_there(html, browser):
    """The box beside each page has a button, and it leads to the results."""
    view = browser.new_page()
    view.goto((html / "learn" / "graphs.html").as_uri())
    view.locator(".sidebar-search").fill("hook")
    view.locator(".sidebar-search-button").click()
    view.wait_for_selector("#search-results a")
    assert view.locator("#search-words").input_value() == "hook"
    view.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_search_fits_a_phone(open_search, scheme):
    """At 360 pixels nothing of the results is cut off."""
    view = open_search(
        "?q=retain_graph", viewport={"width": 360, "height": 740}, color_scheme=scheme
    )
    assert view.evaluate("document.documentElement.scrollWidth") <= 360
    assert view.locator("#search-results mark").first.is_visible()
