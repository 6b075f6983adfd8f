"""Mixtures: how many lognormals it takes to describe a histogram of amounts.

Reads    a histogram of log amounts
Writes   the number of components
Draws    nothing
Sources  Schwarz's criterion; expectation-maximisation on bins

A histogram of ten million amounts would justify a component for every price ending. So its bins are
weighed as if they held SAMPLE_SIZE amounts: the question is what a person would see in a sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLE_SIZE = 5_000
COMPONENTS_MAX = 4
STEPS = 400
SD_MIN = 0.15
"""Narrower than this is a price, not a component."""
TOLERANCE = 1e-7

Floats = NDArray[np.float64]


def component_count(log_amount: Floats, count: Floats) -> int:
    """Fewest components by BIC.

    log_amount  centres of bins
    count       amounts in each
    """
    weight = count / count.sum()
    scores = [
        _bic(log_likelihood(log_amount, weight, components), components)
        for components in range(1, COMPONENTS_MAX + 1)
    ]
    return int(np.argmin(scores)) + 1


def _bic(mean_log_likelihood: float, components: int) -> float:
    free = 3 * components - 1
    return free * float(np.log(SAMPLE_SIZE)) - 2 * SAMPLE_SIZE * mean_log_likelihood


def log_likelihood(x: Floats, weight: Floats, components: int) -> float:
    """Mean log likelihood of the best of a few mixtures of normals, each from another start."""
    mean = float((weight * x).sum())
    sd = float(np.sqrt((weight * np.square(x - mean)).sum()))
    if sd == 0:
        return 0.0
    quantiles = (np.arange(components) + 0.5) / components
    cumulative = np.cumsum(weight)
    spread = x[np.minimum(np.searchsorted(cumulative, quantiles), x.size - 1)]
    even = mean + sd * np.linspace(-1.5, 1.5, components) if components > 1 else spread
    return max(_fitted(x, weight, start, sd) for start in (spread, even))


def _fitted(x: Floats, weight: Floats, start: Floats, sd: float) -> float:
    means, sds = start.astype(np.float64), np.full(start.size, sd / np.sqrt(start.size))
    shares = np.full(start.size, 1.0 / start.size)
    before = -np.inf
    for _ in range(STEPS):
        z = (x[:, None] - means) / sds
        density = shares * np.exp(-0.5 * z * z) / (sds * np.sqrt(2 * np.pi))
        total = np.maximum(density.sum(axis=1), 1e-300)
        reached = float((weight * np.log(total)).sum())
        if reached - before < TOLERANCE:
            return reached
        before = reached
        mine = density / total[:, None] * weight[:, None]
        mass = np.maximum(mine.sum(axis=0), 1e-12)
        means = (mine * x[:, None]).sum(axis=0) / mass
        spread = np.sqrt((mine * np.square(x[:, None] - means)).sum(axis=0) / mass)
        sds, shares = np.maximum(spread, SD_MIN), mass / mass.sum()
    return before
