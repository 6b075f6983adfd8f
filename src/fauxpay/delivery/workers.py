"""Workers: what runs in a spawned process. One pipe to the parent, nothing shared.

The parent sends a Context, then stretch after stretch, then None. The worker answers with `Rows`,
`Finished`, `Idle`, `Left` and `Failed`. A pipe of its own cannot be blocked by the death of another
worker.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, NoReturn

from fauxpay import errors
from fauxpay.errors import FauxpayError, StorageError
from fauxpay.foundations.machine import refused

if TYPE_CHECKING:
    from fauxpay.config.model import Config
    from fauxpay.delivery.task import Context
    from fauxpay.delivery.workshop import Workshop
    from fauxpay.receipts.records import PartitionReceipt


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows made since the last word."""

    count: int


@dataclass(frozen=True, slots=True)
class Finished:
    """Partitions are public: of the stretch at work, or of those before."""

    receipts: tuple[PartitionReceipt, ...]


@dataclass(frozen=True, slots=True)
class Idle:
    """There is nothing to do until another stretch comes."""


@dataclass(frozen=True, slots=True)
class Left:
    """All that was made is public, and nothing more is waited for."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A task raised.

    task    what was being made, or "" before any
    kind    name of the error's class
    trace   the worker's own traceback
    place   about, partition and segment of the error, where it knows them
    """

    task: str
    kind: str
    message: str
    trace: str
    place: tuple[str, str, str] = ("", "", "")


def work(connection: Connection) -> None:
    """Runs a worker until the parent says None or goes away."""
    # Ctrl-C reaches the whole group; the parent decides and ends us by SIGTERM, which discards
    # the staged files on its way out.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    try:
        _serve(connection)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # The parent is gone; what is published stays good.


def open_world(context: Context) -> Workshop:
    """The workshop of a sealed world, read from disk."""
    from fauxpay.delivery.workshop import open_workshop
    from fauxpay.delivery.worlds import find_world, read_catalog_tables, read_derived

    limit_threads()
    world = find_world(context.root, context.request.world_id)
    if world is None:
        raise StorageError(
            f"{context.root}: files of world {context.request.world_id[:12]}... went missing while "
            f"its partitions were made; expected nobody to remove any. The same command builds it "
            f"again."
        )
    tables = read_catalog_tables(context.root, world)
    derived = read_derived(context.root, world)
    maker = context.engine.make_maker(tables, derived, context.config, context.parameters)
    return open_workshop(maker, tables, context.engine.make_inspector)


def own_process(config: Config) -> None:
    """Settles a process that does nothing but our work: what its libraries keep and look for."""
    from fauxpay.config.typologies import names_of_others
    from fauxpay.foundations.memory import keep_freed_memory
    from fauxpay.foundations.without_pandas import leave_pandas_out

    keep_freed_memory()
    # Packages of others may hand Arrow data frames.
    if not names_of_others(config.fraud):
        leave_pandas_out()


def limit_threads() -> None:
    """Keeps Arrow to one thread, for processes are what we divide the work by."""
    import pyarrow as pa

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)


def _serve(connection: Connection) -> None:
    # Imported while the parent still builds the world.
    from fauxpay.delivery.engine import import_maker
    from fauxpay.delivery.partition import begin_partitions, outbox_of

    import_maker()

    def told(rows: int) -> None:
        connection.send(Rows(rows))

    current = ""
    try:
        context: Context = connection.recv()
        own_process(context.config)
        workshop = open_world(context)
        # What is there now stays: the collector need not look through it again and again.
        gc.freeze()
        connection.send(Idle())
        with closing(outbox_of(context)) as outbox:
            while (stretch := connection.recv()) is not None:
                current = f"{stretch[0]} and the {len(stretch) - 1} days after"
                done = begin_partitions(context, workshop, stretch, told, outbox)
                connection.send(Finished(tuple(done)))
                connection.send(Idle())
            connection.send(Finished(tuple(outbox.rest())))
        connection.send(Left())
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:  # Told to the parent, which raises it there.
        connection.send(failure(current, error))


def failure(task: str, error: Exception) -> Failed:
    """An error as it is told to the parent; the machine's refusals become errors of ours."""
    told = error if isinstance(error, FauxpayError) else refused(error)
    if told is not None:
        place = (told.about, told.partition, told.segment)
        return Failed(task, type(told).__name__, str(told), "", place)
    return Failed(task, type(error).__name__, str(error), traceback.format_exc())


def raised(failed: Failed) -> FauxpayError:
    """The worker's error in this process, of the same class where it is one of ours."""
    known = getattr(errors, failed.kind, None)
    if isinstance(known, type) and issubclass(known, FauxpayError):
        return known(failed.message).located(*failed.place)
    place = f"making {failed.task}" if failed.task else "opening the world"
    return FauxpayError(
        f"a worker failed at {place}: {failed.kind}: {failed.message}. This is a fault of fauxpay "
        f"or of a plug-in, not of the request: please report it with the lines below. What was "
        f"made before is kept, and the same command resumes.\n{failed.trace.rstrip()}"
    ).located(partition=failed.task)


def _leave(number: int, frame: object) -> NoReturn:
    """Ends on the spot: an exception might strike a destructor, where Python drops it."""
    del frame
    # Nothing is staged before the sinks are loaded, which may be under way.
    discard_all = getattr(sys.modules.get("fauxpay.delivery.sinks"), "discard_all", None)
    if discard_all is not None:
        discard_all()
    os._exit(128 + number)
