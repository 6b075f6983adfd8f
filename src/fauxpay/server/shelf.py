"""Shelf: the runs that are being looked at, each behind one database in memory.

Reads    runs below a root
Writes   what does not fit into memory, in folders that go with the databases
Draws    nothing
Sources  nothing

Requests come in threads. Each asks over a cursor of its own, a few at a time; the database can
read the files of its run and nothing else. No text of a request becomes SQL: values are bound.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock, Timer
from typing import TYPE_CHECKING, Any

from fauxpay.errors import ContractError, FauxpayError, GateError, StorageError
from fauxpay.readers.query import refusal
from fauxpay.readers.run import Run, Store
from fauxpay.readers.views import confine, connect_run
from fauxpay.receipts import layout
from fauxpay.receipts.listing import Listed, listed
from fauxpay.server.problems import Refused
from fauxpay.storage.places import Place

if TYPE_CHECKING:
    import duckdb

OPEN_MAX = 2
TURNS = 4
THREADS = 2
SECONDS_MAX = 30.0
_DOCUMENTS = (layout.RECEIPT, layout.GATE, layout.PASSED, layout.FAILURE)
_COUNTS = "count(*) {over} AS total_, count(*) FILTER ({some}) {over} AS some_"
Stamp = tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Which rows of an order."""

    limit: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Paged:
    """Some rows, how many there are, and how many of those meet a condition."""

    rows: list[dict[str, Any]]
    total: int
    some: int


@dataclass(frozen=True, slots=True)
class Asking:
    """A cursor over the views of a run; what it makes on the way goes with it."""

    run: Run
    cursor: duckdb.DuckDBPyConnection

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """Rows by name of column. Its order must be stated."""
        found = self.cursor.execute(query, values)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def one(self, query: str, **values: Any) -> dict[str, Any] | None:
        """The first row; None without any."""
        rows = self.rows(query, **values)
        return rows[0] if rows else None

    def page(self, query: str, order: str, part: Part, some: str = "false", **values: Any) -> Paged:
        """A part of the rows of a query in an order, and how many there are.

        some  a condition; rows that meet it are counted, too
        """
        windowed = _COUNTS.format(some=some, over="OVER ()")
        every = f"SELECT *, {windowed} FROM ({query}) ORDER BY {order}"
        bound = {**values, "limit_": part.limit, "offset_": part.offset}
        rows = self.rows(f"{every} LIMIT $limit_ OFFSET $offset_", **bound)
        alone = f"SELECT {_COUNTS.format(some=some, over='')} FROM ({query})"
        counted = rows[0] if rows else self.one(alone, **values)
        assert counted is not None
        return Paged(rows, int(counted["total_"]), int(counted["some_"]))


@dataclass(frozen=True, slots=True)
class _Opened:
    run: Run
    connection: duckdb.DuckDBPyConnection
    stamp: Stamp


@dataclass(slots=True)
class Shelf:
    """Runs below a root, the last ones looked at held open.

    memory  limit of each database, such as "512MB"
    """

    store: Store
    memory: str
    _held: OrderedDict[str, _Opened] = field(default_factory=OrderedDict)
    _listed: dict[Place, tuple[Stamp, Listed]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _turns: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(TURNS))

    def run(self, run_id: str) -> Run:
        """A run by its whole id. Raises Refused where there is none that may be read."""
        with self._lock:
            held = self._held.get(run_id)
            if held is not None and _stamp(held.run.folder) == held.stamp:
                return held.run
        return self._found(run_id)

    def runs(self) -> list[Run]:
        """All runs that may be read, the newest last; only what changed since is read again."""
        return self.store.runs(self._remembered)

    def _remembered(self, root: Place, folder: Place) -> Listed:
        stamp = _stamp(folder)
        known = self._listed.get(folder)
        if known is None or known[0] != stamp:
            known = self._listed[folder] = stamp, listed(root, folder)
        return known[1]

    @contextmanager
    def asking(self, run_id: str) -> Iterator[Asking]:
        """A cursor over a run, until the block ends. Raises Refused where it cannot be read."""
        import duckdb

        with self._turns:
            opened = self._open(run_id)
            try:
                with opened.connection.cursor() as cursor, _in_time(cursor):
                    yield Asking(opened.run, cursor)
            except duckdb.InterruptException as error:
                raise Refused(
                    503,
                    f"run {run_id}: the answer took more than {SECONDS_MAX:g} seconds",
                    "a smaller run, a quieter machine or more --memory",
                ) from error
            except duckdb.Error as error:
                raise _unreadable(run_id, error) from error

    def _open(self, run_id: str) -> _Opened:
        # One at a time: the first who asks for a run opens it, others wait and find it open.
        with self._lock:
            held = self._held.pop(run_id, None)
            if held is None or _stamp(held.run.folder) != held.stamp:
                held = self._opened(self._found(run_id))
            self._held[run_id] = held
            while len(self._held) > OPEN_MAX:
                self._held.popitem(last=False)  # Whoever still reads it has it until then.
            return held

    def _opened(self, run: Run) -> _Opened:
        import duckdb

        try:
            connection = connect_run(run, THREADS, self.memory)
            confine(connection, run)
        except (StorageError, ContractError, duckdb.Error) as error:
            raise _unreadable(run.run_id, error) from error
        return _Opened(run, connection, _stamp(run.folder))

    def _found(self, run_id: str) -> Run:
        try:
            return self.store.run(run_id)
        except GateError as error:
            raise Refused(
                409,
                f"run {run_id} did not pass, so nothing of it is shown",
                "a run that passed; `fauxpay serve --allow-unverified` shows others",
            ) from error
        except FauxpayError as error:
            raise Refused(404, f"no run {run_id}", "a run_id of /api/runs") from error


@contextmanager
def _in_time(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Breaks off what the cursor does once it takes too long."""
    timer = Timer(SECONDS_MAX, cursor.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _stamp(folder: Place) -> Stamp:
    """Changes when a document of the run does."""
    return tuple(_touched(folder / name) for name in _DOCUMENTS)


def _touched(path: Place) -> tuple[float, int]:
    try:
        found = path.stat()
    except OSError:
        return 0.0, -1
    return found.st_mtime, found.st_size


def _unreadable(run_id: str, error: Exception) -> Refused:
    if refusal(error) is not None:  # Its words hold paths of the server.
        what = f"run {run_id}: the server cannot read its files, or keep temporary ones"
        return Refused(503, what, "files that it may read, and room on its disk")
    return Refused(
        503,
        f"run {run_id}: its files are missing or are not what its receipt says",
        f"the files as they were written; `fauxpay verify {run_id}` names those that are not",
    )
