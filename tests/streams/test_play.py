"""Streams can be cut anywhere and go on; receivers that are slow, away or wrong are respected."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

import fauxpay
from fauxpay.errors import ConfigError, ConflictError, ContractError, StorageError
from fauxpay.foundations.addresses import masked
from fauxpay.streams.channels import HttpChannel
from fauxpay.streams.pace import Pace
from fauxpay.streams.play import Asked, Bookmark, play
from fauxpay.streams.received import graded
from sealed import FIRST, file_of


@pytest.fixture(scope="module")
def whole(played, tmp_path_factory) -> bytes:
    """A file of the whole stream."""
    path = tmp_path_factory.mktemp("stream") / "events.ndjson"
    play(played, Asked(str(path)), Pace())
    return path.read_bytes()


def command(run, *arguments: str) -> list[str]:
    """`fauxpay stream` of the run."""
    own = [sys.executable, "-m", "fauxpay", "stream", run.run_id, "--out", str(run.root)]
    return [*own, *arguments]


def test_the_end_tells_counts_and_digest(played, whole):
    """The last line counts what came before it, and digests it."""
    lines = whole.splitlines(keepends=True)
    end = json.loads(lines[-1])
    assert end["type"] == "fauxpay.stream.completed"
    assert end["data"]["transaction"] == played.rows["transactions"]
    assert end["data"]["label"] == played.rows["labels"]
    assert int(end["sequence"]) == len(lines) - 1
    assert end["data"]["sha256"] == hashlib.sha256(b"".join(lines[:-1])).hexdigest()


@pytest.mark.parametrize("part", [0.0, 0.0001, 0.4, 0.77, 0.99999, 1.0])
def test_a_file_cut_anywhere_goes_on_to_the_same_bytes(played, whole, tmp_path, part):
    """Torn lines are cut off; a stream that was complete stays as it is."""
    path = tmp_path / "cut.ndjson"
    path.write_bytes(whole[: int(len(whole) * part)])
    done = play(played, Asked(str(path), is_resumed=True), Pace())
    assert path.read_bytes() == whole
    # The line that ends it is no event.
    assert (done.sent == 0) == (part > 0.99)


def test_zeros_that_a_power_cut_left_are_cut_off(played, whole, tmp_path):
    """A file may have its length without its bytes: it goes on behind the last whole line."""
    path = tmp_path / "cut.ndjson"
    path.write_bytes(whole[: len(whole) // 2] + bytes(5000))
    play(played, Asked(str(path), is_resumed=True), Pace())
    assert path.read_bytes() == whole


@pytest.mark.parametrize("torn", [b"", b'{"specversion'])
def test_a_file_of_another_run_is_not_gone_on_with(played, whole, tmp_path, torn):
    """Refused, and not a byte of it changes, be its last line whole or not."""
    other = whole[: whole.index(b"\n", 5000) + 1].replace(played.run_id.encode(), b"0" * 20)
    path = tmp_path / "other.ndjson"
    path.write_bytes(other + torn)
    with pytest.raises(ConflictError, match=f"another run's stream; expected .* {played.run_id}"):
        play(played, Asked(str(path), is_resumed=True), Pace())
    assert path.read_bytes() == other + torn


@pytest.mark.parametrize("pattern", [FIRST, FIRST.replace("transactions", "labels")])
def test_a_run_with_a_file_missing_leaves_no_target(root, tmp_path, pattern):
    """It is told before the target is made: nothing stands in the way once the run is whole."""
    run = fauxpay.open(root).latest()
    file_of(root, pattern).unlink()
    with pytest.raises(StorageError, match="missing"):
        play(run, Asked(str(tmp_path / "d.ndjson")), Pace())
    assert not (tmp_path / "d.ndjson").exists()


def test_a_killed_stream_goes_on(played, whole, tmp_path):
    """SIGKILL in the middle, then --resume: the same file."""
    path = tmp_path / "killed.ndjson"
    running = subprocess.Popen(
        command(played, "--to", str(path), "--rate", "1000/s"), stdout=subprocess.DEVNULL
    )
    while not path.exists() or path.stat().st_size < 100_000:
        time.sleep(0.02)
        assert running.poll() is None
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert 0 < path.stat().st_size < len(whole)
    subprocess.run(command(played, "--to", str(path), "--resume"), check=True)
    assert path.read_bytes() == whole


def test_a_signal_ends_it_cleanly(played, tmp_path):
    """SIGTERM: exit code 143, whole lines, no traceback."""
    path = tmp_path / "stopped.ndjson"
    running = subprocess.Popen(
        command(played, "--to", str(path), "--rate", "1000/s"), stderr=subprocess.PIPE, text=True
    )
    while not path.exists() or path.stat().st_size < 100_000:
        time.sleep(0.02)
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 143
    assert "Traceback" not in errors


def test_a_file_that_is_there_is_not_overwritten(played, tmp_path):
    """Without --resume it is refused; one that is no stream is refused with it too."""
    path = tmp_path / "mine.txt"
    path.write_text("dear diary\n")
    with pytest.raises(ConflictError, match="there already"):
        play(played, Asked(str(path)), Pace())
    with pytest.raises(ConflictError, match="no event of a stream"):
        play(played, Asked(str(path), is_resumed=True), Pace())
    assert path.read_text() == "dear diary\n"


def test_standard_output_is_the_stream_alone(played, whole):
    """Only lines on it; the summary goes to standard error."""
    done = subprocess.run(command(played), capture_output=True, check=True)
    assert done.stdout == whole
    assert b"events of run" in done.stderr


def test_kinds_and_offsets_choose_from_one_sequence(played, whole, tmp_path):
    """Labels alone, and the rest from a place on, keep their numbers."""
    lines = whole.splitlines(keepends=True)
    path = tmp_path / "labels.ndjson"
    play(played, Asked(str(path), only=("label",)), Pace())
    wanted = [line for line in lines if b'"fauxpay.label"' in line]
    assert path.read_bytes().splitlines(keepends=True)[:-1] == wanted
    path = tmp_path / "rest.ndjson"
    play(played, Asked(str(path), from_offset=len(lines) - 101), Pace())
    assert path.read_bytes() == b"".join(lines[-101:])
    with pytest.raises(ConfigError, match=f"has {len(lines) - 1} events"):
        play(played, Asked(str(tmp_path / "beyond"), from_offset=len(lines) + 7), Pace())
    assert not (tmp_path / "beyond").exists(), "it would stand in the way the next time"


@pytest.mark.parametrize("begun", [0, 40])
def test_resuming_leaves_no_event_out(played, whole, tmp_path, begun):
    """A place beyond the end of the file counts only where nothing was sent: no hole comes in."""
    lines = whole.splitlines(keepends=True)
    path = tmp_path / "begun.ndjson"
    path.write_bytes(b"".join(lines[:begun]))
    done = play(played, Asked(str(path), from_offset=90, is_resumed=True), Pace())
    assert path.read_bytes() == (whole if begun else b"".join(lines[90:]))
    assert done.first == (begun or 90)


def damaged(lines: list[bytes], how: str) -> list[bytes]:
    """Received lines after an accident."""
    event = json.loads(lines[3])
    foreign = {**json.loads(lines[8]), "id": "1"}
    stranger = json.dumps(foreign, separators=(",", ":")).encode() + b"\n"
    event["data"]["amount_minor"] += 1
    raised = json.dumps(event, separators=(",", ":")).encode() + b"\n"
    return {
        "missing": lines[:5] + lines[6:],
        "repeated": [*lines[:9], lines[8], *lines[9:]],
        "unknown": [*lines[:9], stranger, *lines[9:]],
        "altered": [*lines[:3], raised, *lines[4:]],
        "out_of_order": [*lines[:20], lines[21], lines[20], *lines[22:]],
        "is_completed": lines[:-1],
    }[how]


def test_a_perfect_delivery_is_graded_so(played, whole, tmp_path):
    """What was sent is what should be there."""
    path = tmp_path / "got.ndjson"
    path.write_bytes(whole)
    grade = graded(played, path)
    assert grade.is_perfect
    assert grade.received == grade.expected == len(whole.splitlines()) - 1


def test_a_file_with_signs_of_a_glob_in_its_name_is_that_file(played, whole, tmp_path):
    """What stands beside it under a name that matches is not graded in its place."""
    (tmp_path / "g1.ndjson").write_bytes(whole)
    path = tmp_path / "g[1].ndjson"
    path.write_bytes(b"".join(damaged(whole.splitlines(keepends=True), "missing")))
    assert graded(played, path).missing == 1


@pytest.mark.parametrize(
    "how", ["missing", "repeated", "unknown", "altered", "out_of_order", "is_completed"]
)
def test_each_accident_is_counted(played, whole, tmp_path, how):
    """One lost, doubled, foreign, altered, late or cut line is that and no more; exit code 8."""
    path = tmp_path / "got.ndjson"
    path.write_bytes(b"".join(damaged(whole.splitlines(keepends=True), how)))
    found = graded(played, path).document()
    assert found.pop("is_perfect") is False
    assert found.pop("is_completed") == (how != "is_completed")
    counts = {name: found[name] for name in found if name not in ("expected", "received")}
    assert counts == {name: int(name == how) for name in counts}
    done = subprocess.run(
        command(played, "--check", str(path), "--json"), capture_output=True, text=True
    )
    assert done.returncode == 8
    told = json.loads(done.stdout)
    assert {name: told[name] for name in found} == found


def test_a_foreign_event_that_came_twice_is_foreign_twice(played, whole, tmp_path):
    """Repeated are events of the run alone."""
    lines, path = whole.splitlines(keepends=True), tmp_path / "got.ndjson"
    stranger = json.dumps({**json.loads(lines[8]), "id": "1"}).encode() + b"\n"
    path.write_bytes(b"".join([*lines[:9], stranger, stranger, *lines[9:]]))
    grade = graded(played, path)
    assert (grade.unknown, grade.repeated) == (2, 0)


@pytest.mark.parametrize("kind", ["transaction", "label"])
def test_one_kind_is_graded_by_itself(played, whole, tmp_path, kind):
    """Of a stream of one kind, or of all of them, only that kind is looked at: order, too."""
    own, everything = tmp_path / "own.ndjson", tmp_path / "everything.ndjson"
    play(played, Asked(str(own), only=(kind,)), Pace())
    lines = whole.splitlines(keepends=True)
    is_own = [f'"fauxpay.{kind}"'.encode() in line for line in lines]
    others = [line for line, is_mine in zip(lines, is_own, strict=True) if not is_mine]
    mine = [line for line, is_mine in zip(lines, is_own, strict=True) if is_mine]
    everything.write_bytes(b"".join(mine + others[::-1]))
    for path in (own, everything):
        grade = graded(played, path, only=(kind,))
        assert grade.is_perfect, (path, grade)
        assert grade.expected == grade.received == played.rows[f"{kind}s"]
    assert graded(played, own).missing == len(others) - 1


def test_pace_by_a_clock_of_ours():
    """At 10/s or 3600 times the world's speed each event comes when it is due, never before."""
    now = [0.0]
    for pace, due in (
        (Pace(rate=10.0), [0.0, 0.1, 0.2, 0.3]),
        (Pace(speed=3600.0), [0.0, 1.0, 1.0, 3.5]),
    ):
        now[0] = 5.0
        pace.clock = lambda: now[0]
        pace.sleep = lambda seconds: now.__setitem__(0, now[0] + max(seconds, 0.001))
        times = np.array([0, 3600, 3600, 12_600], dtype=np.int64) * 1_000_000
        given = []
        for some in pace.slices(times):
            given += [now[0] - 5.0] * (some.stop - some.start)
        assert len(given) == 4
        for at, wanted in zip(given, due, strict=True):
            assert wanted - 1e-9 <= at <= wanted + 0.05


class Receiver:
    """An HTTP endpoint that answers as it is told, and keeps what it took."""

    def __init__(self, answers: list[int], seconds: float = 0.0) -> None:
        self.taken: list[dict] = []
        self.peak = self.under_way = 0
        receiver, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                with lock:
                    receiver.under_way += 1
                    receiver.peak = max(receiver.peak, receiver.under_way)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = answers.pop(0) if answers else 204
                time.sleep(seconds)
                if status < 300:
                    assert self.headers["Content-Type"].startswith("application/cloudevents-batch")
                    receiver.taken += json.loads(body)
                with lock:
                    receiver.under_way -= 1
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/events"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *failure: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_an_endpoint_that_stumbles_gets_everything(played, whole):
    """503 and 429 are tried again; what arrives is the stream, in order, one request at a time."""
    with Receiver([503, 204, 429, 500]) as receiver:
        play(played, Asked(receiver.url), Pace())
        assert receiver.peak == 1
        assert [json.loads(line) for line in whole.splitlines()] == receiver.taken


def test_an_endpoint_that_refuses_ends_it_and_is_gone_on_with(played, whole):
    """400 is not tried again: exit code 6 and a place to go on from; ids tell what came twice."""
    with Receiver([204] * 4 + [400]) as receiver:
        with pytest.raises(StorageError, match="answered 400"):
            play(played, Asked(receiver.url), Pace())
        play(played, Asked(receiver.url, is_resumed=True), Pace())
        got = {one["id"]: one for one in receiver.taken}
        assert list(got.values()) == [json.loads(line) for line in whole.splitlines()]


def test_nobody_there_is_said(played):
    """A refused connection is a StorageError that names host and remedy, without secrets."""
    channel = HttpChannel("http://user:secret@127.0.0.1:9/in?token=abc", tries=1)
    with pytest.raises(StorageError, match=r"127\.0\.0\.1:9/in: .*--resume") as caught:
        channel.finish(b"{}\n")
    assert "secret" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_the_place_of_a_stream_stands_below_the_root(played):
    """One file for each target, named by a digest; files need none."""
    place = Bookmark.of(played, "kafka://h:1/x")
    assert place.root == played.root
    assert place.name.startswith("streams/")
    assert place.read() == 0
    assert Bookmark.of(played, "events.ndjson").root is None
    place.save(41)
    place.save(42)
    assert place.read() == 42
    (played.root / place.name).unlink()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"next": "5"}', '{"next": -1}'])
def test_a_damaged_place_is_said(played, text):
    """--resume does not guess how far a stream came, and does not break with a trace."""
    place = Bookmark.of(played, "kafka://h:1/damaged")
    place.save(41)
    path = played.root / place.name
    path.write_text(text)
    with pytest.raises(ContractError, match=r"does not say how far.*--from-offset"):
        place.read()
    path.unlink()


def test_nothing_is_sent_where_no_place_can_be_kept(played, monkeypatch):
    """A root that cannot be written: told before the first event, not after the last one."""

    def full(self, following):
        raise StorageError("read-only")

    monkeypatch.setattr(Bookmark, "save", full)
    with Receiver([]) as receiver:
        with pytest.raises(StorageError, match="read-only"):
            play(played, Asked(receiver.url), Pace())
        assert receiver.taken == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--to", "ftp://h/x"], "expected stdout, a file, kafka"),
        (["--to", "http://"], "expected http://HOST:PORT/PATH"),
        (["--rate", "fast"], "expected events a second"),
        (["--rate", "5/s", "--speed", "2"], "expected one of them"),
        (["--speed", "-1"], "above 0"),
        (["--only", "truth"], "expected transactions or labels"),
    ],
)
def test_what_cannot_be_asked_is_refused(played, arguments, told):
    """Exit code 2 and a line that says what is allowed."""
    done = subprocess.run(command(played, *arguments), capture_output=True, text=True)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stdout == ""


def test_a_masked_target_has_no_secret():
    """User, password and query go."""
    assert masked("https://me:pw@host:1/path?key=1") == "https://host:1/path"
    assert masked("a/b.ndjson") == "a/b.ndjson"


def test_a_full_disk_is_said(played):
    """/dev/full takes nothing: exit code 6, and how to go on."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command(played), stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 6
    assert "--resume" in done.stderr
    assert "--from-offset" in done.stderr  # For the place in a pipe is known to nobody.
    assert os.linesep.join(done.stderr.splitlines()[:1]).startswith("fauxpay: ")


@pytest.mark.parametrize("ends", [b"\r\n", b"\r\n \n", b"\n \r\n", b"\r\n \n \n\n"])
def test_lines_may_end_as_they_like(played, whole, tmp_path, ends):
    """All by CR LF, by turns, or with empty lines between: the same lines, a perfect delivery."""
    path, turns = tmp_path / "received.jsonl", ends.split(b" ")
    lines = whole.splitlines()
    told = (line + turns[place % len(turns)] for place, line in enumerate(lines))
    path.write_bytes(b"\xef\xbb\xbf" + b"".join(told))
    assert graded(played, path).is_perfect


def test_what_is_no_event_is_told_by_its_line(played, whole, tmp_path):
    """A line that was cut, bytes that are no text, a file that is not there: which, and why."""
    path = tmp_path / "received.jsonl"
    count = len(whole.splitlines())
    for data, said in (
        (whole[:-40], f"line {count} is no JSON, or was cut"),
        (b"{}\r\n" + b"\xff\n" + whole, "is no UTF-8 text"),
        (b"x" * (6 << 20), "line 1 is longer than any event"),
    ):
        path.write_bytes(data)
        with pytest.raises(ContractError, match=said):
            graded(played, path)
    path.unlink()
    with pytest.raises(ContractError, match="No such file"):
        graded(played, path)
