"""Drafts: the files of one partition under way, checked, digested and encoded, not yet published.

Reads    batches that a maker made
Writes   staged files, one per table of receipts.layout.DAY_TABLES or PLAN_TABLES
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pyarrow as pa

from fauxpay.contracts.checks import check_batch, check_links
from fauxpay.contracts.findings import Finding
from fauxpay.contracts.members import Members, candidates
from fauxpay.contracts.tables import table
from fauxpay.delivery.engine import Window
from fauxpay.delivery.inspection import Inspector, integers
from fauxpay.delivery.sinks import Sink, Staged
from fauxpay.delivery.tables import Law, TableFile
from fauxpay.delivery.task import Context, Task, described_day, partition_key, seed_folder
from fauxpay.delivery.workshop import Books, Workshop
from fauxpay.errors import FauxpayError
from fauxpay.gates.postings import PostingGate
from fauxpay.gates.segments import MADE_FROM, READS, SEGMENT_OF
from fauxpay.receipts import layout
from fauxpay.receipts.records import PartitionReceipt

CONTRACTS = {**layout.DAY_TABLES, **layout.PLAN_TABLES}


class Draft:
    """The files of one partition; `segment` is the one at work."""

    def __init__(self, context: Context, workshop: Workshop, task: Task, sink: Sink) -> None:
        self.task = task
        self._context = context
        self._workshop = workshop
        self._sink = sink
        self.segment = SEGMENT_OF[
            next(iter(layout.PLAN_TABLES if task.is_plan else layout.DAY_TABLES))
        ]
        self._files: dict[str, TableFile] = {}
        self._inspector = Inspector(task.day)
        self._posting_gate = PostingGate(task.day, context.config.activity.postings)

    @property
    def staged(self) -> list[Staged]:
        """The files, in the order of their tables."""
        return [file.staged for file in self._files.values()]

    def take_rows(self, batch: pa.RecordBatch, rules: Sequence[Finding], *, is_sound: bool) -> None:
        """Takes a row group of transactions.

        rules     findings of the world's rules that fall to it
        is_sound  whether the contract was found to hold for it already
        """
        members = self._workshop.books(self.task.shard).members
        more = [*self._inspector.inspect(batch), *rules]
        self._posting_gate.see(batch)
        with self._located():
            file = self._file("transactions", members)
            if is_sound:
                file.append(batch, max(1, batch.num_rows), more)
            else:
                file.write(batch, lambda _: more)

    def take_tables(
        self,
        tables: Mapping[str, pa.Table],
        counts: Mapping[str, int],
        sound: Collection[str] = (),
    ) -> None:
        """Takes the tables beside the transactions, or those of a plan.

        counts  rows that were made, by table
        sound   tables that were found good in all but their links to the day's transactions
        """
        self.counts = counts
        members = self._workshop.books(self.task.shard).members
        own, is_posted = layout.DAY_TABLES["transactions"], False
        if not self.task.is_plan:
            self._file("transactions", members).note_all(self._inspector.finish())
            is_posted = "postings" in sound and not self._posting_gate.judge(tables["postings"])
            ids = self._inspector.identifiers()
            if is_posted and set(tables) <= set(sound):
                # Few rows point to transactions: only ids that could be theirs are made a set.
                sought = [integers(tables[name], "transaction_id") for name in ("truth", "labels")]
                ids = ids[candidates(ids, np.concatenate(sought))]
            members = {**members, own: Members.of(ids)}
        for name, rows in tables.items():
            if not self._may_start(name):
                # What was not written counts for nothing: it was not asked for any more.
                self.counts = {made: counts[made] for made in self._files if made in counts}
                return
            with self._located():
                file = self._file(name, members)
                if name == "postings":
                    self._take_postings(file, rows, is_good=is_posted)
                    continue
                if name not in sound:
                    file.write(rows)
                    continue
                links = dict.fromkeys(members) | {own: members[own]}
                found = check_links(file.contract, rows, links)
                file.append(rows, max(1, rows.num_rows), found)

    def _take_postings(self, file: TableFile, rows: pa.Table, *, is_good: bool) -> None:
        """Takes the postings: as many rows as the transactions nearly, so in row groups like them.

        is_good  whether columns and gate found no fault. The identifiers are those expected then,
                 some of the transactions' in their order: neither key can be broken.
        """
        if is_good:
            file.append(rows, self._context.config.output.row_group_rows)
        else:
            file.write(rows, self._posting_gate.judge)

    def _may_start(self, table_name: str) -> bool:
        """Whether what a table is made from, and the segments it reads, are without fault here."""
        owners = {SEGMENT_OF[name] for name in READS[SEGMENT_OF[table_name]]}
        own = MADE_FROM.get(table_name, ())
        return not any(
            file.findings
            for name, file in self._files.items()
            if name in own or SEGMENT_OF[name] in owners
        )

    def receipt(self) -> PartitionReceipt:
        """Finishes the files; what they hold and what was found wrong."""
        names = list(layout.PLAN_TABLES if self.task.is_plan else layout.DAY_TABLES)
        made = list(self._files)
        assert made == names[: len(made)], made
        assert made == names or any(file.findings for file in self._files.values()), made
        entries = []
        for name, file in self._files.items():
            self.segment = SEGMENT_OF[name]
            with self._located():
                entries.append(file.close())
        findings = [finding for file in self._files.values() for finding in file.findings]
        request = self._context.request
        return PartitionReceipt(
            request.world_id,
            request.seed,
            described_day(self._context, self.task),
            self.task.shard,
            tuple(entries),
            self.counts,
            tuple(finding.document() for finding in findings),
        )

    @contextmanager
    def _located(self) -> Iterator[None]:
        """Errors know the partition and the segment at work."""
        try:
            yield
        except FauxpayError as error:
            error.located(partition=str(self.task), segment=self.segment)
            raise

    def discard(self) -> None:
        """Removes what has still no public name."""
        for file in self._files.values():
            file.discard()

    def _file(self, name: str, members: Mapping[str, Members]) -> TableFile:
        self.segment = SEGMENT_OF[name]
        if name in self._files:
            return self._files[name]
        context, task = self._context, self.task
        key = partition_key(context, task)
        metadata = {
            "fauxpay.world_id": context.request.world_id,
            "fauxpay.seed": str(context.request.seed),
            "fauxpay.partition": key,
            "fauxpay.shard": str(task.shard),
        }
        law = Law(self._workshop.domains, members, context.config.output.compression)
        staged = self._sink.stage(layout.table_name(seed_folder(context), name, key, task.shard))
        try:
            self._files[name] = TableFile(table(CONTRACTS[name]), staged, law, metadata)
        except BaseException:
            staged.discard()
            raise
        return self._files[name]


def take_window(drafts: Mapping[int, Draft], window: Window, workshop: Workshop) -> None:
    """Gives each row group of a window to the draft of its day.

    The window is checked as a whole, which sound rows pass at once; only what fails is checked
    again part by part, so that each partition is told of its own offenders.
    """
    books = workshop.books(next(iter(drafts.values())).task.shard)
    contract = table(layout.DAY_TABLES["transactions"])
    faults = check_batch(contract, window.batch, books.members, window.claims)
    is_shaped = not any(fault.check == "schema" for fault in faults)
    is_asked_again = is_shaped and bool(books.inspect(window.batch, window.claims))
    for day, first, end in window.parts:
        part, rules = window.batch.slice(first, end - first), list[Finding]()
        if is_asked_again:
            claims = {name: claim.part(first, end) for name, claim in window.claims.items()}
            rules = books.inspect(part, claims)
        drafts[day].take_rows(part, rules, is_sound=not faults)


def sound_tables(tables: Mapping[str, Sequence[pa.Table]], books: Books) -> set[str]:
    """Tables that are good over all days together, in all but their links to transactions.

    tables  one for each day; a call for all of them costs hardly more than one for a day
    Of postings the columns alone are looked at: their gate proves the keys, and for less.
    """
    members = {**books.members, layout.DAY_TABLES["transactions"]: None}
    found = set()
    for name, days in tables.items():
        contract = table(CONTRACTS[name])
        if name == "postings":
            contract = replace(contract, unique=(), foreign_keys=())
        if not check_batch(contract, pa.concat_tables(days), members):
            found.add(name)
    return found
