"""One process of several that fit a line together; started by ``test_distributed.py``."""

import os
import signal
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


def fit(meeting, rank, world, *, timeout, task, report):
    """Meet the others at a file, fit the line of all shares, and report it.

    What goes to ``report`` is the line of each way to fit, or the error that ended it and how many
    seconds it took to come.
    """
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    wait = timedelta(seconds=timeout)
    dist.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=rank, world_size=world, timeout=wait
    )
    x, y, _ = lf.noisy_line(1001)
    share = slice(rank, None, world)
    dist.barrier()
    if task == "killed" and rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "late" and rank == 1:
        time.sleep(10 * timeout)
    start = time.monotonic()
    try:
        report.send({work.__name__: work(x[share], y[share]) for work in (moments, descent)})
    except RuntimeError as error:
        report.send((time.monotonic() - start, str(error)))
        os._exit(3)  # leave at once: an orderly farewell would wait for the lost process
    dist.destroy_process_group()
