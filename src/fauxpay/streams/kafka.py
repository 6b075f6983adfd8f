"""Kafka: transactions and labels as topics, keyed by card.

Reads    encoded events
Writes   topics PREFIX.transactions, PREFIX.labels, PREFIX.control
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pyarrow.compute as pc

from fauxpay.errors import ConfigError, MissingExtraError, StorageError
from fauxpay.foundations.addresses import masked
from fauxpay.streams.avro_schema import object_header
from fauxpay.streams.channels import Encoding
from fauxpay.streams.envelope import Events

TOPICS = ("transactions", "labels")
CONTROL = "control"
PREFIX = "fauxpay"
_POLL_EVENTS = 1000
_CONTENT_TYPES: dict[Encoding, bytes] = {
    "json": b"application/cloudevents+json; charset=utf-8",
    "avro": b"application/avro",
}


class KafkaChannel:
    """A producer that keeps order within a card and waits for all replicas.

    target    kafka://HOST:PORT[,HOST:PORT]/PREFIX
    encoding  json, or avro: single objects, with the schema's fingerprint before each body
    seconds   for which an event is tried
    """

    def __init__(self, target: str, encoding: Encoding = "json", seconds: float = 60.0) -> None:
        try:
            from confluent_kafka import Producer
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                "confluent-kafka is not installed, which writes to brokers; `pip install "
                "'fauxpay[kafka]'` brings it"
            ) from error
        parts = urlsplit(target)
        self._name, self._prefix = masked(target), parts.path.strip("/") or PREFIX
        if not parts.netloc or "@" in parts.netloc or "/" in self._prefix:
            raise ConfigError(
                f"--to {self._name}: expected kafka://HOST:PORT/PREFIX, several hosts with commas"
            )
        self._seconds, self._faults = seconds, list[str]()
        self._headers: list[tuple[str, str | bytes | None]] = [
            ("content-type", _CONTENT_TYPES[encoding])
        ]
        # A line has a line feed, which no message needs.
        self._before, self._trailing = (object_header(), 0) if encoding == "avro" else (b"", 1)
        self._producer = Producer(
            {
                "bootstrap.servers": parts.netloc,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 20,
                "message.timeout.ms": int(seconds * 1000),
                "queue.buffering.max.kbytes": 64 * 1024,
                "compression.type": "none",
                "error_cb": self._told,
                "log_level": 0,
            }
        )

    def send(self, events: Events) -> None:
        """Queues events; a full queue blocks until the broker has taken some."""
        text, begin = events.text(), 0
        names = [f"{self._prefix}.{topic}" for topic in TOPICS]
        lengths = pc.binary_length(events.lines).to_pylist()
        for row, (kind, card, length) in enumerate(
            zip(events.kind.tolist(), events.key.tolist(), lengths, strict=True)
        ):
            value = self._before + text[begin : begin + length - self._trailing]
            begin += length
            self._produce(names[kind], str(card).encode(), value)
            if row % _POLL_EVENTS == 0:
                self._producer.poll(0)
        self._check()

    def finish(self, last: bytes) -> None:
        """The last event, on the control topic, after all others have arrived."""
        self.flush()
        value = self._before + last[: len(last) - self._trailing]
        self._produce(f"{self._prefix}.{CONTROL}", b"", value)
        self.flush()

    def flush(self) -> None:
        """Waits until the broker has everything."""
        left = self._producer.flush(self._seconds)
        self._check()
        if left:
            raise self._failed(f"{left} events not taken within {self._seconds:.0f} s")

    def close(self) -> None:
        """Drops what is still queued."""
        self._producer.purge()

    def _produce(self, topic: str, key: bytes, value: bytes) -> None:
        while True:
            try:
                self._producer.produce(
                    topic, value, key, on_delivery=self._delivered, headers=self._headers
                )
                return
            except BufferError:
                self._producer.poll(0.1)
                self._check()

    def _delivered(self, error: Any, message: Any) -> None:
        del message
        if error is not None:
            self._faults.append(str(error))

    def _told(self, error: Any) -> None:
        if error.fatal():
            self._faults.append(str(error))

    def _check(self) -> None:
        if self._faults:
            raise self._failed(self._faults[0])

    def _failed(self, why: str) -> StorageError:
        return StorageError(
            f"{self._name}: {why}; expected a broker that takes events. The same command with "
            f"--resume goes on from what it acknowledged."
        )
