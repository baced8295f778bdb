"""One process of several that fit a line together; started by ``test_distributed.py``.

Arguments: a file to meet at, the own rank, the number of processes, the time-out in seconds and
what to do.  Prints the line, or the error that ended it, and how long the last call took.
"""

import os
import signal
import sys
import time
from datetime import timedelta

import torch
import torch.distributed as dist

import linefit as lf


def moments(x, y):
    """Reduce the moments of all shares, and read the line off them."""
    line = lf.Moments.of(x, y).all_reduce().line()
    return line.slope.item(), line.intercept.item()


def descent(x, y):
    """Descend with gradients summed over all shares: what data-parallel training does."""
    total = torch.tensor(float(len(x)), dtype=torch.float64)
    dist.all_reduce(total)
    a, b = (torch.zeros((), dtype=torch.float64, requires_grad=True) for _ in range(2))
    for _ in range(100):
        loss = lf.perpendicular_loss(a, b, x, y) * len(x) / total
        gradients = torch.stack(torch.autograd.grad(loss, (a, b)))
        dist.all_reduce(gradients)
        with torch.no_grad():
            a -= 1e-5 * gradients[0]
            b -= 1e-5 * gradients[1]
    return a.item(), b.item()


def main(meeting, rank, world, timeout, task):
    """Join the others, do the task on a share of the points, and report."""
    wait = timedelta(seconds=float(timeout))
    dist.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=int(rank), world_size=int(world), timeout=wait
    )
    x, y, _ = lf.noisy_line(1001)
    share = slice(int(rank), None, int(world))
    dist.barrier()
    if task == "killed" and rank == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "late" and rank == "1":
        time.sleep(10 * float(timeout))
    start, work = time.monotonic(), descent if task == "descent" else moments
    try:
        slope, intercept = work(x[share], y[share])
    except RuntimeError as error:
        sys.stdout.write(f"{time.monotonic() - start:.1f} {error}\n")
        sys.stdout.flush()
        os._exit(3)  # leave at once: an orderly farewell would wait for the lost process
    sys.stdout.write(f"{slope.hex()} {intercept.hex()}\n")
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
