"""Compare two builds of the site, byte by byte: ``python tests/site/reproducible.py FIRST SECOND``.

What was measured differs from build to build; the pages that show it stand in a list.
"""

import re
import sys
from pathlib import Path

MEASURED = {
    "auto_gallery/gpu/plot_1_fit_on_gpu": "times of CPU and GPU",
    "auto_gallery/gpu/plot_2_crossover": "the bandwidth of this machine",
    "auto_gallery/gpu/plot_3_cuda_graphs": "times with and without a CUDA graph",
    "auto_gallery/scale/plot_4_ten_thousand_lines": "times of ten thousand fits",
    "auto_gallery/scale/plot_5_moments_and_processes": "times of reading a file in pieces",
    "learn/autograd-deeper": "memory and time of what a backward pass keeps",
    "learn/cost": "what a graph costs",
    "learn/dynamic-graphs": "what recording adds to an expression",
    "learn/five-systems": "times of compiling",
    "learn/scale": "times of many and of large fits",
}
FORMS = ("{}.html", "{}.md", "_downloads/notebooks/{}.ipynb")  # whose sentences hold numbers, too
# Made of all pages: these differ if any page does.
OF_ALL = {"searchtext.js", "_images/thumbnails.webp"} | {
    f"_downloads/linefit-{archive}.zip" for archive in ("notebooks", "site")
}
IMAGE = re.compile(rb'_images/([^"\s?#]+)')


def contents(site: Path) -> dict[str, bytes]:
    """Return each file of a site by its name."""
    files = (path for path in site.rglob("*") if path.is_file())
    return {path.relative_to(site).as_posix(): path.read_bytes() for path in files}


def differing(first: dict[str, bytes], second: dict[str, bytes]) -> set[str]:
    """Return the names of the files that are not the same in both sites."""
    return {name for name in first.keys() | second if first.get(name) != second.get(name)}


def excused(*sites: dict[str, bytes]) -> set[str]:
    """Return the files that may differ: pages with measurements, and the images of them alone."""
    found = {form.format(page) for page in MEASURED for form in FORMS}
    shown: dict[bool, set[str]] = {True: set(), False: set()}
    for site in sites:
        for name, content in site.items():
            if name.endswith(".html"):
                images = {match[1].decode() for match in IMAGE.finditer(content)}
                shown[name in found] |= images
    return found | OF_ALL | {f"_images/{image}" for image in shown[True] - shown[False]}


def main(first: str, second: str) -> None:
    """Print what differs, and end with an error if something does that may not."""
    sites = [contents(Path(site)) for site in (first, second)]
    found, allowed = differing(*sites), excused(*sites)
    for name in sorted(found):
        sys.stdout.write(f"{'measured ' if name in allowed else 'DIFFERENT'}  {name}\n")
    sys.stdout.write(f"{len(sites[0])} files, {len(found)} differ\n")
    if wrong := sorted(found - allowed):
        sys.exit(f"The same sources gave different bytes in {', '.join(wrong)}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
