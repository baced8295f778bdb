"""Several real processes fit one line together, and none waits for ever."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import linefit as lf

WORKER = Path(__file__).with_name("worker.py")
TIMEOUT = 3.0


def together(folder, task, world=3):
    """Run ``task`` in ``world`` processes and return exit codes and what they printed."""
    processes = [
        subprocess.Popen(
            [sys.executable, WORKER, folder / "meeting", str(r), str(world), str(TIMEOUT), task],
            env=os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for r in range(world)
    ]
    others = [p for p in processes if task != "late" or p is not processes[1]]
    try:
        outputs = [process.communicate(timeout=120) for process in others]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    return [process.returncode for process in processes], outputs


@pytest.mark.slow
@pytest.mark.parametrize("world", [1, 3])
def test_processes_agree_with_one(tmp_path, world):
    """Moments reduced over processes give the line of all points, the same bits everywhere."""
    codes, outputs = together(tmp_path, "moments", world)
    assert codes == [0] * world, outputs
    assert len({out for out, _ in outputs}) == 1
    slope, intercept = map(float.fromhex, outputs[0][0].split())
    line = lf.total_least_squares(*lf.noisy_line(1001)[:2])
    assert slope == pytest.approx(line.slope.item(), rel=1e-14)
    assert intercept == pytest.approx(line.intercept.item(), rel=1e-12)


@pytest.mark.slow
def test_gradients_reduced_over_processes_descend_alike(tmp_path):
    """A data-parallel descent takes the steps of one process with all points."""
    codes, outputs = together(tmp_path, "descent")
    assert codes == [0, 0, 0], outputs
    slope, intercept = map(float.fromhex, outputs[0][0].split())
    x, y, _ = lf.noisy_line(1001)
    run = lf.descend(x, y, lr=1e-5, steps=101)
    assert slope == pytest.approx(run.last.slope.item(), rel=1e-12)
    assert intercept == pytest.approx(run.last.intercept.item(), rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["killed", "late"])
def test_a_lost_process_ends_the_others(tmp_path, task):
    """When one is killed, or never comes, the others raise within the time-out, and say so."""
    codes, outputs = together(tmp_path, task)
    assert codes[0] == codes[2] == 3
    for out, _ in (outputs[0], outputs[-1]):
        seconds, message = out.split(maxsplit=1)
        assert float(seconds) < 4 * TIMEOUT
        assert "did not answer in time" in message
