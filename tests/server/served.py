"""A run to serve, a client that holds every answer against OpenAPI, and the real command."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
from starlette.testclient import TestClient

import fauxpay
from fauxpay.readers.run import Run, Store
from fauxpay.server.app import OPENAPI, Serving, application

HERE = "http://127.0.0.1:8765"
FRAUD = {
    "card_testing_per_card_year": 4.0,
    "mule_ring_per_card_year": 1.0,
    "lost_stolen_per_card_year": 1.0,  # Each a campaign of its own, of a request or a few.
}
ADDRESS = re.compile(r"http://\S+/")


def made(root: Path) -> Run:
    """A small run of two weeks with much fraud of three kinds."""
    place = {"from": "2026-03-01", "to": "2026-03-15", "out": str(root)}
    return fauxpay.generate(
        {
            "catalog": {"cards": 400, "merchants": 300, "places": 12},
            "fraud": FRAUD,
            "output": {"cards_per_shard": 200},
            "run": {**place, "executor": "serial", "report": False},
        }
    )


class Client:
    """Asks an application of our own; each answer must be as OpenAPI says."""

    def __init__(self, run: Run, **options: Any) -> None:
        self.run = run
        store = Store(run.root, options.pop("allow_unverified", False))
        self.http = TestClient(
            application(Serving(store, run.run_id, **options)), HERE, raise_server_exceptions=False
        )
        self.spec = self.http.get(OPENAPI).json()
        self.base = f"/api/runs/{run.run_id}"

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        """The document at an address; one that begins with / is whole, others are of the run."""
        whole = path if path.startswith("/") else f"{self.base}/{path}".rstrip("/")
        told = {key: str(value).lower() if isinstance(value, bool) else value
                for key, value in query.items()}  # fmt: skip
        answer = self.http.get(whole, params=told)
        assert answer.status_code == status, answer.text
        kind = answer.headers["content-type"].partition(";")[0]
        schema = self.promised(whole, status, kind)
        if not kind.endswith("json"):
            return answer.text
        document = answer.json()
        if schema:
            whole_schema = {**schema, "components": self.spec["components"]}
            jsonschema.validate(document, whole_schema, jsonschema.Draft202012Validator)
        return document

    def promised(self, path: str, status: int, kind: str) -> dict[str, Any]:
        """The schema that OpenAPI has for an answer; {} for addresses that it does not list."""
        for template, operations in self.spec["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                return dict(operations["get"]["responses"][str(status)]["content"][kind]["schema"])
        return {}


@contextmanager
def serving(root: Path, *words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The real `fauxpay serve` in a process of its own: its address, and the process."""
    command = [sys.executable, "-m", "fauxpay", "serve", "latest", "--out", str(root)]
    with subprocess.Popen(
        [*command, "--port", "0", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = ADDRESS.search(line)
            assert found, line or (process.stderr and process.stderr.read())
            yield found.group(), process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=20)


def told_in(text: str) -> dict[str, Any]:
    """A problem document."""
    return dict(json.loads(text))
