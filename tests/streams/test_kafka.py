"""A real broker gets the stream: keyed by card, in order within it, gone on with after a break."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time

import pytest

from fauxpay.errors import ConfigError, StorageError
from fauxpay.streams.avro_schema import canonical, event_schema
from fauxpay.streams.channels import open_channel
from fauxpay.streams.pace import Pace
from fauxpay.streams.play import Asked, Bookmark, play
from fauxpay.streams.received import graded

SECONDS_MAX = 60
CRC = "CRC-64-AVRO"


def consumer(broker: str, group: str):
    """A consumer of a group from the beginning on."""
    from confluent_kafka import Consumer

    return Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            # With the default the broker has nothing for a new group for twenty seconds.
            "session.timeout.ms": 6000,
        }
    )


def consumed(broker: str, prefix: str, count: int, cut_after: int | None = None) -> list:
    """Messages of all topics of a prefix; a consumer that loses its connection is another one then.

    cut_after  messages after which the consumer goes away, its last ones not committed
    """
    topics = [f"{prefix}.{topic}" for topic in ("transactions", "labels", "control")]
    one, got = consumer(broker, prefix), []
    one.subscribe(topics)
    end = time.monotonic() + SECONDS_MAX
    while len({(m.topic(), m.partition(), m.offset()) for m in got}) < count:
        assert time.monotonic() < end, f"{len(got)} of {count}"
        message = one.poll(1.0)
        if message is None or message.error():
            continue
        got.append(message)
        if len(got) % 100 == 0:
            one.commit(asynchronous=False)
        if cut_after is not None and len(got) == cut_after:
            one.close()
            one, cut_after = consumer(broker, prefix), None
            one.subscribe(topics)
    one.close()
    return got


@pytest.mark.slow
def test_a_broker_has_the_run(played, broker, tmp_path):
    """Every event once, key the card, order within each topic; a consumer that is cut off too."""
    target = f"kafka://{broker}/whole"
    done = play(played, Asked(target), Pace())
    count = sum(done.counts.values())
    got = consumed(broker, "whole", count + 1, cut_after=350)
    # Uncommitted messages come again to the consumer that follows.
    assert len(got) >= count + 1
    unique = {(m.topic(), m.partition(), m.offset()): m for m in got}
    for topic in ("transactions", "labels"):
        own = [m for m in unique.values() if m.topic() == f"whole.{topic}"]
        events = [json.loads(m.value()) for m in own]
        assert [m.key().decode() for m in own] == [one["partitionkey"] for one in events]
        by_card: dict[str, list[str]] = {}
        for one in events:
            by_card.setdefault(one["partitionkey"], []).append(one["sequence"])
        assert all(numbers == sorted(numbers) for numbers in by_card.values())
    (end,) = (m for m in unique.values() if m.topic() == "whole.control")
    assert json.loads(end.value())["data"]["sha256"] == done.sha256
    path = tmp_path / "got.ndjson"
    lines = sorted(m.value() for m in unique.values())
    path.write_bytes(
        b"\n".join(sorted(lines, key=lambda line: json.loads(line)["sequence"])) + b"\n"
    )
    assert graded(played, path).is_perfect


@pytest.mark.slow
def test_a_killed_producer_goes_on(played, broker):
    """SIGKILL, then --resume: nothing is missing, what came twice has the same id and words."""
    target = f"kafka://{broker}/killed"
    own = [sys.executable, "-m", "fauxpay", "stream", played.run_id, "--out", str(played.root)]
    running = subprocess.Popen([*own, "--to", target, "--rate", "250/s"])
    mark = Bookmark.of(played, target)
    end = time.monotonic() + SECONDS_MAX
    while not mark.read():
        assert time.monotonic() < end
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    done = play(played, Asked(target, is_resumed=True), Pace())
    assert 0 < done.first < sum(done.counts.values())
    count = sum(done.counts.values()) + 1
    by_id: dict[str, bytes] = {}
    one = consumer(broker, "killed")
    one.subscribe([f"killed.{topic}" for topic in ("transactions", "labels", "control")])
    while len(by_id) < count:
        assert time.monotonic() < end + SECONDS_MAX, f"{len(by_id)} of {count}"
        message = one.poll(1.0)
        if message is None or message.error():
            continue
        own_id = json.loads(message.value())["id"]
        assert by_id.setdefault(own_id, message.value()) == message.value()
    one.close()


def single_object(value: bytes) -> dict:
    """A message's event, as a consumer reads it that knows the schema by its fingerprint."""
    fastavro = pytest.importorskip("fastavro")
    assert value[:2] == b"\xc3\x01"
    schema = fastavro.parse_schema(event_schema())
    assert value[2:10].hex() == fastavro.schema.fingerprint(canonical(event_schema()), CRC)
    return fastavro.schemaless_reader(io.BytesIO(value[10:]), schema)


def test_messages_are_single_objects_of_avro(played, monkeypatch):
    """Mark, fingerprint and body; key and topics as with JSON; every value of every row."""
    sent: list[tuple[str, bytes, bytes, list]] = []

    class Producer:
        """Takes what it is given."""

        def __init__(self, settings):
            assert settings["acks"] == "all"

        def produce(self, topic, value, key, on_delivery, headers):
            sent.append((topic, value, key, headers))

        def poll(self, seconds):
            return 0

        flush = poll

        def purge(self):
            return None

    monkeypatch.setattr("confluent_kafka.Producer", Producer)
    done = play(played, Asked("kafka://h:1/own", encoding="avro"), Pace())
    assert len(sent) == sum(done.counts.values()) + 1
    assert {headers[0] for *_, headers in sent} == {("content-type", b"application/avro")}
    amounts = {}
    for topic, value, key, _ in sent[:-1]:
        event = single_object(value)
        assert key.decode() == event["partitionkey"]
        assert topic == f"own.{event['type'].rpartition('.')[2]}s"
        if topic == "own.transactions":
            amounts[event["data"]["transaction_id"]] = event["data"]["amount_minor"]
    rows = played.table("transactions").to_table(columns=["transaction_id", "amount_minor"])
    assert amounts == dict(zip(*(rows[n].to_pylist() for n in rows.column_names), strict=True))
    assert single_object(sent[-1][1])["data"]["sha256"] == done.sha256
    assert sent[-1][0] == "own.control"


@pytest.mark.slow
def test_a_broker_has_the_run_in_avro(played, broker):
    """Every event of the run, and the end of it."""
    done = play(played, Asked(f"kafka://{broker}/avro", encoding="avro"), Pace())
    count = sum(done.counts.values())
    got = consumed(broker, "avro", count + 1)
    ids = {single_object(message.value())["id"] for message in got}
    assert len(ids) == count + 1
    assert "completed" in ids


def test_no_broker_is_said(played):
    """Nobody listens: a StorageError with a remedy within the time given, nothing hangs."""
    from fauxpay.streams.kafka import KafkaChannel

    channel = KafkaChannel("kafka://127.0.0.1:9/none", seconds=1.0)
    begun = time.monotonic()
    with pytest.raises(StorageError, match="--resume"):
        channel.finish(b"{}\n")
    channel.close()
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize(
    "target", ["kafka:///prefix", "kafka://me:secret@h:1/x", "kafka://h:1/a/b"]
)
def test_a_wrong_address_is_refused(target):
    """No host, a password or a path of several parts: said without the secret."""
    with pytest.raises(ConfigError, match="expected kafka://HOST:PORT/PREFIX") as caught:
        open_channel(target, is_resumed=False)
    assert "secret" not in str(caught.value)
