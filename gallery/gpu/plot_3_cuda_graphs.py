r"""
A step sent as a whole: CUDA graphs
===================================

**Question.** A step at few points is nearly all overhead: how much of that goes away when the list
of its operations is fixed and sent as a whole?

**Answer.** On a CPU next to nothing, as Python still starts the operations one by one; at many
points the list saves memory, and with it time. On a GPU a CUDA graph starts them all at once, but
it reads and writes the same addresses every time.
"""

# %%
# Which devices ran this page
# ---------------------------
#
# The first half runs the same lines for each device in this list.
# Capturing needs CUDA: without it that half says so, and shows no number for a GPU.

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
# A step with fixed addresses
# ---------------------------
#
# Points and parameters are made once, and a step changes the parameters in place.
# So each step reads and writes the same memory, which it must before it can be sent again.
# Nothing in it looks at a number, so nothing waits for the device.

from linefit import noisy_line, perpendicular_loss, total_least_squares


def step(a, b, x, y):
    da, db = torch.autograd.grad(perpendicular_loss(a, b, x, y), (a, b))
    with torch.no_grad():
        a.sub_(da)  # a learning rate of 1, for points that are centered and scaled
        b.sub_(db)


x, y, _ = noisy_line(1_000)
scale = x.std()
x, y = (x - x.mean()) / scale, (y - y.mean()) / scale
exact = total_least_squares(x, y).slope
placed = {}
for device in devices:
    a, b = (torch.zeros((), dtype=x.dtype, device=device, requires_grad=True) for _ in "ab")
    placed[device] = a, b, x.to(device), y.to(device)
    for _ in range(150):
        step(*placed[device])
    print(f"{device:4} slope {a.item():.12f}, closed form {exact.item():.12f}")
    assert abs(a.item() - exact.item()) < 1e-9

# %%
# The list of operations
# ----------------------
#
# ``make_fx`` runs the step once and records each operation that reaches a device: forward, backward
# and update, one after the other, with no autograd left.
# It is a :class:`torch.fx.GraphModule`, made by tracing, and it can be run.

from torch.fx.experimental.proxy_tensor import make_fx

lists = {device: make_fx(step)(*placed[device]) for device in devices}
listed = [node.target for node in lists["cpu"].graph.nodes if node.op == "call_function"]
print(f"{len(listed)} operations in a step:", *listed[:3], "…", *listed[-2:])

for device, traced in lists.items():
    a = placed[device][0]
    with torch.no_grad():
        a.zero_()
        for _ in range(150):
            traced(*placed[device])
    assert abs(a.item() - exact.item()) < 1e-9, device

# %%
# The fixed list, timed
# ---------------------
#
# Python runs the list, operation by operation, each through PyTorch's dispatcher.
# It records no nodes and runs no engine over them, but walking the list in Python costs about as
# much.
# What it does save is memory: it lets go of each array right after its last use, so one of the next
# operations gets the same memory again, and at many points that is faster.
# The fastest of several turns counts, on one thread.

from torch.utils.benchmark import Timer

sizes = [10**k for k in range(2, 7)]
ready, seconds = {}, {}
for device in devices:
    for n in sizes:
        line = noisy_line(n)
        px, py = ((t - t.mean()).div(line.x.std()).to(device) for t in line[:2])
        a, b = (torch.zeros((), dtype=px.dtype, device=device, requires_grad=True) for _ in "ab")
        ready[device, n] = a, b, px, py
        known = {"inputs": ready[device, n], "eager": step, "listed": make_fx(step)(a, b, px, py)}
        for name in ("eager", "listed"):
            with torch.set_grad_enabled(name == "eager"):
                run = Timer(f"{name}(*inputs)", globals=known).blocked_autorange(min_run_time=0.2)
            seconds[device, name, n] = min(run.times)
        share = seconds[device, "listed", n] / seconds[device, "eager", n]
        print(f"{device:4} {n:9,} points: the list takes {share:.2f} of an eager step")

# %%
# Capture it
# ----------
#
# Inside ``torch.cuda.graph``, work sent to the capturing stream is recorded instead of run; other
# streams are not affected.
# The step before that, on a stream of its own, is for whatever is made at first use.
# Then ``replay`` is one call for the whole list, which goes through no dispatcher and no autograd.

graphs = {}
for n in sizes if "cuda" in devices else ():
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        step(*ready["cuda", n])
    torch.cuda.current_stream().wait_stream(side)
    slope, graphs[n] = ready["cuda", n][0].item(), torch.cuda.CUDAGraph()
    with torch.cuda.graph(graphs[n]):
        step(*ready["cuda", n])
    assert ready["cuda", n][0].item() == slope  # recorded, not run
    run = Timer("graph.replay()", globals={"graph": graphs[n]}).blocked_autorange(min_run_time=0.2)
    seconds["cuda", "captured", n] = min(run.times)
    share = seconds["cuda", "captured", n] / seconds["cuda", "eager", n]
    print(f"cuda {n:9,} points: a replay takes {share:.3f} of an eager step")
print(f"captured on CUDA: {len(graphs)} graphs" if graphs else "cuda: not run, no CUDA device here")

# %%
# It knows addresses, not names
# -----------------------------
#
# A replay reads the memory that the capture saw.
# New points must be copied *into* that memory; a new tensor under the old name makes no difference.
# Here the points are turned upside down in place, and the slope follows.

for sign in (1, -1) if graphs else ():
    a, b, px, py = ready["cuda", 1_000]
    py.copy_(sign * py)  # into the same memory, as are the zeros
    with torch.no_grad():
        a.zero_(), b.zero_()
    for _ in range(150):
        graphs[1_000].replay()
    true = total_least_squares(px, py).slope.item()
    print(f"cuda: slope {a.item():+.9f}, closed form {true:+.9f}")
    assert abs(a.item() - true) < 1e-9
print("run on CUDA" if graphs else "cuda: not run, no CUDA device here")

# %%
# Let the compiler do it
# ----------------------
#
# ``mode="reduce-overhead"`` fuses the operations first and captures what is left.
# It copies its inputs to addresses of its own, so you can pass any tensor.
# In return its first call compiles, and one of the next ones captures.

gradient = torch.func.grad(perpendicular_loss, argnums=(0, 1))
for n in sizes if "cuda" in devices else ():
    inputs = [t.detach() for t in ready["cuda", n]]
    torch.compiler.reset()
    reduced, begin = torch.compile(gradient, mode="reduce-overhead"), time.perf_counter()
    for _ in range(4):
        found = [g.item() for g in reduced(*inputs)]
    first = time.perf_counter() - begin
    assert all(abs(f - g.item()) < 1e-9 for f, g in zip(found, gradient(*inputs), strict=True))
    known = {"reduced": reduced, "inputs": inputs}
    run = Timer("reduced(*inputs)", globals=known).blocked_autorange(min_run_time=0.2)
    seconds["cuda", "reduced", n] = min(run.times)
    print(f"cuda {n:9,} points: ready after {first / seconds['cuda', 'eager', n]:,.0f} eager steps")
print("measured on CUDA" if graphs else "cuda: not run, no CUDA device here")

# %%
# All curves
# ----------
#
# Where a curve is level a step is overhead; where it rises, memory is read and written.
# A fixed list alone leaves the level part where it is, for it starts as many operations one by one.
# Starting them all at once moves the level part down, and fusing them moves the rest as well.

import matplotlib.pyplot as plt

# Alt: Seconds for a step against the number of points, both logarithmic. Each curve is level at few
#      points and then rises; on the CPU the eager step and the fixed list lie close together.
fig, ax = plt.subplots(layout="constrained")
styles = {"eager": "o-", "listed": "s--", "captured": "^-.", "reduced": "v:"}
for device, name in dict.fromkeys(key[:2] for key in seconds):
    curve = [seconds[device, name, n] for n in sizes]
    ax.loglog(sizes, curve, styles[name], label=f"{device}, {name}")
ax.set(xlabel="number of points N", ylabel="seconds for a step", title="A step, by how it is sent")
ax.legend()
plt.show()

# %%
# What to notice
# --------------
#
# * An autograd graph knows derivatives; in the list of a step there are none left, and a CUDA graph
#   is such a list with its addresses.
# * Whatever Python decides in a step is decided at the capture: an ``if``, a learning rate, a size.
#   Numbers that change belong in tensors.
# * Nothing in a captured step may wait for the device, so no ``.item()`` and no ``print``.
# * Captured or not, a million points are memory traffic, and fusing the operations is what reduces
#   it.
#
# Read on in :doc:`/learn/cost`, where the same step is compiled on a CPU, and in
# :doc:`plot_1_fit_on_gpu` about clocks; see :class:`torch.cuda.CUDAGraph` and
# :func:`linefit.perpendicular_loss`.
