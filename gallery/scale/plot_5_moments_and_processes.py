r"""
Moments and many processes
==========================

**Question.** The points are in a file that you would rather not load, or spread over several
machines.
Can you fit one line through all of them?

**Answer.** Yes: five numbers and a count sum up each piece, and merging them gives the line of all
points, the same to 1e-14 however they were divided.
"""

# %%
# Five numbers and a count
# ------------------------
#
# The loss depends on the points only through their count, their means and their centered sums of
# squares and products.
# :class:`linefit.Moments` holds them, and ``+`` merges two sets.

import torch

from linefit import Moments, noisy_line, total_least_squares

x, y, _ = noisy_line(1_000_000)
whole = total_least_squares(x, y)
left, right = Moments.of(x[:300_000], y[:300_000]), Moments.of(x[300_000:], y[300_000:])
merged = (left + right).line()
print(f"in one piece:  {whole.slope:.15f}")
print(f"in two pieces: {merged.slope:.15f}")
assert abs(merged.slope / whole.slope - 1) < 1e-14

# %%
# The order does not matter
# -------------------------
#
# Cut the points into pieces and merge them in random orders, ten for each number of pieces.
# In the formula of Chan, Golub and LeVeque, what is added to Sxx and Syy is positive, so nothing
# cancels, and no digits are lost.

from functools import reduce
from operator import add

generator = torch.Generator().manual_seed(0)
error = {}
for count in (10, 100, 1000):
    cuts = zip(x.chunk(count), y.chunk(count), strict=True)
    pieces = [Moments.of(*cut) for cut in cuts]
    orders = [torch.randperm(count, generator=generator) for _ in range(10)]
    merged = [reduce(add, [pieces[i] for i in order]).line().slope for order in orders]
    error[count] = (torch.stack(merged) / whole.slope - 1).abs()
    print(f"{count:4} pieces: at most {error[count].max():.0e} from the slope of all at once")
assert max(e.max() for e in error.values()) < 1e-14

# %%
# Each dot is one order; the dotted line is what rounding alone does to a single number.

import matplotlib.pyplot as plt

# Alt: Relative error of the slope for ten orders each of ten, a hundred and a thousand pieces: all
#      dots are well below one in ten to the fourteenth, at most some times the level of rounding.
fig, ax = plt.subplots(layout="constrained")
for count, e in error.items():
    ax.semilogx([count] * len(e), e, "o", alpha=0.5)
ax.axhline(torch.finfo(torch.float64).eps, color="0.5", linestyle=":")
ax.set(xlabel="number of pieces", ylabel="relative error of the slope", title="Merged at random")
plt.show()

# %%
# A file, read in pieces
# ----------------------
#
# A file of half a million points, 8 MB, stands for one of any size.
# A memory map looks like an array but reads only the parts that are used, and ``Moments.of`` uses
# one block at a time; for other sources, ``Moments.of_chunks`` takes any iterable of pieces.

import tempfile
from pathlib import Path

import numpy as np

folder = tempfile.TemporaryDirectory()
file = Path(folder.name, "points.npy")
shape = (2, 500_000)
written = np.lib.format.open_memmap(file, mode="w+", dtype=np.float64, shape=shape)
for part in range(5):
    here = slice(part * 100_000, (part + 1) * 100_000)
    written[:, here] = torch.stack(noisy_line(100_000, seed=part)[:2])
del written
file_x, file_y = np.load(file, mmap_mode="r")
moments = Moments.of(file_x, file_y)
cuts = range(0, shape[1], 7919)
chunks = Moments.of_chunks((file_x[i : i + 7919], file_y[i : i + 7919]) for i in cuts)
print(f"{moments.n} points: {moments.line()}")
assert abs(moments.line().slope / chunks.line().slope - 1) < 1e-14

# %%
# Several processes
# -----------------
#
# Each worker runs this program.
# It takes its share of the file, and ``all_reduce`` gives the merged moments of all shares to every
# worker.
# Then it descends with gradients that are summed over the workers: data-parallel training.

program = """
import json, os, sys
from datetime import timedelta
from pathlib import Path

import numpy as np, torch, torch.distributed as dist
from linefit import Moments, perpendicular_loss

rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
nccl = torch.cuda.device_count() >= world
device = torch.device("cuda", rank) if nccl else torch.device("cpu")
dist.init_process_group(
    "nccl" if nccl else "gloo", init_method=os.environ.get("MEETING", "env://"),
    rank=rank, world_size=world, timeout=timedelta(seconds=30),
)
data = np.load(sys.argv[1], mmap_mode="r")
share = slice(data.shape[1] * rank // world, data.shape[1] * (rank + 1) // world)
x, y = (torch.tensor(column[share], device=device) for column in data)
"""

# %%
# The merged moments also tell how to center and scale, so that the descent needs few steps.
# A step sends two numbers, whatever the number of points.

program += """
if sys.argv[2:] == ["lost"] and rank == 1:
    print("ready", flush=True)
    sys.stdin.read()  # and never comes back
m = Moments.of(x, y).all_reduce()
scale = (m.sxx / m.n).sqrt()
x, y = (x - m.mean_x) / scale, (y - m.mean_y) / scale
p = torch.tensor([2.0, 0.0], dtype=torch.float64, device=device, requires_grad=True)
for step in range(80):
    loss = perpendicular_loss(p[0], p[1], x, y) * len(x) / m.n
    (gradient,) = torch.autograd.grad(loss, p)
    dist.all_reduce(gradient)  # the sum over all workers
    with torch.no_grad():
        p -= 5 * gradient
result = dist.get_backend(), m.line().slope.item().hex(), p[0].item().hex()
Path(sys.argv[1]).with_name(f"rank{rank}.json").write_text(json.dumps(result))
dist.destroy_process_group()
"""

# %%
# ``torchrun``, which is ``python -m torch.distributed.run``, starts two of them and tells each its
# rank.
# Workers with a GPU each talk over NCCL, others over gloo.

import json
import os
import subprocess
import sys

worker = Path(folder.name, "worker.py")
worker.write_text(program, encoding="utf-8")
launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
subprocess.run([*launch, worker, file], env=one_thread, capture_output=True, check=True)
ranks = [json.loads(Path(folder.name, f"rank{rank}.json").read_text()) for rank in range(2)]
(backend, slope, descended), other = ranks
print(f"2 workers over {backend}, the same bits on both: {ranks[0] == other}")
assert ranks[0] == other

# %%
# All of them find the line that a single process finds.

alone = moments.line().slope.item()
slope, descended = float.fromhex(slope), float.fromhex(descended)
print(f"one process:              {alone:.15f}")
print(f"moments, all-reduced:     {slope:.15f}")
print(f"gradients, all-reduced:   {descended:.15f}")
assert abs(slope / alone - 1) < 1e-14
assert abs(descended / alone - 1) < 1e-12

# %%
# When a worker dies
# ------------------
#
# Start the two again, by hand, and kill one while the other waits for its moments.
# The other must not wait forever: it ends with an error that says why, at once where the
# connection breaks, and at the latest when the group's time-out is over.

both = []
for rank in range(2):
    meeting = {"MEETING": (file.parent / "meeting").as_uri(), "RANK": str(rank), "WORLD_SIZE": "2"}
    command = [sys.executable, worker, file, "lost"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    both.append(subprocess.Popen(command, env=one_thread | meeting, text=True, **pipes))
assert both[1].stdout.readline() == "ready\n"
both[1].kill()
both[1].communicate()
message = both[0].communicate(timeout=60)[1].strip().splitlines()

# %%
# This is how the survivor's error begins; the rest is what the transport says, with addresses.

error = next(line for line in reversed(message) if "RuntimeError: " in line)
print(error.split("RuntimeError: ")[1].split(": ")[0])
print(f"exit codes: {both[0].returncode} for the survivor, {both[1].returncode} for the other")
assert "lost or did not answer in time" in error
assert both[0].returncode == 1
folder.cleanup()

# %%
# What to notice
# --------------
#
# * Moments are a summary that loses nothing that a straight line needs.
# * Workers send each other eight numbers once, or two numbers a step, but not the points.
# * All ranks merge in the same order, so all have the same bits, and none has to be told the
#   answer.
# * A lost worker is an error within the time-out, not a program that hangs.
#
# Read on in :doc:`/learn/scale`, which also counts what a thousand workers would gain, or see
# :class:`linefit.Moments` and :func:`linefit.perpendicular_loss`.
