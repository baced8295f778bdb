r"""
How many points does it take for a GPU to pay off?
==================================================

**Question.** A step of the fit takes some time for any number of points, and then more for each
point.
Which part can a GPU shorten?

**Answer.** The second: left of the knee of the curve a step is the overhead of starting its
operations one by one, and the curves can only cross where the CPU's has begun to rise.
Where no GPU has run, the last section calculates from bandwidth and launch time how far that is.
"""

# %%
# Which devices ran this page
# ---------------------------
#
# The same lines run for each device in this list.
# On a machine without CUDA the page shows the CPU's curve, which tells you a lot, and no number for
# a GPU.

import os
import platform
import time
from datetime import UTC, datetime

import torch

devices = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
names = {"cpu": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}, 1 thread"}
names |= {device: torch.cuda.get_device_name() for device in devices[1:]}
built = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), tz=UTC)
print(f"PyTorch {torch.__version__}, {built:%Y-%m-%d}")
for device in ("cpu", "cuda"):
    print(f"{device:4} half: {names.get(device, 'did not run, no CUDA device here')}")

# %%
# What a step is made of
# ----------------------
#
# A step is a handful of small operations forward and some more backward, and each one is started
# separately, through PyTorch's dispatcher.
# The graph that the forward pass leaves behind has a node for each stop of the backward pass, and
# you can count them.

from linefit import noisy_line, perpendicular_loss

a, b = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (2.0, 0.0))
x, y, _ = noisy_line(100)
found, ahead = set(), [perpendicular_loss(a, b, x, y).grad_fn]
while ahead:
    node = ahead.pop()
    found.add(node)
    ahead += [parent for parent, _ in node.next_functions if parent and parent not in found]
print(f"{len(found)} nodes run in one backward pass, for any number of points")

# %%
# Time a step
# -----------
#
# ``torch.utils.benchmark`` repeats the step, on one thread, and synchronizes with the device before
# it stops the clock.
# No step looks at a number, so nothing else waits.
# We keep the fastest repetition: whatever else the machine does can only make a step slower.

from torch.utils.benchmark import Timer

step = "torch.autograd.grad(loss(a, b, x, y), (a, b))"
sizes = [10**k for k in range(2, 7)] + [3 * 10**k for k in range(2, 6)]
seconds = {}
for device in devices:
    for dtype in (torch.float32, torch.float64):
        for n in sorted(sizes):
            x, y = (t.to(device, dtype) for t in noisy_line(n)[:2])
            a, b = (torch.ones((), device=device, dtype=dtype, requires_grad=True) for _ in "ab")
            known = {"loss": perpendicular_loss, "a": a, "b": b, "x": x, "y": y}
            run = Timer(step, globals=known).blocked_autorange(min_run_time=0.03)
            seconds[device, dtype, n] = min(run.times)

# %%
# A flat part, and a part that grows
# ----------------------------------
#
# On the left a hundred points cost the same as a thousand: that is overhead.
# On the right ten times the points cost ten times as much or more: that is memory being read and
# written, so ``float64`` costs about twice as much as ``float32``.

import matplotlib.pyplot as plt

# Alt: Seconds for a step against the number of points, both logarithmic: each curve is flat up to
#      some thousand points and then rises, float64 above float32.
fig, ax = plt.subplots(layout="constrained")
styles = {("cpu", 4): "o-", ("cpu", 8): "s--", ("cuda", 4): "^-.", ("cuda", 8): "v:"}
for device in devices:
    for dtype in (torch.float32, torch.float64):
        label = f"{device}, {str(dtype).removeprefix('torch.')}"
        times = [seconds[device, dtype, n] for n in sorted(sizes)]
        ax.loglog(sorted(sizes), times, styles[device, dtype.itemsize], label=label)
ax.set(xlabel="number of points N", ylabel="seconds for a step", title="Time of a step against N")
ax.legend()
plt.show()

# %%
# Overhead and cost per point
# ---------------------------
#
# Read two numbers from each curve: the overhead at the left end, and the cost of a point at the
# right end.
# The knee is where the overhead equals the cost of all the points.
# The rate is that of reading x and y once; a step moves several times as much, because each
# operation writes its result and the next one reads it again.

for device in devices:
    for dtype in (torch.float32, torch.float64):
        overhead = seconds[device, dtype, 100]
        per_point = (seconds[device, dtype, 10**6] - overhead) / 10**6
        knee = overhead / per_point
        print(
            f"{device:4} {dtype!s:13} overhead {overhead * 1e6:4.0f} µs, "
            f"{per_point * 1e9:6.3f} ns a point, knee at N = {knee:,.0f}, "
            f"x and y at {2 * dtype.itemsize / per_point / 1e9:.1f} GB/s"
        )

# %%
# Where the curves cross
# ----------------------
#
# A GPU has more bandwidth, so a point costs less; but each operation is still started separately,
# and starting one takes longer.
# With overheads o and costs per point c the curves cross at N = (o_gpu − o_cpu) / (c_cpu − c_gpu).
# That needs a measurement on a GPU; where there is none, the CPU alone tells how much there is to
# gain, and the next section calculates.

for dtype in (torch.float32, torch.float64):
    if "cuda" in devices:
        faster = [n for n in sorted(sizes) if seconds["cuda", dtype, n] < seconds["cpu", dtype, n]]
        print(f"{dtype}: the GPU is faster at N = {faster or 'none of these'}")
    else:
        share = 1 - seconds["cpu", dtype, 100] / seconds["cpu", dtype, 10**6]
        print(f"{dtype}: no GPU here; at N = 1e6 points are {share:.0%} of a CPU step")

# %%
# The same by arithmetic
# ----------------------
#
# You can also compute an answer, from two figures about a GPU.
# NVIDIA's data sheet gives the A100 (80 GB, SXM) 2039 GB/s between memory and processor.
# What starting an operation costs depends on driver and host, so take 5, 10 and 20 µs.
# The bytes come from the list of the step's operations: each one reads its inputs and writes its
# result.

from torch.fx.experimental.proxy_tensor import make_fx

BANDWIDTH = 2039e9  # bytes per second, NVIDIA A100 80 GB SXM, data sheet
x, y = (t.float() for t in noisy_line(1000)[:2])
a, b = (torch.ones((), requires_grad=True) for _ in "ab")


def derive(a, b, x, y):
    return torch.autograd.grad(perpendicular_loss(a, b, x, y), (a, b))


traced = make_fx(derive)(a, b, x, y).graph.nodes
called = [node for node in traced if node.op == "call_function"]
operations = [node for node in called if not node.target.is_view]  # a view starts nothing
touched = [n.meta["val"] for node in operations for n in (*node.all_input_nodes, node)]
memory = [tensor.untyped_storage().nbytes() for tensor in touched]
per_point = sum(nbytes for nbytes in memory if nbytes >= x.nbytes) / len(x)
print(f"{len(operations)} operations, and {per_point:.0f} bytes read or written for each point")

# %%
# So a calculation, not a measurement: a step on the GPU takes the time of starting its operations,
# or of moving its bytes if that is longer.
# The CPU's side is what was measured above, in ``float32`` and on one thread.

on_cpu = {n: seconds["cpu", torch.float32, n] for n in sorted(sizes)}
for launch in (5e-6, 10e-6, 20e-6):
    on_gpu = {n: max(len(operations) * launch, n * per_point / BANDWIDTH) for n in on_cpu}
    slower = [n for n in on_cpu if on_gpu[n] >= on_cpu[n]]
    gain = on_cpu[10**6] / on_gpu[10**6]
    print(
        f"calculated with {launch * 1e6:2.0f} µs: a step takes {on_gpu[100] * 1e6:3.0f} µs or "
        f"more; slower than this CPU up to {max(slower, default=0):,} points; "
        f"at a million, {gain:.1f} times as fast"
    )

# %%
# What to notice
# --------------
#
# * Left of the knee you pay for the *number* of operations: it helps to have fewer, larger ones, as
#   with many lines in one batch, or with :func:`torch.compile`, which fuses them.
# * Right of the knee you pay for *bytes*: it helps to have fewer of them, as with ``float32``, and
#   to have more bandwidth, as a GPU does.
# * The post's 100 points lie far to the left, where a step is all overhead.
# * Moving the points to the GPU takes time too; it pays off when many steps use them.
#
# Read on in :doc:`plot_1_fit_on_gpu` about clocks and waiting, in :doc:`/learn/line-fit` about the
# fit, and see :func:`linefit.perpendicular_loss`.
