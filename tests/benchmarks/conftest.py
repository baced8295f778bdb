"""Timings use all cores, unlike the tests."""

import os

import pytest
import torch


@pytest.fixture(autouse=True)
def all_cores():
    """Let torch use every core for the time of a benchmark."""
    before = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    yield
    torch.set_num_threads(before)
