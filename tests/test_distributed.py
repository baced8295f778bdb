"""Several real processes fit one line together, and none waits for ever."""

from importlib.util import find_spec
from typing import NamedTuple

import pytest

import linefit as lf
import worker
from forked import CONTEXT, LIBRARIES, tell_imported

PATIENCE = 3.0  # seconds that a process waits for one that is lost
LOST = 1  # the process that is killed or late


class Outcome(NamedTuple):
    """Exit codes and reports of processes, None from the lost one."""

    codes: list
    reports: list


class Together:
    """Processes that fit a line together, or try to."""

    def __init__(self, meeting, task, world, *, timeout):
        self.lost = set() if task == "fit" else {LOST}
        self.ends = [CONTEXT.Pipe(duplex=False) for _ in range(world)]
        self.processes = [
            CONTEXT.Process(
                target=worker.fit,
                args=(meeting, rank, world),
                kwargs={"timeout": timeout, "task": task, "report": report},
            )
            for rank, (_, report) in enumerate(self.ends)
        ]

    def outcome(self):
        """Wait for all but the lost process, which is ended."""
        reports = []
        for rank, (process, (end, _)) in enumerate(zip(self.processes, self.ends, strict=True)):
            is_lost = rank in self.lost
            process.join(0 if is_lost else 60)
            reports.append(None if is_lost else end.recv())
        return Outcome([process.exitcode for process in self.processes], reports)

    def end(self):
        """Leave no process behind."""
        for process in self.processes:
            process.kill()
            process.join()


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Let one process fit alone, three together, and twice three of which one is lost, at once."""
    folder = tmp_path_factory.mktemp("meetings")
    groups = {
        "alone": Together(folder / "alone", "fit", 1, timeout=60),
        "together": Together(folder / "together", "fit", 3, timeout=60),
        "killed": Together(folder / "killed", "killed", 3, timeout=PATIENCE),
        "late": Together(folder / "late", "late", 3, timeout=PATIENCE),
    }
    try:
        for group in groups.values():
            for process in group.processes:
                process.start()
        return {name: group.outcome() for name, group in groups.items()}
    finally:
        for group in groups.values():
            group.end()


@pytest.mark.slow
@pytest.mark.parametrize("group", ["alone", "together"])
def test_processes_agree_with_one(outcomes, group):
    """Reduced moments give the line of all points, reduced gradients the descent of one process."""
    codes, reports = outcomes[group]
    assert set(codes) == {0}
    assert all(report == reports[0] for report in reports), "not the same bits everywhere"
    x, y, _ = lf.noisy_line(1001)
    line = lf.total_least_squares(x, y)
    slope, intercept = reports[0]["moments"]
    assert slope == pytest.approx(line.slope.item(), rel=1e-14)
    assert intercept == pytest.approx(line.intercept.item(), rel=1e-12)
    run = lf.descend(x, y, lr=1e-5, steps=101)
    slope, intercept = reports[0]["descent"]
    assert slope == pytest.approx(run.last.slope.item(), rel=1e-12)
    assert intercept == pytest.approx(run.last.intercept.item(), rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("group", ["killed", "late"])
def test_a_lost_process_ends_the_others(outcomes, group):
    """When one is killed, or never comes, the others raise within the time-out, and say so."""
    codes, reports = outcomes[group]
    assert codes[0] == codes[2] == 3
    for seconds, message in (reports[0], reports[2]):
        assert seconds < 4 * PATIENCE
        assert "did not answer in time" in message


def test_processes_begin_with_the_libraries_and_without_linefit():
    """No process imports torch again, and a reader's script finds the linefit it asks for."""
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=tell_imported, args=(sender,))
    process.start()
    imported = receiver.recv()
    process.join()
    assert "linefit" not in imported
    if CONTEXT.get_start_method() == "forkserver":
        assert imported >= {name for name in LIBRARIES if find_spec(name.partition(".")[0])}
