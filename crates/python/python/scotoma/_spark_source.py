"""Logs straight into Spark 4, as a Python data source."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any

from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

from ._logs import scan
from ._read import QueryWarning


class _Partition(InputPartition):
    """One input file."""

    def __init__(self, path: str) -> None:
        self.path = path


class _Reader(DataSourceReader):
    """Reads one input file on a worker."""

    def __init__(self, schema: Any, paths: list[str]) -> None:
        self._schema = schema
        self._paths = paths

    def partitions(self) -> list[_Partition]:
        return [_Partition(path) for path in self._paths]

    def read(self, partition: _Partition) -> Iterator[Any]:
        import pyarrow

        names = ", ".join("`" + name.replace("`", "``") + "`" for name in self._schema.names)
        with warnings.catch_warnings():
            # Other files have the fields that this one lacks.
            warnings.simplefilter("ignore", QueryWarning)
            table = pyarrow.table(scan(partition.path).sql(f"SELECT {names} FROM events"))
        yield from table.to_batches(max_chunksize=8192)


class Source(DataSource):
    """A Python data source for Spark 4: any file that `scotoma.scan` reads, one partition a file."""

    @classmethod
    def name(cls) -> str:
        return "scotoma"

    def _paths(self) -> list[str]:
        options = self.options
        paths = json.loads(options["paths"]) if "paths" in options else [options["path"]]
        return [str(path) for path in paths]

    def schema(self) -> str:
        fields = scan(*self._paths()).fields()
        return ", ".join(f"`{name.replace('`', '``')}` {kind}" for name, kind in fields)

    def reader(self, schema: Any) -> _Reader:
        return _Reader(schema, scan(*self._paths()).files)
