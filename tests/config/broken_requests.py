"""Broken configs, environments and command lines, each with what its message must say."""

from __future__ import annotations

from dataclasses import dataclass, field

from fauxpay.config.sources import FILE_BYTES_MAX


@dataclass(frozen=True)
class Broken:
    """A request that must be refused, and what the message must say."""

    says: tuple[str, ...]
    file: str | bytes | None = None
    environ: dict[str, str] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    flags: dict[str, object] = field(default_factory=dict)


FILES: dict[str, Broken] = {
    "unknown section": Broken(
        ("fruad = ", "(from FILE:1): there is no such key (known: catalog,", "did you mean fraud?"),
        "fruad: {enabled: true}",
    ),
    "unknown key": Broken(
        ("catalog.crads = 5 (from FILE:2): there is no such key", "did you mean catalog.cards?"),
        "catalog:\n  crads: 5\n",
    ),
    "key in the wrong section": Broken(
        ("run.cards = 5 (from FILE:1)", "known in run: seed, from, to,", "mean catalog.cards?"),
        "run: {cards: 5}",
    ),
    "unknown key unlike any": Broken(
        ("catalog.qqqq = 1 (from FILE:1): there is no such key (known in catalog: mode, path,",),
        "catalog: {qqqq: 1}",
    ),
    "python name of a key": Broken(
        ("run.start_day = 2026-03-01 (from FILE:1): there is no such key",),
        "run: {start_day: 2026-03-01}",
    ),
    "section is no mapping": Broken(
        ("catalog = 5 (from FILE:1): allowed is a mapping of keys: mode, path, seed, cards,",),
        "catalog: 5",
    ),
    "file is no mapping": Broken(("FILE: a config is a mapping of the keys catalog,",), "- 1\n"),
    "file is a text": Broken(("FILE: a config is a mapping of the keys catalog,",), "cards"),
    "text for a number": Broken(
        ("catalog.cards = 'many' (from FILE:1): allowed is a whole number from 1 to 2147483647",),
        "catalog: {cards: many}",
    ),
    "quoted number": Broken(("catalog.cards = '5'",), "catalog: {cards: '5'}"),
    "fraction for a count": Broken(
        ("catalog.cards = 2.5 (from FILE:1): allowed is a whole number",), "catalog: {cards: 2.5}"
    ),
    "boolean for a number": Broken(
        ("run.seed = true (from FILE:1): allowed is a whole number from 0 to 9223372036854775807",),
        "run: {seed: true}",
    ),
    "number for a boolean": Broken(
        ("fraud.enabled = 1 (from FILE:1): allowed is true or false",), "fraud: {enabled: 1}"
    ),
    "yes for a boolean": Broken(
        ("labels.enabled = 'yes' (from FILE:1): allowed is true or false",),
        "labels: {enabled: yes}",
    ),
    "null for a number": Broken(("catalog.cards = null",), "catalog: {cards: null}"),
    "cards above what the key addresses": Broken(
        ("catalog.cards = 2147483648 (from FILE:1): allowed is a whole number from 1 to",),
        "catalog: {cards: 2147483648}",
    ),
    "no cards": Broken(("catalog.cards = 0", "from 1 to"), "catalog: {cards: 0}"),
    "share above one": Broken(
        ("activity.trip_share = 1.5", "allowed is a number from 0 to 1 (share of further"),
        "activity: {trip_share: 1.5}",
    ),
    "share below zero": Broken(
        ("labels.found_share = -0.1", "allowed is a number from 0 to 1 (share of frauds)"),
        "labels: {found_share: -0.1}",
    ),
    "rate of zero": Broken(
        ("activity.purchases_per_card_day = 0", "allowed is a number above 0 up to 20 (purchases"),
        "activity: {purchases_per_card_day: 0}",
    ),
    "not a number": Broken(
        ("activity.rate_log_sd = nan", "allowed is a number from 0 to 2"),
        "activity: {rate_log_sd: .nan}",
    ),
    "infinite": Broken(
        ("activity.recurring_per_card = inf", "allowed is a number from 0 to 50"),
        "activity: {recurring_per_card: .inf}",
    ),
    "unknown choice": Broken(
        ("output.compression = 'gzip' (from FILE:1): allowed is one of snappy, zstd, lz4, none",),
        "output: {compression: gzip}",
    ),
    "no such day": Broken(
        ("run.to = '2026-02-30'", "allowed is a day such as 2026-03-01 after 2018-01-02 up to"),
        "run: {to: 2026-02-30}",
    ),
    "day and time": Broken(
        ("run.from = '2026-03-01T00:00:00Z'", "allowed is a day such as 2026-03-01"),
        "run: {from: 2026-03-01T00:00:00Z}",
    ),
    "compact day": Broken(("run.from = '20260301'",), "run: {from: '20260301'}"),
    "number for a day": Broken(
        ("activity.epoch = 20250101", "allowed is a day such as 2026-03-01 from 2018-01-02 before"),
        "activity: {epoch: 20250101}",
    ),
    "day beyond the calendars": Broken(
        ("run.to = 2036-01-01", "up to 2035-12-31"), "run: {to: 2036-01-01}"
    ),
    "empty window": Broken(
        ("run.to = 2026-03-01 (from FILE:1): allowed is a day after run.from, which is",),
        "run: {to: 2026-03-01}",
    ),
    "window before the epoch": Broken(
        ("run.from = 2024-12-31", "allowed is 2025-01-01 (activity.epoch) or a later day"),
        "run: {from: 2024-12-31}",
    ),
    "shares that do not sum to one": Broken(
        ("catalog.countries = ", "allowed is shares that sum to 1; these sum to 0.9"),
        "catalog: {countries: {US: 0.5, GB: 0.4}}",
    ),
    "unknown country": Broken(
        (
            "catalog.countries.UK = 0.5 (from FILE:4): allowed is a known country",
            "did you mean GB?",
        ),
        "catalog:\n  countries:\n    US: 0.5\n    UK: 0.5\n",
    ),
    "country in small letters": Broken(
        ("catalog.countries.us = 1.0", "did you mean US?"), "catalog: {countries: {us: 1.0}}"
    ),
    "country without exchange rates": Broken(
        ("catalog.countries.KP", "a country whose currency has exchange rates; KPW has none"),
        "catalog: {countries: {US: 0.5, KP: 0.5}}",
    ),
    "share of a country is no share": Broken(
        ("catalog.countries.US = 'all' (from FILE:1): allowed is a number above 0 up to 1",),
        "catalog: {countries: {US: all}}",
    ),
    "share of a country is zero": Broken(
        ("catalog.countries.GB = 0", "allowed is a number above 0 up to 1"),
        "catalog: {countries: {US: 1.0, GB: 0}}",
    ),
    "list of countries": Broken(
        ("catalog.countries = ['US']", "allowed is a mapping of names to values"),
        "catalog: {countries: [US]}",
    ),
    "no country": Broken(
        ("catalog.countries = {}", "at least one country and its share"),
        "catalog: {countries: {}}",
    ),
    "fewer places than countries": Broken(
        ("catalog.places = 5", "allowed is at least 6, one for each of catalog.countries"),
        "catalog: {places: 5}",
    ),
    "more places than cities": Broken(
        ("catalog.places = 400 (from default)", "at most 1, the known cities of catalog.countries"),
        "catalog: {countries: {GI: 1.0}}",
    ),
    "too few merchants": Broken(
        ("catalog.merchants = 100", "at least 5 merchants", "lower catalog.places to at most 17"),
        "catalog: {merchants: 100}",
    ),
    "too few for the online floors of countries": Broken(
        ("catalog.merchants = 60", "at least 66", "6 countries 6 online merchants each"),
        "catalog: {merchants: 60, places: 6}",
    ),
    "all merchants online": Broken(
        ("catalog.merchants = 60000 (from default)", "that are not online only"),
        "catalog: {online_merchant_share: 1.0}",
    ),
    "epoch before the first rate": Broken(
        ("activity.epoch = 2018-01-02", "the first exchange rate of ISK (IS)"),
        "{activity: {epoch: 2018-01-02}, catalog: {places: 2, countries: {IS: 0.5, US: 0.5}}}",
    ),
    "more returned than bought": Broken(
        ("activity.refund_share = 1.0", "with activity.reversal_share at most 1 in all; they sum"),
        "activity: {refund_share: 1.0}",
    ),
    "too many shards": Broken(
        ("output.cards_per_shard = 1", "at most 10000 shards; these make 25000"),
        "output: {cards_per_shard: 1}",
    ),
    "shard above its key": Broken(
        ("output.cards_per_shard = 16777217", "from 1 to 16777216 (cards)"),
        "output: {cards_per_shard: 16777217}",
    ),
    "unknown parameter": Broken(
        (
            "parameters.activity.trips.gap_log_s = 1 (from FILE:2): no parameter has this name",
            "did",
        ),
        "parameters:\n  activity.trips.gap_log_s: 1\n",
    ),
    "parameter of another type": Broken(
        ("parameters.activity.trips.gap_log_sd = 'x' (from FILE:1): allowed is a number",),
        "parameters: {activity.trips.gap_log_sd: x}",
    ),
    "campaign of an unknown kind": Broken(
        (
            "fraud.campaigns.0.typology = 'phising' (from FILE:1): allowed is one of card_testing,",
            "in the group fauxpay.typologies; did you mean phishing?",
        ),
        "fraud: {campaigns: [{typology: phising, per_card_year: 50}]}",
    ),
    "campaign in a country of no such code": Broken(
        ("fraud.campaigns.0.countries.UK = 2.0 (from FILE:1): allowed is a known", "mean GB?"),
        "fraud: {campaigns: [{countries: {UK: 2}}]}",
    ),
    "campaign in a category of no such code": Broken(
        ("fraud.campaigns.0.mcc.elec = 2.0 (from FILE:1): allowed is a merchant category code",),
        "fraud: {campaigns: [{mcc: {elec: 2}}]}",
    ),
    "campaigns without end": Broken(
        ("(from FILE:1): allowed is a list (campaigns), at most 50 of them",),
        "fraud: {campaigns: [" + "{}, " * 51 + "]}",
    ),
    "fact of a country of no such code": Broken(
        ("parameters.catalog.countries.online_share = {'UK': 0.5}", "UK is not known"),
        "parameters: {catalog.countries.online_share: {UK: 0.5}}",
    ),
    "fact of a country instead of a category": Broken(
        ("parameters.clearing.class_of_category = ", "merchant category codes such as 5411; USD"),
        "parameters: {clearing.class_of_category: {USD: fuel}}",
    ),
    "fact of a kind of fraud that nobody offers": Broken(
        ("parameters.labels.found.phising = 0.5", "allowed is one of card_testing, lost_stolen,"),
        "parameters: {labels.found: {phising: 0.5}}",
    ),
    "campaign of the control group": Broken(
        ("fraud.campaigns.1.typology = 'random' (from FILE:1): allowed is one of card_testing,",),
        "fraud: {campaigns: [{typology: phishing}, {typology: random}]}",
    ),
    "rate of an unknown kind": Broken(
        (
            "fraud.more.phising = 0.01 (from FILE:1): allowed is one of card_testing,",
            "did you mean phishing?",
        ),
        "fraud: {more: {phising: 0.01}}",
    ),
    "object store with keys": Broken(
        ("run.out = 's3://bucket/x' (from FILE:1)", "credentials never stand in an address"),
        "run: {out: 's3://key:secret@bucket/x?version=1'}",
    ),
    "unknown kind of store": Broken(
        ("run.out = 'ftp://bucket/x'", "expected s3://, gs://, az://, memory:// with a bucket"),
        "run: {out: 'ftp://bucket/x'}",
    ),
    "store in memory for other processes": Broken(
        ("run.out = 'memory://m/x'", "allowed is a place that workers of ray see"),
        "run: {out: 'memory://m/x', executor: ray}",
    ),
    "iceberg in a store": Broken(
        ("run.format = 'iceberg'", "allowed is parquet or delta in an object store"),
        "run: {out: 's3://bucket/x', format: iceberg}",
    ),
    "delta in memory": Broken(
        ("run.format = 'delta'", "allowed is parquet, for nothing else sees"),
        "run: {out: 'memory://m/x', format: delta}",
    ),
    "own catalog in a store": Broken(
        ("catalog.path = 's3://bucket/x'", "allowed is a local folder"),
        "catalog: {path: 's3://bucket/x'}",
    ),
    "number for a text of a campaign": Broken(
        ("fraud.campaigns.0.typology = 5", "allowed is a name"),
        "fraud: {campaigns: [{typology: 5}]}",
    ),
    "number for factors of a campaign": Broken(
        ("fraud.campaigns.0.mcc = 3", "allowed is a mapping of names to values"),
        "fraud: {campaigns: [{mcc: 3}]}",
    ),
    "factor of a campaign out of bounds": Broken(
        (
            "fraud.campaigns.0.mcc.5411 = 101",
            "allowed is a number from 0 to 100 (factors by category)",
        ),
        "fraud: {campaigns: [{mcc: {'5411': 101}}]}",
    ),
    "unknown key of a campaign": Broken(
        (
            "fraud.campaigns.0.form = 2026-03-01 (from FILE:1): there is no such key (known in",
            "known in fraud.campaigns.0: typology, from, to, per_card_year, mcc, countries);",
            "did you mean fraud.campaigns.0.from?",
        ),
        "fraud: {campaigns: [{form: 2026-03-01}]}",
    ),
    "text for campaigns": Broken(
        ("fraud.campaigns = 'many'", "allowed is a list (campaigns)"), "fraud: {campaigns: many}"
    ),
    "text for a campaign": Broken(
        ("fraud.campaigns.0 = 'card_testing'", "allowed is a mapping of keys: typology, from,"),
        "fraud: {campaigns: [card_testing]}",
    ),
    "text for the share of fraud": Broken(
        ("fraud.rate = 'much'", "allowed is a number from 0 to 0.05, or null"),
        "fraud: {rate: much}",
    ),
    "rate of a package's kind": Broken(
        ("fraud.more.drain = 9", "allowed is a number from 0 to 5 (compromised cards per"),
        "fraud: {more: {drain: 9}}",
    ),
    "number for the root": Broken(
        ("run.out = 5", "allowed is a folder or address"), "run: {out: 5}"
    ),
    "home folder sign": Broken(
        ("run.out = '~/data'", "a folder, written out in full (~ is not expanded)"),
        "run: {out: ~/data}",
    ),
    "empty folder": Broken(("run.out = ''", "allowed is a folder"), "run: {out: ''}"),
    "number for a folder": Broken(
        ("catalog.path = 5", "allowed is a folder or null"), "catalog: {path: 5}"
    ),
    "duplicate key": Broken(
        ("FILE:3: the key 'cards' stands here twice, first on line 2",),
        "catalog:\n  cards: 5\n  cards: 6\n",
    ),
    "python object": Broken(
        ("FILE:1: the tag tag:yaml.org,2002:python/object/apply:os.system is not read",),
        "run: !!python/object/apply:os.system [ls]",
    ),
    "alias": Broken(("FILE:1: anchors and aliases",), "a: &a [1]\nb: *a"),
    "too deep": Broken(("FILE:1: nested more than 20 levels deep",), "a: " + "[" * 30),
    "not YAML": Broken(("FILE:1: this is not YAML",), "catalog: {cards: 5"),
    "two documents": Broken(("FILE:3: a second document starts here",), "run: {}\n\n---\nrun: {}"),
    "not text": Broken(("FILE: byte 2 is not UTF-8 text",), b"a:\xff"),
    "too large": Broken(("FILE: larger than 1048576 bytes",), b"#" * (FILE_BYTES_MAX + 1)),
}

REQUESTS: dict[str, Broken] = {
    "entry of a list by number": Broken(
        (
            "fraud.campaigns.0.typology = 'phishing' (from --set fraud.campaigns.0.typology): ",
            "entries of fraud.campaigns are given all together, as a list",
        ),
        settings=("fraud.campaigns.0.typology=phishing",),
    ),
    "nothing but a dot": Broken((" = 1 (from --set .): there is no such key",), settings=(".=1",)),
    "root whose name is no text": Broken(
        ("run.out = 'a\\udcffb'", "allowed is a folder whose name is Unicode text"),
        environ={"FAUXPAY_RUN__OUT": "a\udcffb"},
    ),
    "unknown environment name": Broken(
        (
            "catalog.crads = 5 (from environment variable FAUXPAY_CATALOG__CRADS)",
            "did you mean FAUXPAY_CATALOG__CARDS?",
        ),
        environ={"FAUXPAY_CATALOG__CRADS": "5"},
    ),
    "environment name without section": Broken(
        ("cards = 5 (from environment variable FAUXPAY_CARDS)", "mean FAUXPAY_CATALOG__CARDS?"),
        environ={"FAUXPAY_CARDS": "5"},
    ),
    "environment value of another type": Broken(
        ("fraud.enabled = 'NO' (from environment variable FAUXPAY_FRAUD__ENABLED): allowed",),
        environ={"FAUXPAY_FRAUD__ENABLED": "NO"},
    ),
    "environment value that is not YAML": Broken(
        ("environment variable FAUXPAY_CATALOG__COUNTRIES:1: this is not YAML",),
        environ={"FAUXPAY_CATALOG__COUNTRIES": "{US: 1"},
    ),
    "setting without value": Broken(
        ("--set catalog.cards: write it as key=value, for example --set catalog.cards=5000",),
        settings=("catalog.cards",),
    ),
    "setting without key": Broken(("--set =5: write it as key=value",), settings=("=5",)),
    "setting of an unknown key": Broken(
        ("catalog.card = 5 (from --set catalog.card)", "did you mean catalog.cards?"),
        settings=("catalog.card=5",),
    ),
    "setting of an unknown kind of fraud": Broken(
        (
            "fraud.campaigns.0.typology = 'phising' (from --set fraud.campaigns): allowed is one",
            "did you mean phishing?",
        ),
        settings=("fraud.campaigns=[{typology: phising, per_card_year: 50}]",),
    ),
    "setting of an unknown section": Broken(
        ("catalogue = {'cards': 5} (from --set catalogue.cards)", "did you mean catalog?"),
        settings=("catalogue.cards=5",),
    ),
    "setting below a plain key": Broken(
        ("catalog.cards.x = 5 (from --set catalog.cards.x)", "did you mean catalog.cards?"),
        settings=("catalog.cards.x=5",),
    ),
    "setting of another type": Broken(
        ("run.chunk_rows = 1000.0 (from --set run.chunk_rows): allowed is a whole number",),
        settings=("run.chunk_rows=1e3",),
    ),
    "setting of a group of parameters": Broken(
        ("parameters.activity.trips = 3 (from --set parameters.activity.trips): this is a group;",),
        settings=("parameters.activity.trips=3",),
    ),
    "flag below its bound": Broken(
        ("run.workers = -1 (from flag --workers): allowed is a whole number from 0 to 1024",),
        flags={"run.workers": -1},
    ),
    "flag that is no day": Broken(
        ("run.from = 'March' (from flag --from): allowed is a day such as 2026-03-01",),
        flags={"run.from": "March"},
    ),
    "flag against file": Broken(
        ("run.to = 2026-05-01 (from flag --to): allowed is a day after run.from, which",),
        "run: {from: 2026-06-01, to: 2026-07-01}",
        flags={"run.to": "2026-05-01"},
    ),
    "several at once": Broken(
        ("the config has 3 problems:", "run.seed = -1", "catalog.cards = 0", "run.sead = 1"),
        "catalog: {cards: 0}\nrun: {sead: 1}",
        flags={"run.seed": -1},
    ),
}
