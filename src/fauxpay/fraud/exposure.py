"""Exposure: how much more than others a card is at risk.

Reads    cards, parameters [fraud.exposure]
Writes   weights of the range's cards
Draws    nothing
Sources  parameters.yaml
"""

from __future__ import annotations

import numpy as np

from fauxpay.foundations.draws import F64
from fauxpay.fraud.ground import YEAR_DAYS, Ground


def online_exposure(ground: Ground) -> tuple[F64, float]:
    """(weight of each card, the greatest): the more places keep its details, the more leak."""
    law, cards = ground.common["exposure"], ground.activity.world.cards
    own = slice(ground.activity.first_card, ground.activity.last_card)
    weight = cards.online_share[own] * cards.level[own] / law["online_activity_mean"]
    weight = law["even_share"] + (1.0 - law["even_share"]) * weight
    return np.minimum(weight, law["exposure_max"]), float(law["exposure_max"])


def new_card_exposure(ground: Ground) -> tuple[F64, float]:
    """(weight of each card, the greatest): false identities are new customers."""
    law, activity = ground.common["exposure"], ground.activity
    own = slice(activity.first_card, activity.last_card)
    age = (activity.epoch_day - activity.world.cards.opened_day[own]) / YEAR_DAYS
    return np.where(age < law["new_card_years"], 1.0, law["old_card_weight"]), 1.0
