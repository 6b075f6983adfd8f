"""What workers of engines do: the world opened once, errors and warnings as answers."""

from __future__ import annotations

import pickle
import warnings
from dataclasses import replace

import pytest

from fauxpay.delivery import remote
from fauxpay.delivery.engine import default_maker
from fauxpay.delivery.remote import Answer, Errand, make_block, receipts_of
from fauxpay.delivery.signals import signals_kept
from fauxpay.delivery.task import PLAN_DAY, Task
from fauxpay.errors import ConfigError, FauxpayError, MissingExtraError, ResourceError, StorageError
from fauxpay.testing import executors as suite

BLOCK = ((Task(0, PLAN_DAY),), (Task(0, 20_513),), (Task(0, 20_514), Task(0, 20_515)))


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A sealed world with nothing made."""
    return suite._stage(tmp_path_factory.mktemp("remote"))


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """Each test starts as a new worker process does."""
    monkeypatch.setattr(remote, "_kept", {})


def errand_with(stage, **functions):
    """An errand in a folder of its own, with other functions of the engine."""
    context = stage.again("remote")
    return Errand(replace(context, engine=replace(context.engine, **functions)))


def test_a_block_answers_for_each_stretch_in_order(stage):
    """Receipts are those of the serial executor, and an answer survives the way to the caller."""
    answers = list(make_block(errand_with(stage), BLOCK))
    assert pickle.loads(pickle.dumps(answers)) == answers
    told = []
    receipts = [one for answer in answers for one in receipts_of(answer, told.append)]
    assert [one.event_day for one in receipts] == [
        *("2026-03-09", "2026-03-01", "2026-03-02", "2026-03-03")
    ]
    assert all(stage.wanted[one.event_day, one.shard] == one for one in receipts)
    assert told == [
        receipts[1].rows["transactions"],
        receipts[2].rows["transactions"] + receipts[3].rows["transactions"],
    ]


def test_a_process_opens_a_world_once(stage, monkeypatch):
    """Blocks of the same run share it; another run's takes its place, so memory stays flat."""
    opened = []
    plain = remote.open_world
    monkeypatch.setattr(remote, "open_world", lambda own: opened.append(own.root) or plain(own))
    first, second = errand_with(stage), errand_with(stage)
    for errand in (first, pickle.loads(pickle.dumps(first)), second, second):
        assert not any(answer.failed for answer in make_block(errand, BLOCK))
    assert opened == [first.context.root, second.context.root]
    assert len(remote._kept) == 1


def broken_maker(tables, derived, config, parameters):
    """A maker of a plug-in with a mistake."""
    raise KeyError("a plug-in's mistake")


def greedy_maker(tables, derived, config, parameters):
    """A maker that needs more memory than there is."""
    raise MemoryError


def warning_maker(tables, derived, config, parameters):
    """A maker that has something to say, and prints what belongs to nobody."""
    warnings.warn("the plug-in's facts are old", UserWarning, stacklevel=1)
    print("printed by a plug-in")
    return default_maker(tables, derived, config, parameters)


def raised_by(stage, maker):
    """What the caller sees of a maker's error."""
    answers = list(make_block(errand_with(stage, make_maker=maker), BLOCK))
    assert len(answers) == 1, "after a failure nothing is made"
    with pytest.raises(FauxpayError) as caught:
        receipts_of(answers[0], pytest.fail)
    return caught.value


def test_a_fault_of_a_plug_in_comes_back_with_its_traceback(stage):
    """What is no error of a user says where it was and brings the worker's lines."""
    error = raised_by(stage, broken_maker)
    assert type(error) is FauxpayError
    assert 'KeyError: "a plug-in\'s mistake"' in str(error)
    assert "in broken_maker" in str(error)


def test_a_worker_out_of_memory_says_so(stage):
    """The machine's refusal has its own class, though it happened elsewhere."""
    assert type(raised_by(stage, greedy_maker)) is ResourceError


def test_warnings_of_a_worker_reach_the_caller_and_print_is_no_result(stage, capsys):
    """A warning is given again in the calling process; standard output stays the caller's own."""
    answers = list(make_block(errand_with(stage, make_maker=warning_maker), BLOCK[:1]))
    with pytest.warns(
        RuntimeWarning, match="in a worker: UserWarning: the plug-in's facts are old"
    ):
        receipts_of(answers[0], pytest.fail)
    out, error = capsys.readouterr()
    assert out == ""
    assert "printed by a plug-in" in error


def test_a_worker_with_other_packages_is_refused(stage):
    """Other versions might write other bytes: nothing is made, and both versions are named."""
    errand = errand_with(stage)
    other = replace(errand, packages={**errand.packages, "pyarrow": "1.2.3"})
    (answer,) = make_block(other, BLOCK)
    with pytest.raises(ConfigError, match=r"pyarrow [\d.]+ instead of 1\.2\.3"):
        receipts_of(answer, pytest.fail)
    assert not list(errand.context.root.glob("worlds/*/seed=*"))


def test_a_worker_that_does_not_see_the_root_is_refused(stage, tmp_path):
    """A folder of one machine is no place for a cluster's files, and the message says so."""
    errand = errand_with(stage)
    lost = replace(errand, context=replace(errand.context, root=tmp_path / "elsewhere"))
    (answer,) = make_block(lost, BLOCK)
    with pytest.raises(StorageError, match="expected a place that all workers share"):
        receipts_of(answer, pytest.fail)


def test_an_answer_without_rows_tells_of_none():
    """Plans and days that were found empty do not stir the progress."""
    assert receipts_of(Answer(), pytest.fail) == ()


def test_engines_do_not_keep_the_signals():
    """What Ctrl-C and SIGTERM meant before an engine started they mean afterwards."""
    import signal

    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with signals_kept():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


@pytest.mark.parametrize(("name", "package"), [("ray", "ray"), ("spark", "pyspark")])
def test_a_missing_engine_names_its_extra(monkeypatch, name, package):
    """Without the package: what to install, before anything is made."""
    import sys

    from fauxpay.delivery.executors import executor

    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'fauxpay\[{name}\]'"):
        executor(name, 2)
