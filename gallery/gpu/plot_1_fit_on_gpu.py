r"""
The fit on a GPU, beside the CPU
================================

**Question.** What changes when you move the fit to a GPU: the code, the answer, the time?

**Answer.** One argument in the code, rounding in the answer, and the time, for better or worse; to
find out which, stop the clock when the device has finished, and read as little as possible from
it.
"""

# %%
# Which devices ran this page
# ---------------------------
#
# Everything below runs the same lines for each device in this list.
# On a machine without CUDA the page shows the CPU alone, and no number for a GPU.

import os
import platform
import time
from datetime import UTC, datetime

import torch

devices = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
vectors, threads = torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()
names = {"cpu": f"{platform.machine()}, {vectors}, threads: {threads}"}
names |= {device: torch.cuda.get_device_name() for device in devices[1:]}
built = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), tz=UTC)
print(f"PyTorch {torch.__version__}, {built:%Y-%m-%d}")
for device in ("cpu", "cuda"):
    print(f"{device:4} half: {names.get(device, 'did not run, no CUDA device here')}")

# %%
# The same fit on each device
# ---------------------------
#
# ``device=`` moves the points, and the parameters are made where the points are.
# That is all: autograd runs each backward operation where its forward operation ran.
# We fit in ``float32`` and in ``float64`` and compare with the closed form.

from linefit import descend, noisy_line, total_least_squares

x, y, _ = noisy_line(10_000, noise=2.0, seed=0)
scale = x.std()
x, y = (x - x.mean()) / scale, (y - y.mean()) / scale
exact = total_least_squares(x, y)
runs = {
    (device, dtype): descend(x, y, lr=1.0, steps=150, dtype=dtype, device=device)
    for device in devices
    for dtype in (torch.float32, torch.float64)
}
for (device, dtype), run in runs.items():
    print(f"{device:4} {dtype!s:14} slope {run.last.slope.item():.9f}")
print(f"{'closed form':19} slope {exact.slope.item():.9f}")

# %%
# The answers differ by rounding, which depends on the dtype far more than on the device: each
# device adds up its sums in its own order, and no order is the right one.

error = {key: (run.history.slope.cpu() - exact.slope).abs() for key, run in runs.items()}
for (device, dtype), curve in error.items():
    assert curve[-1] < (1e-4 if dtype == torch.float32 else 1e-8), (device, dtype)
assert error["cpu", torch.float32][-1] > error["cpu", torch.float64][-1]

# %%
# Each digit takes the same number of steps everywhere; the difference is where the digits end.

import matplotlib.pyplot as plt

# Alt: Error of the slope against the step, logarithmic. All runs fall along one line; float32 stops
#      many orders of magnitude before float64 does.
fig, ax = plt.subplots(layout="constrained")
styles = {"cpu": "-", "cuda": ":"}
for (device, dtype), curve in error.items():
    label = f"{device}, {str(dtype).removeprefix('torch.')}"
    ax.semilogy(curve.clamp_min(1e-17), styles[device], label=label)
ax.set(xlabel="step", ylabel="error of the slope", title="The same fit, by device and dtype")
ax.legend()
plt.show()

# %%
# When to stop the clock
# ----------------------
#
# A call puts work into the GPU's queue and returns at once; the GPU does the work later.
# A clock that stops at the return measures how long it took to queue the work.
# ``synchronize`` waits until it is done; the CPU has that function too, but nothing to wait for.

x_large, y_large = (t.float().repeat(30) for t in (x, y))
for device in devices:
    here = torch.get_device_module(device)
    a, b = torch.zeros(2, device=device)
    px, py = x_large.to(device), y_large.to(device)
    (a * px - py + b).square().mean()  # the first call also loads and allocates
    here.synchronize()
    begin = time.perf_counter()
    (a * px - py + b).square().mean()
    returned = time.perf_counter() - begin
    here.synchronize()
    finished = time.perf_counter() - begin
    print(f"{device:4} returned after {returned:.1e} s, finished after {finished:.1e} s")

# %%
# The GPU keeps a clock of its own.
# Two events, recorded in the queue before and after the work, measure the work alone, without the
# time to get there and back.

if "cuda" in devices:
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    (a * px - py + b).square().mean()
    end.record()
    torch.cuda.synchronize()
    print(f"cuda: {begin.elapsed_time(end):.4f} ms between the events")
else:
    print("cuda: not run, no CUDA device here")

# %%
# What a look costs
# -----------------
#
# ``.item()`` needs the number, so it waits until the device has computed it: on a GPU, the queue
# runs empty each time.
# Compare a loop that looks at the loss in each step with one that keeps the tensors and looks once.
# On the CPU a look is cheap, as there is no queue.
# The loop called cold also pays for whatever is loaded on first use: never time the first run.

from linefit import perpendicular_loss

for device in devices:
    px, py = x.to(device), y.to(device)
    a, b = (torch.zeros((), dtype=x.dtype, device=device, requires_grad=True) for _ in range(2))
    for look in ("once, cold", "once", "each step"):
        begin, kept = time.perf_counter(), []
        for _ in range(200):
            loss = perpendicular_loss(a, b, px, py)
            torch.autograd.grad(loss, (a, b))
            kept.append(loss.item() if look == "each step" else loss.detach())
        float(kept[-1])  # the one look, which waits for all the steps
        used = (time.perf_counter() - begin) / 200
        print(f"{device:4} look {look:10}: {used * 1e6:5.0f} µs a step")

# %%
# What to notice
# --------------
#
# * The code differs in ``device=`` alone.
# * ``float64`` gives you the digits on either device; on many GPUs it is much slower than
#   ``float32``, so time both.
# * :func:`linefit.descend` looks at the loss in each step, to stop where it is no longer a number.
#   That is a wait in each step: in a fast loop on a GPU, look only now and then.
# * Whether the GPU is faster depends on the number of points: :doc:`plot_2_crossover`.
#
# Read on in :doc:`/learn/line-fit`, or see :func:`linefit.descend`.
