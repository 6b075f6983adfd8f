"""The outbox: in order, a few at a time, nothing lost, and made while others go out."""

from __future__ import annotations

import itertools
import threading
import time
from contextlib import closing

import pytest

import fauxpay
import sealed as sealed_root
from fauxpay.delivery import partition
from fauxpay.delivery.object_sink import ObjectSink
from fauxpay.delivery.outbox import WAITING_MAX, Outbox
from fauxpay.delivery.sinks import LocalSink
from fauxpay.errors import StorageError

_counter = itertools.count()


def kept():
    """Nothing of these posts is ever given up."""
    raise AssertionError("given up")


def outbox_in(folder, *, is_threaded=True):
    """An outbox for a folder."""
    return Outbox(LocalSink(folder), is_threaded=is_threaded)


@pytest.mark.parametrize("is_threaded", [False, True])
def test_everything_that_is_posted_is_told_once_and_in_order(is_threaded, tmp_path):
    """What `post` and `rest` return is what was posted."""
    told = []
    with closing(outbox_in(tmp_path, is_threaded=is_threaded)) as outbox:
        for nth in range(20):
            told += outbox.post(lambda nth=nth: [nth], kept)
        told += outbox.rest()
        assert outbox.rest() == []
    assert told == list(range(20))


def test_without_a_thread_it_is_published_at_once(tmp_path):
    """No wait: the receipt is there when `post` returns."""
    outbox = outbox_in(tmp_path, is_threaded=False)
    assert outbox.post(lambda: [threading.get_ident()], kept) == [threading.get_ident()]
    outbox.close()


def test_what_is_public_is_told_by_the_next_call(tmp_path):
    """Whoever counts what is finished hears of it while the next one is under way."""
    public = threading.Event()
    with closing(outbox_in(tmp_path)) as outbox:
        assert outbox.post(lambda: [public.wait(5)], kept) == []
        public.set()
        time.sleep(0.3)
        assert outbox.post(list, kept) == [True]
        assert outbox.rest() == []


def test_few_wait_at_a_time(tmp_path):
    """Whoever makes faster than it goes out is held up, so that memory stays flat."""
    gate, begun = threading.Event(), []
    outbox = outbox_in(tmp_path)

    def publish(nth):
        begun.append(nth)
        gate.wait()
        return [nth]

    for nth in range(WAITING_MAX):
        assert outbox.post(lambda nth=nth: publish(nth), kept) == []
    late = threading.Thread(target=lambda: outbox.post(lambda: publish("late"), kept))
    late.start()
    late.join(0.3)
    assert late.is_alive(), "the third post waits"
    assert begun == [0]
    gate.set()
    late.join(5)
    assert not late.is_alive()
    outbox.close()


def test_what_fails_is_raised_by_the_next_call(tmp_path):
    """An error is not lost, and a closed outbox takes nothing."""
    failed = threading.Event()

    def broken():
        failed.set()
        raise StorageError("full")

    outbox = outbox_in(tmp_path)
    with pytest.raises(StorageError, match="full"):
        outbox.post(broken, kept) or (failed.wait(5) and outbox.rest())
    outbox.close()
    with pytest.raises(RuntimeError, match="after shutdown"):
        outbox.post(list, kept)


def test_what_has_not_begun_is_given_up_when_it_is_closed(tmp_path):
    """What goes out is waited for; the others are told that they never will."""
    begun, gate, told = threading.Event(), threading.Event(), []

    def publish():
        begun.set()
        gate.wait()
        told.append("public")
        return []

    outbox = outbox_in(tmp_path)
    outbox.post(publish, lambda: told.append("first"))
    outbox.post(publish, lambda: told.append("second"))
    assert begun.wait(5)
    threading.Timer(0.2, gate.set).start()
    outbox.close()
    assert told == ["second", "public"]


def test_the_next_days_are_made_while_the_last_ones_go_out(monkeypatch):
    """In a store that takes its time, making and sending overlap."""
    log, publish, make = [], ObjectSink.publish, partition._made

    def slow(self, staged):
        log.append("send")
        time.sleep(0.4)
        done = publish(self, staged)
        log.append("sent")
        return done

    def made(*given):
        log.append("make")
        return make(*given)

    monkeypatch.setattr(ObjectSink, "publish", slow)
    monkeypatch.setattr(partition, "_made", made)
    root = f"memory://outbox{next(_counter)}/a"
    run = fauxpay.generate(sealed_root.request(root))
    assert run.table("transactions").count_rows() == run.rows["transactions"]
    first, last = log.index("make"), len(log) - log[::-1].index("make")
    between = log[first:last]
    assert "send" in between
    sends = [nth for nth, word in enumerate(log) if word == "send"]
    assert any(
        "make" in log[nth : log.index("sent", nth)] for nth in sends if "sent" in log[nth:]
    ), log
