"""The rows of a query."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _html
from ._progress import progress
from ._read import Read, warned

if TYPE_CHECKING:
    from ._scotoma import Rows

_SHOWN = 20
"""Rows in a notebook."""


class Result:
    """The rows of a query. They are read when they are first asked for, and kept.

    It is an Arrow stream itself: `pyarrow.table(result)`, `polars.DataFrame(result)` and DuckDB's
    `FROM result` take it as it is. Text comes as plain strings.
    """

    def __init__(self, rows: Rows, query: str) -> None:
        self._native = rows
        self.query = query
        """The query as it was written."""
        self._read: Read | None = None

    def _rows(self) -> Rows:
        with progress() as on_progress:
            self._native.read(on_progress)
        if self._read is None:
            self._read = warned(Read(*self._native.summary))
        return self._native

    @property
    def read(self) -> Read:
        """What was read for it: records, files, damage, doubts about the query."""
        self._rows()
        assert self._read is not None
        return self._read

    @property
    def columns(self) -> list[str]:
        """The names of the columns; repeated names are numbered."""
        return [name for name, _ in self._rows().columns]

    def __len__(self) -> int:
        return self._rows().count

    def __bool__(self) -> bool:
        return len(self) > 0

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._rows().stream(requested_schema)

    def arrow(self) -> Any:
        """The rows as a `pyarrow.Table`."""
        import pyarrow

        return pyarrow.table(self)

    def df(self, categories: bool = False) -> Any:
        """The rows as a `pandas.DataFrame`. With `categories`, text columns are categories: less memory, but two of
        them cannot be compared."""
        import pyarrow

        table = pyarrow.table(self)
        text = [f.name for f in table.schema if pyarrow.types.is_string(f.type)] if categories else []
        return table.to_pandas(categories=text)

    def pl(self) -> Any:
        """The rows as a `polars.DataFrame`."""
        import polars

        return polars.DataFrame(self)

    def rows(self, n: int | None = None) -> list[dict[str, str | None]]:
        """The first rows, or all, as dictionaries of text; needs no other package."""
        native = self._rows()
        names = [name for name, _ in native.columns]
        return [dict(zip(names, row)) for row in native.head(native.count if n is None else n)]

    def show(self, n: int = _SHOWN, truncate: bool | int = True) -> None:
        """Prints the first rows as Spark does: cells of at most 20 characters, or of so many, or whole."""
        limit = (20 if truncate else 0) if isinstance(truncate, bool) else truncate
        print(self._text(n, limit))

    def to_parquet(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Writes the rows to a file; rows that were not asked for before are not kept for it.

        Raises:
            InputError: where the file exists and `overwrite` is not set, or is one that the query reads.
        """
        with progress() as on_progress:
            self._native.to_parquet(path, overwrite, on_progress)
        return Path(path)

    def _text(self, n: int, limit: int) -> str:
        native = self._rows()
        names = [_html.visible(name) for name, _ in native.columns]

        def cut(value: str | None) -> str:
            if value is None:
                return "NULL"
            value = _html.visible(value).replace("\n", "\\n").replace("\t", "\\t")
            if limit <= 0 or len(value) <= limit:
                return value
            return value[: limit - 3] + "..." if limit > 3 else value[:limit]

        rows = [[cut(value) for value in row] for row in native.head(n)]
        widths = [max([3, len(name), *(len(r[i]) for r in rows)]) for i, name in enumerate(names)]
        rule = "+" + "+".join("-" * width for width in widths) + "+"

        def line(cells: list[str]) -> str:
            # Spark sets cut columns to the right and whole ones to the left.
            sides = (
                text.rjust(width) if limit > 0 else text.ljust(width)
                for text, width in zip(cells, widths)
            )
            return "|" + "|".join(sides) + "|"

        out = [rule, line(names), rule, *(line(row) for row in rows), rule]
        if native.count > n:
            out.append(f"only showing top {n} rows")
        return "\n".join(out)

    def _footer(self, shown: int) -> str:
        total = len(self)
        count = f"{total:,} rows" if shown >= total else f"{shown} of {total:,} rows"
        return f"{count}. {self.read}."

    def __repr__(self) -> str:
        return f"{self._text(_SHOWN, 20)}\n{self._footer(_SHOWN)}"

    def _repr_html_(self) -> str:
        native = self._rows()
        return _html.table(native.columns, native.head(_SHOWN), self._footer(_SHOWN))

