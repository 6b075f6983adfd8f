"""Quota: which compromises are kept where a share of fraud is asked for.

Reads    stories, thresholds by typology and week
Writes   stories of those that are kept
Draws    fraud/<typology>/quota
Sources  nothing

More compromises are told than are wanted, and each has a draw; those below the threshold of their
typology and week are kept. `fauxpay.fraud.counts` finds the thresholds by counting rows, so that
the share does not hang on how many customers a breached shop happens to have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fauxpay.activity.calendar import DAY_MS
from fauxpay.foundations.draws import F64, I64, U64, draw, stream_key, uniform
from fauxpay.fraud.ground import WEEK_DAYS, Ground
from fauxpay.fraud.story import NOT_BLOCKED, Compromises, Disputes, Story, chosen, only_compromises


@dataclass(frozen=True)
class Quota:
    """How many compromises are told, and which of them are kept.

    scale      f64[typologies]  factor on the rates at which they are told; None: the config's own
    told       f64[typologies]  told for each one that is wanted; disputes have no rows of their own
               and are thinned by it alone
    first_day  UTC day on which the first week begins
    below      f64[typologies, weeks]  a compromise is kept when its draw is smaller; None: all are
    campaigns  whether what the config schedules is told too: it comes on top of a share
    """

    scale: F64 | None = None
    told: F64 | None = None
    first_day: int = 0
    below: F64 | None = None
    campaigns: bool = True

    def scale_of(self, code: int) -> float:
        """Factor on the rate of a typology."""
        return 1.0 if self.scale is None else float(self.scale[code])


ALL = Quota()


def kept(ground: Ground, story: Story, quota: Quota) -> Story:
    """What a quota leaves of a story; campaigns that the config schedules come whole."""
    if quota.below is None or quota.told is None or ground.demand.number:
        return story
    seed, compromises = ground.activity.keys.seed, story.compromises
    week = np.minimum(weeks(story, quota.first_day), quota.below.shape[1] - 1)
    stays = quota_draws(seed, ground.name, compromises.address) < quota.below[ground.code, week]
    disputes: Disputes = chosen(
        story.disputes,
        quota_draws(seed, ground.name, story.disputes.address) < 1.0 / quota.told[ground.code],
    )
    return replace(only_compromises(story, stays), disputes=disputes)


def quota_draws(seed: int, name: str, address: U64) -> F64:
    """The draw of each compromise or dispute of a typology, f64[n] in [0, 1)."""
    return uniform(draw(stream_key(seed, f"fraud/{name}/quota"), address))


def weeks(story: Story, first_day: int) -> I64:
    """Number of the week in which each compromise begins to show, i64[n].

    That is the first attack or the block, not the theft: a breach's is told of when it is sold.
    What shows nothing before the end of a window may be judged by any week.
    """
    compromises: Compromises = story.compromises
    blocked, never = compromises.blocked_ms, np.iinfo(np.int64).max
    shows = np.where(blocked == NOT_BLOCKED, never, blocked)
    np.minimum.at(shows, story.attacks.compromise, story.attacks.at_ms)
    shows = np.where(shows == never, compromises.compromised_ms, shows)
    week: I64 = np.maximum(shows // DAY_MS - first_day, 0) // WEEK_DAYS
    return week
