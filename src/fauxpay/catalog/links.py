"""Links: the tables of a catalog without dictionaries, and the row that each key leads to.

Reads    all catalog tables
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fauxpay.foundations.draws import F64, I64

Marks = NDArray[np.bool_]


def absent(values: Any, known: Any) -> Marks:
    """Where a value is none of the known ones; null is not known unless it is listed."""
    found = pc.is_in(values, value_set=pc.unique(known))
    return ~flags(found)


def flags(array: Any) -> Marks:
    """An Arrow array of booleans as one's own bool[rows]."""
    return np.array(array.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _plain(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return whole.dictionary_decode() if pa.types.is_dictionary(whole.type) else whole


@dataclass(frozen=True, slots=True)
class Linked:
    """The tables of a catalog without dictionaries, and the row that each key leads to."""

    tables: Mapping[str, Mapping[str, Any]]
    place_of_merchant: I64
    place_of_customer: I64
    merchant_of_terminal: I64
    customer_of_account: I64
    account_of_card: I64

    @staticmethod
    def of(tables: Mapping[str, pa.Table]) -> Linked:
        """The linked tables of a catalog whose contracts hold."""
        plain = {
            name: {field: _plain(table[field]) for field in table.column_names}
            for name, table in tables.items()
        }

        def rows(owner: str, table: str, key: str) -> I64:
            return np.asarray(pc.index_in(plain[owner][key], plain[table][key]), dtype=np.int64)

        return Linked(
            tables=plain,
            place_of_merchant=rows("merchants", "places", "place_id"),
            place_of_customer=rows("customers", "places", "place_id"),
            merchant_of_terminal=rows("terminals", "merchants", "merchant_id"),
            customer_of_account=rows("accounts", "customers", "customer_id"),
            account_of_card=rows("cards", "accounts", "account_id"),
        )

    def column(self, table: str, name: str) -> Any:
        """One column as an Arrow array."""
        return self.tables[table][name]

    def numbers(self, table: str, name: str) -> F64:
        """One column of numbers as f64[rows]."""
        return np.asarray(self.tables[table][name].to_numpy(), dtype=np.float64)

    def days(self, table: str, name: str) -> I64:
        """One column of days as days since 1970, i64[rows]; a far one where there is none."""
        days = self.tables[table][name].cast(pa.int32()).fill_null(2**31 - 1).to_numpy()
        return np.asarray(days, dtype=np.int64)

    def equals(self, table: str, name: str, value: str) -> Marks:
        """Where a text column has the value."""
        return flags(pc.equal(self.tables[table][name], value))

    def rows(self, table: str) -> int:
        """Number of rows of a table."""
        return len(next(iter(self.tables[table].values())))

    def merchants_without(self, terminals: Marks) -> Marks:
        """Merchants that have none of these terminals."""
        owner = self.merchant_of_terminal[terminals]
        return np.asarray(np.bincount(owner, minlength=self.rows("merchants")) == 0)

    def places_of_countries_without(self, merchants: Marks) -> Marks:
        """Places in whose country there is none of these merchants."""
        having = self.column("merchants", "merchant_country").filter(pa.array(merchants))
        return absent(self.column("places", "country"), having)
