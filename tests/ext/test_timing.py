"""What the log tells about the time that code takes."""

import json
import os
from types import SimpleNamespace

import pytest

import timing


@pytest.fixture
def app(tmp_path, monkeypatch):
    """Return a site with two pages and two scripts, of which one each ran in this build."""
    pages = {"new": {"mtime": 100, "runtime": 2.5}, "old": {"mtime": 50, "runtime": 4.0}}
    known = SimpleNamespace(get_exec_data=lambda env, page: pages.get(page))
    monkeypatch.setattr(timing, "NbMetadataCollector", known)
    for name, moment in (("new", 100), ("old", 50)):
        path = tmp_path / "auto_gallery" / "line" / f"plot_1_{name}.cost.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"time": 1.5, "memory": 0}), encoding="utf-8")
        os.utime(path, (moment, moment))
    env = SimpleNamespace(found_docs={"new", "old", "plain"})
    config = SimpleNamespace(values={})
    return SimpleNamespace(srcdir=tmp_path, env=env, config=config)


def test_only_what_ran_in_this_build_counts(app):
    """What came from a cache took its time in an earlier build."""
    assert timing.executed(app, 90) == {"new": 2.5, "auto_gallery/line/plot_1_new": 1.5}
    assert timing.executed(app, 200) == {}


def test_exercises_count_together(app):
    """Those that were executed are one entry; without any there is none."""
    for seconds, found in ((3.0, {timing.EXERCISES: 3.0}), (0.0, {})):
        app.config.values["exercise_runner"] = True
        app.config.exercise_runner = SimpleNamespace(seconds=seconds)
        assert timing.executed(app, 200) == found


def test_table_has_the_slowest_first_and_the_ratio_last():
    """One reads off what to make faster, and how much the build adds to its code."""
    assert timing.table({"a": 1.0, "b": 3.0}, 5.0) == [
        "    3.0 s  b",
        "    1.0 s  a",
        "    4.0 s  of code; the build took 1.25 times that,",
        "    5.0 s  in all",
    ]
    assert timing.table({}, 2.0) == ["    2.0 s  in all"]
