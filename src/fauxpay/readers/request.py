"""Request: which rows a training set has, and whether a run holds them.

Reads    the window of a run
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from fauxpay.errors import ConfigError
from fauxpay.labels.knowledge import Instant, instant_us
from fauxpay.readers.windows import DAY_US

if TYPE_CHECKING:
    from fauxpay.readers.run import Run

CHANNELS = ("pos", "ecom", "moto", "atm")
DAYS_MAX = 36_525
SHARE_UNIT = 1_000_000
"""Parts of the genuine rows that a sample is told in."""


@dataclass(frozen=True, slots=True)
class Request:
    """Which rows a training set has.

    as_of_us       what was known then is known; the model goes live then
    gap_days       left out before as_of, because the bank hears late
    train_days     of rows before the gap
    test_days      of rows from as_of on, labelled by what was known gap_days after their end
    channels       only these; all where there are none
    genuine_share  of rows not known to be fraud that are kept, each with weight 1 / share
    is_declined_too  declined attempts are rows, too; nobody labels them
    """

    as_of_us: int
    gap_days: int = 7
    train_days: int = 28
    test_days: int = 0
    channels: Collection[str] = ()
    genuine_share: float = 1.0
    is_declined_too: bool = False

    def __post_init__(self) -> None:
        """Raises ConfigError for what cannot be meant."""
        if isinstance(self.channels, str) or not isinstance(self.channels, Collection):
            raise ConfigError(
                f"channels: {self.channels!r}; expected a list of some of {', '.join(CHANNELS)}"
            )
        odd = [each for each in self.channels if each not in CHANNELS]
        if odd:
            raise ConfigError(f"channels: {odd[0]!r}; expected some of {', '.join(CHANNELS)}")
        days = (self.gap_days, self.test_days, self.train_days)
        is_whole = all(type(each) is int and 0 <= each <= DAYS_MAX for each in days)
        if not is_whole or self.train_days < 1:
            raise ConfigError(
                f"gap_days {self.gap_days}, train_days {self.train_days}, test_days "
                f"{self.test_days}; expected whole days from 0 to {DAYS_MAX}, and at least one to "
                f"train on"
            )
        share = self.genuine_share
        is_share = type(share) in (int, float) and 0 < share <= 1
        if not is_share or round(share * SHARE_UNIT) < 1:
            raise ConfigError(
                f"genuine_share: {share!r}; expected a share in (0, 1], of a millionth or more"
            )
        if type(self.is_declined_too) is not bool:
            raise ConfigError(f"is_declined_too: {self.is_declined_too!r}; expected True or False")

    @property
    def train_us(self) -> tuple[int, int]:
        """[first, last) of the training rows."""
        last = self.as_of_us - self.gap_days * DAY_US
        return last - self.train_days * DAY_US, last

    @property
    def test_us(self) -> tuple[int, int]:
        """[first, last) of the test rows."""
        return self.as_of_us, self.as_of_us + self.test_days * DAY_US

    @property
    def end_us(self) -> int:
        """Nothing that happened from then on is looked at for features."""
        return self.test_us[1] if self.test_days else self.train_us[1]

    @property
    def test_known_us(self) -> int:
        """What was known by then labels the test rows."""
        return self.test_us[1] + self.gap_days * DAY_US


def request_of(run: Run, as_of: Instant, options: Mapping[str, object]) -> Request:
    """What is asked of a run. Raises ConfigError for what cannot be meant, or is not in it."""
    known = [field.name for field in fields(Request)][1:]
    odd = sorted(set(options) - set(known))
    if odd:
        raise ConfigError(f"no option {odd[0]!r}; expected some of {', '.join(known)}")
    plain: dict[str, Any] = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in options.items()
    }
    request = Request(instant_us(as_of), **plain)
    window = run.receipt["window"]
    first, last = (instant_us(str(window[name])) for name in ("from", "to"))
    if request.train_us[1] <= first or request.end_us > last:
        days = request.test_days
        rows = f"{days} days of test rows before" if days else f"at most {request.gap_days} after"
        raise ConfigError(
            f"as_of {as_of}: run {run.run_id} holds {window['from']} to {window['to']}; expected "
            f"as_of more than {request.gap_days} days after its first day, and {rows} its end"
        )
    return request
