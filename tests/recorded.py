"""Small models of the kinds that people record, each with its backward pass."""

import torch
from torch import nn

from linefit import graph


def _input(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def mlp():
    """Return the graph of a perceptron's loss."""
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    x, y = _input(5, 3), _input(5, 1)
    with graph.record() as g:
        loss = ((net(x) - y) ** 2).mean()
    g.backward(loss)
    return g


class Attention(nn.Module):
    """Attention with several heads, written out."""

    def __init__(self, size=8, heads=2):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = (nn.Linear(size, size) for _ in range(4))

    def forward(self, x):
        batch, length, size = x.shape
        split = batch, length, self.heads, size // self.heads
        q, k, v = (f(x).view(split).transpose(1, 2) for f in (self.q, self.k, self.v))
        weights = (q @ k.transpose(-2, -1) / (size // self.heads) ** 0.5).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(batch, length, size))


def attention():
    """Return the graph of attention, whose input is used three times."""
    net, x = Attention(), _input(2, 4, 8).requires_grad_()
    with graph.record() as g:
        loss = net(x).square().mean()
    g.backward(loss)
    return g


def lstm(steps=3):
    """Return the graph of an LSTM cell that is called in a loop."""
    net, xs = nn.LSTMCell(3, 4), _input(steps, 2, 3)
    with graph.record() as g:
        h = c = torch.zeros(2, 4)
        for x in xs:
            h, c = net(x, (h, c))
        loss = h.square().mean()
    g.backward(loss)
    return g


def in_place():
    """Return the graph of a change in place of a part."""
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    with graph.record() as g:
        b = a * 3
        b[0].mul_(2)
        loss = (b * a).sum()
    g.backward(loss)
    return g


class Block(nn.Module):
    """Two convolutions and a shortcut around them."""

    def __init__(self, size=4):
        super().__init__()
        self.conv1 = nn.Conv2d(size, size, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(size)
        self.conv2 = nn.Conv2d(size, size, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(size)

    def forward(self, x):
        h = self.bn1(self.conv1(x)).relu()
        return (self.bn2(self.conv2(h)) + x).relu()


def resnet(blocks=2):
    """Return the graph of some residual blocks."""
    net, x = nn.Sequential(*(Block() for _ in range(blocks))), _input(2, 4, 6, 6)
    with graph.record() as g:
        loss = net(x).mean()
    g.backward(loss)
    return g


MODELS = {f.__name__: f for f in (mlp, attention, lstm, in_place, resnet)}
