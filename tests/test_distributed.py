"""Several real processes fit one line together, and none waits for ever."""

import multiprocessing

import pytest

import linefit as lf
import worker

TIMEOUT = 3.0
# A server that has imported torch once forks the processes, where the system can.
METHOD = {"forkserver", "spawn"} & set(multiprocessing.get_all_start_methods())
CONTEXT = multiprocessing.get_context(min(METHOD))
CONTEXT.set_forkserver_preload(["worker"])


def together(folder, task, world=3):
    """Fit in ``world`` processes; return exit codes and reports, ``None`` from a lost process."""
    ends = [CONTEXT.Pipe(duplex=False) for _ in range(world)]
    processes = [
        CONTEXT.Process(
            target=worker.fit,
            args=(folder / "meeting", r, world),
            kwargs={"timeout": TIMEOUT, "task": task, "report": ends[r][1]},
        )
        for r in range(world)
    ]
    lost = {1} if task in {"killed", "late"} else set()
    try:
        for process in processes:
            process.start()
        for rank, process in enumerate(processes):
            process.join(0 if rank in lost else 60)
        reports = [None if r in lost else ends[r][0].recv() for r in range(world)]
    finally:
        for process in processes:
            process.kill()
            process.join()
    return [process.exitcode for process in processes], reports


@pytest.mark.slow
@pytest.mark.parametrize("world", [1, 3])
def test_processes_agree_with_one(tmp_path, world):
    """Reduced moments give the line of all points, reduced gradients the descent of one process."""
    codes, reports = together(tmp_path, "fit", world)
    assert codes == [0] * world
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
@pytest.mark.parametrize("task", ["killed", "late"])
def test_a_lost_process_ends_the_others(tmp_path, task):
    """When one is killed, or never comes, the others raise within the time-out, and say so."""
    codes, reports = together(tmp_path, task)
    assert codes[0] == codes[2] == 3
    for seconds, message in (reports[0], reports[2]):
        assert seconds < 4 * TIMEOUT
        assert "did not answer in time" in message
