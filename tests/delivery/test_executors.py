"""Executors: ours keep the rules of the public suite, what breaks one is found, names are known."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from fauxpay.config import executors as names
from fauxpay.config import offered
from fauxpay.config.model import Config
from fauxpay.delivery import executors
from fauxpay.delivery.executors import SerialExecutor, executor
from fauxpay.delivery.processes import ProcessExecutor
from fauxpay.delivery.task import PLAN_DAY, Task, seed_folder
from fauxpay.errors import ConfigError, ExecutorError
from fauxpay.testing import check_executor
from fauxpay.testing import executors as suite


@pytest.mark.slow
def test_processes_keep_the_rules(tmp_path):
    """The executor of one machine passes the public suite, in which a whole world is made."""
    seen = check_executor(ProcessExecutor, tmp_path)
    assert (seen.partitions, seen.rows > 2000) == (27, True)
    assert not list(tmp_path.iterdir())


class Twice(SerialExecutor):
    """Tells of every partition twice."""

    def run(self, stretches, context, on_rows):
        for receipt in super().run(stretches, context, on_rows):
            yield from (receipt, receipt)


class Forgetful(SerialExecutor):
    """Leaves the last stretch out."""

    def run(self, stretches, context, on_rows):
        return super().run(stretches[:-1], context, on_rows)


class Mute(SerialExecutor):
    """Tells of no rows."""

    def run(self, stretches, context, on_rows):
        return super().run(stretches, context, lambda rows: None)


class Otherwise(SerialExecutor):
    """Makes another seed's days and says that they are this one's."""

    def run(self, stretches, context, on_rows):
        request = replace(context.request, seed=context.request.seed + 1)
        config = context.config.with_values({"run.seed": request.seed})
        other = replace(context, request=request, config=config)
        for receipt in super().run(stretches, other, on_rows):
            yield replace(receipt, seed=context.request.seed)


class Foreign(SerialExecutor):
    """Brings receipts of shards that nobody asked for."""

    def run(self, stretches, context, on_rows):
        for receipt in super().run(stretches, context, on_rows):
            yield replace(receipt, shard=receipt.shard + 10)


class Wrapping(SerialExecutor):
    """Errors come back as those of the engine."""

    def run(self, stretches, context, on_rows):
        try:
            yield from super().run(stretches, context, on_rows)
        except Exception as error:
            raise RuntimeError("a task failed") from error


class Vague(SerialExecutor):
    """Errors come back without their place."""

    def run(self, stretches, context, on_rows):
        try:
            yield from super().run(stretches, context, on_rows)
        except Exception as error:
            raise type(error)(str(error)) from None


class Hushing(SerialExecutor):
    """Errors do not come back."""

    def run(self, stretches, context, on_rows):
        try:
            yield from super().run(stretches, context, on_rows)
        except Exception:
            return


class Eager(SerialExecutor):
    """Makes everything before it tells of anything."""

    def run(self, stretches, context, on_rows):
        yield from list(super().run(stretches, context, on_rows))


class Unstoppable(SerialExecutor):
    """Goes on in a thread after it was closed."""

    threads: ClassVar[list[Thread]] = []

    def run(self, stretches, context, on_rows):
        try:
            yield from super().run(stretches, context, on_rows)
        finally:
            rest = super().run(stretches, context, on_rows)
            self.threads.append(Thread(target=lambda: deque(rest, 0)))
            self.threads[-1].start()


class Wasteful(SerialExecutor):
    """Removes what earlier runs made."""

    def run(self, stretches, context, on_rows):
        for path in (context.root / seed_folder(context)).rglob("*"):
            if path.is_file():
                path.unlink()
        return super().run(stretches, context, on_rows)


class Silent(SerialExecutor):
    """Makes all and tells of nothing."""

    def run(self, stretches, context, on_rows):
        deque(super().run(stretches, context, on_rows), 0)
        yield from ()


class Inventive(SerialExecutor):
    """Has a receipt though nothing was asked for."""

    def run(self, stretches, context, on_rows):
        return super().run(stretches or [(Task(0, PLAN_DAY),)], context, on_rows)


class Greedy(SerialExecutor):
    """Has more workers than are wanted."""

    worker_count = 7


class Broken(SerialExecutor):
    """Cannot even start."""

    def warm(self, task_count):
        raise OSError("no cluster")


class Scribbling(SerialExecutor):
    """Leaves other bytes behind when it is asked again."""

    asked: ClassVar[set[Path]] = set()

    def run(self, stretches, context, on_rows):
        yield from super().run(stretches, context, on_rows)
        if context.root in self.asked:
            next(context.root.rglob("until=*/part-0000.json")).write_bytes(b"{}")
        self.asked.add(context.root)


MAKES = suite._makes_what_serial_makes
ERRORS = suite._brings_errors_back
STOPS = suite._stops_and_resumes
MODEST = suite._is_modest
FAULTS = {
    "a run: 27 receipts came twice": (MAKES, Twice),
    "receipts are missing, first": (MAKES, Forgetful),
    "on_rows was told of 0 rows": (MAKES, Mute),
    "receipts differ from those of the serial executor": (MAKES, Otherwise),
    "receipts of others came": (MAKES, Foreign),
    "expected that nothing is written twice": (MAKES, Scribbling),
    "raised OSError('no cluster')": (MAKES, Broken),
    "came back as RuntimeError": (ERRORS, Wrapping),
    "its place is ('', '')": (ERRORS, Vague),
    "nothing was raised": (ERRORS, Hushing),
    "there was no receipt": (STOPS, Silent),
    "expected that closing stops the work": (STOPS, Eager),
    "partitions came into being afterwards": (STOPS, Unstoppable),
    "made again what was there": (STOPS, Wasteful),
    "no stretches: there are 1 receipts": (MODEST, Inventive),
    "worker_count: 7 when 2 are wanted": (MODEST, Greedy),
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """The suite's small world, and what the serial executor makes of it."""
    return suite._stage(tmp_path_factory.mktemp("stage"))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_rule_is_named(fault, stage, monkeypatch):
    """Negative space: each rule is seen to fail, and says what was expected."""
    rule, make = FAULTS[fault]
    # What runs on is waited for here: on a busy machine it may need longer than the suite gives.
    monkeypatch.setattr(suite, "_wait", lambda: [one.join() for one in Unstoppable.threads])
    found = suite._judged(rule, make, stage)
    for thread in Unstoppable.threads:
        thread.join()
    assert any(fault in one for one in found), found
    if make is Otherwise:
        assert any("the files differ from those" in one for one in found), found


@pytest.mark.parametrize("rule", suite.RULES, ids=lambda rule: rule.__name__)
def test_the_serial_executor_breaks_no_rule(rule, stage):
    """What the others are held against keeps each rule on the stage of the negative tests too."""
    assert suite._judged(rule, SerialExecutor, stage) == []


@pytest.mark.slow
def test_every_broken_rule_is_in_the_error(tmp_path):
    """The public suite raises one error that names all rules an executor breaks."""
    with pytest.raises(ExecutorError, match=r"breaks 3 rules") as caught:
        check_executor(Twice, tmp_path)
    told = str(caught.value)
    for when in ("a run", "tasks tried again", "a resumed run"):
        assert f"{when}: 27 receipts came twice" in told
    assert caught.value.exit_code == 12
    assert not list(tmp_path.iterdir())


def test_an_unknown_name_is_refused_with_the_nearest():
    """The config says what is known and what was probably meant; so does the command line."""
    for given, meant in (("rya", "ray"), ("process", "processes"), ("Spark", "spark")):
        with pytest.raises(ConfigError, match=f"did you mean {meant}\\?") as caught:
            Config(run={"executor": given})
        assert "one of serial, processes, ray, spark" in str(caught.value)
    with pytest.raises(ConfigError, match=r"run\.executor = 5: allowed is one of serial"):
        Config(run={"executor": 5})


def offer(monkeypatch, value):
    """Pretends that an installed package offers an executor `tested`."""
    point = EntryPoint("tested", value, names.GROUP)
    monkeypatch.setattr(offered, "entry_points", lambda group: [point])


def test_another_package_s_executor_is_found_by_its_entry_point(monkeypatch):
    """A name that a package offers is a value of run.executor, and is made with the workers."""
    offer(monkeypatch, "fauxpay.delivery.processes:ProcessExecutor")
    config = Config(run={"executor": "tested", "workers": 3})
    made = executor(config.run.executor, config.run.workers)
    assert isinstance(made, ProcessExecutor)
    assert made.worker_count == 3


def test_what_is_no_executor_is_refused(monkeypatch):
    """An entry point of something else is an error that names it."""
    offer(monkeypatch, "json:dumps")
    with pytest.raises(ConfigError, match="json:dumps is not the executor 'tested'"):
        executor("tested", 1)


def test_a_package_cannot_take_one_of_our_names(monkeypatch):
    """Whatever is installed, `serial` is ours."""
    point = EntryPoint("serial", "json:dumps", names.GROUP)
    monkeypatch.setattr(offered, "entry_points", lambda group: [point])
    assert names.executors_of_others() == {}
    assert isinstance(executor("serial", 4), SerialExecutor)


def test_one_process_is_this_one():
    """A single worker needs no process of its own."""
    assert isinstance(executor("processes", 1), SerialExecutor)
    assert executor("processes", 0).worker_count == executors.core_count()
