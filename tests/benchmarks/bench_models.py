"""Training steps of three models, plain and recorded: what a recording costs where work is done."""

import pytest
import torch
from torch import nn

from linefit import graph


class Residual(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, inside, outside, stride):
        super().__init__()
        self.first = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outside)
        self.second = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outside)
        self.shortcut = nn.Sequential()
        if stride > 1:
            short = nn.Conv2d(inside, outside, 1, stride, bias=False)
            self.shortcut = nn.Sequential(short, nn.BatchNorm2d(outside))

    def forward(self, x):
        out = self.first_norm(self.first(x)).relu()
        return (self.second_norm(self.second(out)) + self.shortcut(x)).relu()


def resnet18(pictures=2):
    """Return a ResNet-18 and a batch of pictures."""
    widths = [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]
    blocks = [Residual(*sizes) for a, b, s in widths for sizes in ((a, b, s), (b, b, 1))]
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10)]
    net = nn.Sequential(*stem, nn.MaxPool2d(3, 2, 1), *blocks, *head)
    return net, torch.randn(pictures, 3, 96, 96)


def resnet18_and_16_pictures():
    """Return a ResNet-18 and a larger batch."""
    return resnet18(16)


def gpt():
    """Return a decoder of four layers, width 256, and 128 positions."""
    layer = nn.TransformerEncoderLayer(256, 4, 1024, dropout=0.0, batch_first=True)
    return nn.TransformerEncoder(layer, 4, enable_nested_tensor=False), torch.randn(4, 128, 256)


class Steps(nn.Module):
    """An LSTM cell, called 200 times."""

    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(16, 32)

    def forward(self, x):
        h = c = torch.zeros(x.shape[1], 32)
        for part in x:
            h, c = self.cell(part, (h, c))
        return h


def lstm():
    """Return an LSTM cell and a sequence of 200 steps."""
    return Steps(), torch.randn(200, 4, 16)


def plain(net, data):
    """Go forward and back."""
    net(data).square().mean().backward()


def copied(net, data):
    """Copy every gradient in hooks, which is torch's part of a recorded backward pass."""
    loss = net(data).square().mean()
    kept = []

    def keep(sent, received):
        kept.extend(grad.clone() for grad in sent if grad is not None)

    found, stack = set(), [loss.grad_fn]
    while stack:
        fn = stack.pop()
        if fn is not None and fn not in found:
            found.add(fn)
            fn.register_hook(keep)
            stack += [source for source, _ in fn.next_functions]
    loss.backward()


def shapes(net, data):
    """Record all but the values."""
    with graph.record(max_elements=0) as g:
        loss = net(data).square().mean()
    g.backward(loss)


def recorded(net, data):
    """Record everything."""
    with graph.record() as g:
        loss = net(data).square().mean()
    g.backward(loss)


@pytest.mark.parametrize("run", [plain, copied, shapes, recorded])
@pytest.mark.parametrize("model", [resnet18, resnet18_and_16_pictures, gpt, lstm])
def bench_step(benchmark, model, run):
    """Time a forward and a backward pass."""
    torch.manual_seed(0)
    net, data = model()

    def step():
        net.zero_grad()
        run(net, data)

    benchmark.group = model.__name__
    benchmark(step)
