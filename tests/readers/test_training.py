"""Training sets know what a team knew then: no row, no label and no feature from the future."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest

import fauxpay
from fauxpay.errors import ConfigError, ConflictError
from fauxpay.readers import training
from fauxpay.readers.training import Request, Sources, sources_of, training_parts

FIRST, LAST = datetime.date(2026, 2, 2), datetime.date(2026, 3, 19)
AS_OF = datetime.date(2026, 3, 16)
DAY_US = 86_400_000_000
OPTIONS = {"gap_days": 4, "train_days": 14, "test_days": 3}


def request(root, **run) -> dict:
    """A small world in two shards with much fraud, and mistakes of the bank."""
    return {
        "catalog": {"cards": 400, "merchants": 300, "places": 12},
        "fraud": {"card_testing_per_card_year": 4.0, "lost_stolen_per_card_year": 4.0},
        "labels": {"false_share": 0.003},
        "output": {"cards_per_shard": 250},
        "run": {"from": FIRST, "to": LAST, "out": str(root), "executor": "serial", **run},
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Where the run stands."""
    return tmp_path_factory.mktemp("training")


@pytest.fixture(scope="module")
def run(root):
    """Forty-five days."""
    return fauxpay.generate(request(root))


@pytest.fixture(scope="module")
def frame(run) -> pl.DataFrame:
    """Fourteen days to train on, four of gap, three to test on."""
    return pl.from_arrow(run.training_set(AS_OF, **OPTIONS))


@pytest.fixture(scope="module")
def rows(run) -> pl.DataFrame:
    """All payments of the run."""
    everything = pl.from_arrow(run.table("transactions").to_table())
    return everything.filter(pl.col("transaction_type").is_in(["purchase", "withdrawal"]))


@pytest.fixture(scope="module")
def facts(run) -> pl.DataFrame:
    """All facts of the bank."""
    return pl.from_arrow(run.table("labels").to_table())


def at(day: datetime.date, days: float = 0) -> datetime.datetime:
    """Midnight of a day, UTC, so many days later."""
    midnight = datetime.datetime.combine(day, datetime.time(), datetime.UTC)
    return midnight + datetime.timedelta(days=days)


def test_rows_are_those_asked_for(frame, rows):
    """Approved payments of the training days, then of the test days, in order of time."""
    moments = rows.filter("is_approved")
    time = pl.col("event_time")
    train = moments.filter((time >= at(AS_OF, -18)) & (time < at(AS_OF, -4)))
    test = moments.filter((time >= at(AS_OF)) & (time < at(AS_OF, 3)))
    for part, expected in (("train", train), ("test", test)):
        found = frame.filter(pl.col("part") == part)
        assert found.height == expected.height > 300
        assert set(found["transaction_id"]) == set(expected["transaction_id"])
    assert frame["event_time"].is_sorted()
    assert (frame["weight"] == 1).all()


def test_labels_are_those_known_then(frame, facts):
    """Training rows carry what was known at as_of, test rows what was known after their gap."""
    for part, until in (("train", at(AS_OF)), ("test", at(AS_OF, 3 + 4))):
        known = facts.filter(pl.col("known_at") <= until).sort("known_at")
        last = known.group_by("transaction_id", maintain_order=True).last()
        fraud = set(last.filter(pl.col("label") == "fraud")["transaction_id"])
        own = frame.filter(pl.col("part") == part)
        assert set(own.filter(pl.col("label") == 1)["transaction_id"]) == fraud & set(
            own["transaction_id"]
        )
    assert frame.filter(pl.col("part") == "train")["label"].sum() > 20


def test_days_end_where_they_say_to_the_microsecond(run, rows, facts):
    """What is known in the instant of as_of is known; a payment of that instant is after it."""
    wanted = pl.col("is_approved") & (pl.col("event_time") >= at(AS_OF, -14))
    first = facts.sort("known_at").group_by("transaction_id", maintain_order=True).first()
    news = first.join(rows.filter(wanted), on="transaction_id").sort("known_at")
    is_news = (pl.col("label").cast(pl.String) == "fraud") & (pl.col("known_at") < at(LAST))
    ((own, known_at),) = news.filter(is_news).select("transaction_id", "known_at").tail(1).rows()
    tick = datetime.timedelta(microseconds=1)
    for as_of, label in ((known_at, 1), (known_at - tick, 0)):
        found = pl.from_arrow(run.training_set(as_of, gap_days=0, train_days=30))
        assert found.filter(pl.col("transaction_id") == own)["label"].to_list() == [label]
    paid = rows.filter(wanted).sort("event_time").row(200, named=True)
    for as_of, part in ((paid["event_time"], "test"), (paid["event_time"] + tick, "train")):
        found = pl.from_arrow(run.training_set(as_of, gap_days=0, train_days=3, test_days=1))
        is_own = pl.col("transaction_id") == paid["transaction_id"]
        assert found.filter(is_own)["part"].to_list() == [part]
    later = paid["event_time"] + datetime.timedelta(days=1)
    found = pl.from_arrow(run.training_set(later, gap_days=1, train_days=3, test_days=1))
    assert not found.filter(is_own).height, "the gap begins with it"


def test_no_truth_is_given_away(frame, run):
    """Truth is never read: some frauds are labelled genuine, for nobody had told by then."""
    truth = set(run.table("truth").to_table().column("transaction_id").to_pylist())
    train = frame.filter(pl.col("part") == "train")
    unknown = train.filter((pl.col("label") == 0) & pl.col("transaction_id").is_in(list(truth)))
    assert unknown.height > 0
    told = {"is_fraud", "typology", "campaign_id", "known_at", "is_approved"}
    assert not told & set(train.columns)


def by_hand(row, rows: pl.DataFrame, facts: pl.DataFrame, entity: str, days: int) -> dict:
    """Features of a row from only what was there and known before it."""
    own, amount = f"{entity}_id", training.AMOUNTS.get(entity)
    time = row["event_time"]
    start = time - datetime.timedelta(days=days)
    window = rows.filter(
        (pl.col(own) == row[own]) & (pl.col("event_time") >= start) & (pl.col("event_time") < time)
    )
    known = facts.filter(pl.col("known_at") < time).sort("transaction_id", "known_at")
    is_first = pl.col("label").shift(1).over("transaction_id").fill_null("genuine") != "fraud"
    turned = known.with_columns(pl.col("label").cast(pl.String)).filter(
        (pl.col("label") == "fraud") & is_first & (pl.col("known_at") >= start)
    )
    of_own = rows.filter(pl.col(own) == row[own]).select("transaction_id")
    frauds = turned.join(of_own, on="transaction_id").height
    answer = {
        f"{entity}_count_{days}d": window.height,
        f"{entity}_declined_{days}d": window.height - window["is_approved"].sum(),
        f"{entity}_frauds_known_{days}d": frauds,
        f"{entity}_risk_{days}d": frauds / max(1, window.height),
    }
    if amount:
        answer[f"{entity}_sum_{days}d"] = window[amount].sum()
    if days == 30:
        last = window["event_time"].max()
        answer[f"{entity}_seconds_since_last"] = last and (time - last).total_seconds()
        mean = window[amount].mean() if amount else None
        answer[f"{entity}_amount_ratio"] = row[amount] / mean if mean else None
    return answer


def after_news(entity: str, frame, rows, facts) -> list[int]:
    """Test rows of entities of which the bank heard of fraud after as_of, and before the row."""
    own = f"{entity}_id"
    is_news = (pl.col("label").cast(pl.String) == "fraud") & (pl.col("known_at") >= at(AS_OF))
    news = facts.filter(is_news).join(rows, on="transaction_id").select(own, "known_at")
    told = frame.filter(pl.col("part") == "test").join(news, on=own)
    return told.filter(pl.col("known_at") < pl.col("event_time"))["transaction_id"].to_list()


@pytest.mark.parametrize("entity", ["card", "merchant", "terminal", "device"])
def test_features_are_those_counted_by_hand(entity, frame, rows, facts):
    """Random rows, and rows whose entity is known for fraud: each feature from the past alone."""
    has = frame.filter(pl.col(f"{entity}_id").is_not_null())
    known = has.filter(pl.col(f"{entity}_frauds_known_30d") > 0)
    assert known.height > 0
    late = has.filter(pl.col("transaction_id").is_in(after_news(entity, frame, rows, facts)))
    assert late.height > 0
    picked = pl.concat(
        [
            has.sample(12, seed=5),
            known.sample(min(8, known.height), seed=6),
            late.sample(min(5, late.height), seed=7),
        ]
    )
    checked = 0
    for row in picked.to_dicts():
        for days in (1, 7, 30):
            for name, value in by_hand(row, rows, facts, entity, days).items():
                if name in row:
                    expected = value if value is None else pytest.approx(value, rel=1e-9)
                    assert row[name] == expected, (name, row)
                    checked += 1
    assert checked > 150


def test_without_a_device_there_are_no_features_of_it(frame):
    """Payments in person have no device, and so none of its features."""
    without = frame.filter(pl.col("device_id").is_null())
    assert without.height > 100
    assert without["device_count_7d"].is_null().all()
    assert frame.filter(pl.col("device_id").is_not_null())["device_count_7d"].is_not_null().all()


def test_deleting_the_future_changes_nothing(root, frame, tmp_path_factory):
    """Metamorphic: a run that ends where the training rows are known has the same frame."""
    other = tmp_path_factory.mktemp("shorter")
    short = fauxpay.generate(request(other, to=AS_OF))
    options = {**OPTIONS, "test_days": 0}
    again = pl.from_arrow(short.training_set(AS_OF, **options))
    assert again.equals(frame.filter(pl.col("part") == "train"))


def test_deleting_what_came_later_from_the_tables_changes_nothing(run, frame):
    """Metamorphic: without rows of after the training days, and facts of after as_of, the same."""
    whole = sources_of(run)
    ask = Request(int(at(AS_OF).timestamp()) * 1_000_000, gap_days=4, train_days=14)
    cut = Sources(
        f"(SELECT * FROM {whole.transactions} WHERE epoch_us(event_time) < {ask.train_us[1]})",
        f"(SELECT * FROM {whole.labels} WHERE epoch_us(known_at) <= {ask.as_of_us})",
    )
    again = pl.concat([pl.from_arrow(part) for part in training_parts(cut, ask)])
    assert again.equals(frame.filter(pl.col("part") == "train"))


def test_slices_change_nothing(run, frame, monkeypatch):
    """Metamorphic: entities in many slices and days one by one, on one thread, give the frame."""
    monkeypatch.setattr(training, "ENTRIES_AT_ONCE", 2_000)
    monkeypatch.setattr(training, "ROWS_AT_ONCE", 100)
    again = pl.from_arrow(run.training_set(AS_OF, threads=1, **OPTIONS))
    assert again.equals(frame)


def test_genuine_rows_are_sampled_with_weights(run, frame):
    """A share of the genuine rows stands for all of them; features and frauds stay as they are."""
    some = pl.from_arrow(run.training_set(AS_OF, genuine_share=0.25, **OPTIONS))
    kept = frame.join(some.select("transaction_id"), on="transaction_id", how="semi")
    assert some.drop("weight").equals(kept.drop("weight"))
    frauds = frame.filter(pl.col("label") == 1)
    assert some.filter(pl.col("label") == 1)["weight"].to_list() == [1.0] * frauds.height
    genuine = some.filter(pl.col("label") == 0)
    assert (genuine["weight"] == 4).all()
    # Frauds that were told of later are sampled like all that counted as genuine then: else there
    # would be more of them among the rows than chance brings, and that would be the future.
    assert (genuine["transaction_id"] % 1_000_000 < 250_000).all()
    assert genuine.height * 4 == pytest.approx(frame.height - frauds.height, rel=0.12)


def test_channels_and_declined_rows_are_options(run, frame):
    """Only some channels, with the features of all; declined attempts only where asked for."""
    remote = pl.from_arrow(run.training_set(AS_OF, channels=("ecom", "moto"), **OPTIONS))
    assert remote.equals(frame.filter(pl.col("channel").is_in(["ecom", "moto"])))
    more = pl.from_arrow(run.training_set(AS_OF, is_declined_too=True, **OPTIONS))
    assert more.height > frame.height
    new = more.join(frame, on="transaction_id", how="anti")
    assert new["label"].sum() == 0


def test_a_written_set_is_the_one_in_memory(run, frame, tmp_path):
    """The file holds the frame; a second one does not replace it."""
    path = tmp_path / "set.parquet"
    assert run.write_training_set(path, str(AS_OF), **OPTIONS) == frame.height
    assert pl.read_parquet(path).equals(frame)
    with pytest.raises(ConflictError, match="exists already"):
        run.write_training_set(path, AS_OF, **OPTIONS)
    assert [each.name for each in tmp_path.iterdir()] == ["set.parquet"]


def test_two_who_write_one_name_do_not_share_a_file(run, frame, tmp_path, monkeypatch):
    """Whoever is second finds the first one's whole file, and changes nothing."""
    path = tmp_path / "set.parquet"
    parts = training.training_parts

    def overtaken(*given):
        monkeypatch.setattr(training, "training_parts", parts)
        yield from list(parts(*given))[:1]
        assert run.write_training_set(path, AS_OF, **OPTIONS) == frame.height

    monkeypatch.setattr(training, "training_parts", overtaken)
    with pytest.raises(ConflictError, match="was made by another meanwhile"):
        run.write_training_set(path, AS_OF, **OPTIONS)
    assert pl.read_parquet(path).equals(frame)
    assert [each.name for each in tmp_path.iterdir()] == ["set.parquet"]


def test_the_temporary_folder_may_have_any_name(run, frame, tmp_path, monkeypatch):
    """Quotes and signs of globs in it are no SQL."""
    folder = tmp_path / "it's [1] *"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert pl.from_arrow(run.training_set(AS_OF, **OPTIONS)).equals(frame)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"gap_days": 60}, "expected as_of more than 60 days after its first day"),
        ({"test_days": 9}, "9 days of test rows before its end"),
        ({"channels": ("web",)}, "channels: 'web'; expected some of pos"),
        ({"genuine_share": 0.0}, r"genuine_share: 0.0; expected a share in \(0, 1\]"),
        ({"train_days": 0}, "at least one to train on"),
        ({"train_days": 10**9}, "expected whole days from 0 to 36525"),
        ({"gap_days": 1.5}, "gap_days 1.5, .* expected whole days"),
        ({"test_days": "3"}, "test_days 3; expected whole days"),
        ({"genuine_share": 1e-9}, "of a millionth or more"),
        ({"gap": 3}, "no option 'gap'; expected some of gap_days"),
    ],
)
def test_requests_that_cannot_be_met_are_said(run, options, said):
    """Each names what is wrong and what was expected."""
    with pytest.raises(ConfigError, match=said):
        run.training_set(AS_OF, **options)


def test_a_set_can_be_learnt_from(frame):
    """Frauds stand out by their features of the past, though none of them is the answer."""
    train = frame.filter((pl.col("part") == "train") & pl.col("device_id").is_not_null())
    labels = train["label"].to_numpy().astype(bool)
    from sklearn.metrics import roc_auc_score

    names = [name for name in train.columns if name.endswith(("_1d", "_ratio", "_since_last"))]
    worths = [
        roc_auc_score(labels, np.nan_to_num(train[name].to_numpy().astype(float), nan=-1.0))
        for name in names
    ]
    best = max(max(worth, 1 - worth) for worth in worths)
    assert 0.6 < best < 0.99
