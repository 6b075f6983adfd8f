"""Counts: the law behind how often cards are used, with the noise of counting taken out.

Reads    how many cards have how many purchases
Writes   nothing
Draws    nothing
Sources  Aitchison and Ho 1989, the multivariate Poisson-log normal distribution

A card's purchases are Poisson about its own rate, and the rates of cards are lognormal. Cards that
did nothing in the window are not in the table: the law is fitted without its zeros, and says how
many they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import lgamma

import numpy as np

from fauxpay.foundations.draws import F64

# From here on the log of a count is normal about the log of the rate to the third digit.
_LARGE = 100
_NODES = 241
_ROUNDS = 14
_SIDE = 9


@dataclass(frozen=True, slots=True)
class RateLaw:
    """Lognormal rates: log_mean and log_sd of the expected count in the window."""

    log_mean: float
    log_sd: float

    def share_unseen(self) -> float:
        """Chance that a card has no purchase in the window."""
        z, weight = _nodes()
        return float(weight @ np.exp(-np.exp(self.log_mean + self.log_sd * z)))


def rate_law(cards_by_count: Mapping[int, int]) -> RateLaw:
    """The most likely law of cards with 1, 2, .. purchases, by nested grids.

    cards_by_count  purchases -> number of cards; zeros are not counted
    """
    count = np.array(sorted(n for n in cards_by_count if n > 0), dtype=np.float64)
    cards = np.array([cards_by_count[int(n)] for n in count], dtype=np.float64)
    assert cards.sum() > 0
    log_count = np.log(count)
    middle = float((cards @ log_count) / cards.sum())
    spread = float(np.sqrt(cards @ (log_count - middle) ** 2 / cards.sum()))
    mean_step, sd_step = 1.0, max(spread, 0.3) / 2
    best = (middle, max(spread, 0.05))
    for _ in range(_ROUNDS):
        grid = np.linspace(-1, 1, _SIDE)
        tried = [
            (best[0] + a * mean_step, max(best[1] + b * sd_step, 1e-3)) for a in grid for b in grid
        ]
        likelihood = [_log_likelihood(count, cards, mean, sd) for mean, sd in tried]
        best = tried[int(np.argmax(likelihood))]
        mean_step, sd_step = mean_step * 0.6, sd_step * 0.6
    return RateLaw(float(best[0]), float(best[1]))


def _log_likelihood(count: F64, cards: F64, mean: float, sd: float) -> float:
    """Of counts above 0, given that they are above 0."""
    small = count < _LARGE
    z, weight = _nodes()
    log_rate = mean + sd * z
    factorial = np.array([lgamma(n + 1) for n in count[small]])
    log_poisson = count[small, None] * log_rate - np.exp(log_rate) - factorial[:, None]
    chance = np.exp(log_poisson) @ weight
    variance = sd * sd + 1.0 / count[~small]
    apart = (np.log(count[~small]) - mean) ** 2 / variance
    log_large = -apart / 2 - np.log(2 * np.pi * variance) / 2 - np.log(count[~small])
    unseen = float(weight @ np.exp(-np.exp(log_rate)))
    told = cards[small] @ np.log(np.maximum(chance, 1e-300)) + cards[~small] @ log_large
    return float(told - cards.sum() * np.log(max(1.0 - unseen, 1e-12)))


def _nodes() -> tuple[F64, F64]:
    """Standard normal deviates at even steps, and their weights."""
    z = np.linspace(-6, 6, _NODES)
    weight = np.exp(-z * z / 2)
    return z, weight / weight.sum()


def unseen_merchants(merchants: int, once: int, twice: int) -> float:
    """Merchants that no row names: Chao's lower bound, corrected for bias.

    merchants  seen at all; once, twice: seen in so many rows
    Source: Chao 1984, nonparametric estimation of the number of classes in a population
    """
    assert merchants >= once + twice
    return once * (once - 1) / (2.0 * (twice + 1))
