"""Recorded events and the questions to them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from . import _html
from ._progress import progress
from ._result import Result
from ._scotoma import Baseline as _NativeBaseline
from ._scotoma import Logs as _Native
from ._read import Read, warned

Source = str | PathLike[str]

_EVENTS = """
SELECT Channel, EventID, count(*) AS events, min(TimeCreated) AS first, max(TimeCreated) AS last
FROM events GROUP BY Channel, EventID ORDER BY Channel, EventID
"""


class Finding(dict[str, Any]):
    """A finding of a hunt: `hunt`, `title`, `level`, `technique`, `host`, `actor`, `target`, `count`, `first`, `last`,
    `details` and the `records` it stands on, each `file#record`."""


class Findings(list[Finding]):
    """What hunts and rules found, the gravest first."""

    def __init__(self, answer: dict[str, Any], read: Read) -> None:
        super().__init__(Finding(one) for one in answer["findings"])
        self.analytics: list[dict[str, Any]] = answer["analytics"]
        """What was run, each with its `outcome`: `found`, `no_match`, or `could_not_see` with the `why`."""
        self.refused: list[dict[str, Any]] = answer["refused"]
        """Rules that could not be loaded: `file`, `line`, `reason`."""
        self.read = read
        """What was read for them."""

    @property
    def unseen(self) -> list[dict[str, Any]]:
        """What could not see: its silence says nothing."""
        return [a for a in self.analytics if a["outcome"] == "could_not_see"]

    def _summary(self) -> str:
        count = "1 finding" if len(self) == 1 else f"{len(self)} findings"
        outcomes = [a["outcome"] for a in self.analytics]
        words = (("found", "found"), ("no_match", "no match"), ("could_not_see", "could not see"))
        counted = ", ".join(f"{outcomes.count(name)} {word}" for name, word in words)
        refused = f", {len(self.refused)} refused" if self.refused else ""
        return f"{count}. Hunts and rules: {counted}{refused}. {self.read}."

    def __repr__(self) -> str:
        lines = [
            _html.visible(f"{f['level']}: {f['title']}: {f['actor']} -> {f['target']} on {f['host']}")
            for f in self
        ]
        lines += [_html.visible(f"could not see: {a['title']}: {a['why']}") for a in self.unseen]
        return "\n".join([*lines, self._summary()])

    def _repr_html_(self) -> str:
        names = ("level", "title", "host", "actor", "target", "count", "first", "last", "records")

        def value(finding: Finding, name: str) -> object:
            if name != "records":
                return finding.get(name)
            records = finding["records"]
            more = f" and {len(records) - 3} more" if len(records) > 3 else ""
            return ", ".join(records[:3]) + more

        rows = [[value(finding, name) for name in names] for finding in self]
        page = _html.table([(name, "") for name in names], rows, self._summary())
        if not self.unseen:
            return page
        rows = [[a["title"], a["why"]] for a in self.unseen]
        return page + _html.table([("could not see", ""), ("why", "")], rows, "")


class Baseline(dict[str, Any]):
    """How often each thing happens, as `scotoma baseline --format json` gives it: `streams` with their `groups`, the
    time and hosts observed (`exposure`)."""

    def __init__(self, native: _NativeBaseline, read: Read) -> None:
        super().__init__(json.loads(native.json()))
        self._native = native
        self.read = read
        """What was read for it."""

    def html(self) -> str:
        """The whole report as one page with pictures and a table to sort."""
        return self._native.html()

    def _repr_html_(self) -> str:
        rows = [
            [
                stream["name"],
                ", ".join(value or "-" for value in group["values"]),
                group["tally"]["count"],
                group["tally"]["hosts_total"],
            ]
            for stream in self["streams"]
            for group in stream["groups"][:5]
        ]
        heads = [(name, "") for name in ("event", "what", "count", "hosts")]
        return _html.table(heads, rows, f"The most frequent of each event type. {self.read}.")


class Logs:
    """Files and folders with recorded events, made by `scan`."""

    def __init__(self, native: _Native) -> None:
        self._native = native

    @property
    def sources(self) -> list[Path]:
        """The paths as they were given."""
        return [Path(path) for path in self._native.sources]

    @property
    def tables(self) -> list[str]:
        """The names of the tables and views that a query may read."""
        return self._native.tables

    @property
    def files(self) -> list[str]:
        """The files behind the paths, in the order in which they are read."""
        return self._native.files

    def fields(self) -> list[tuple[str, str]]:
        """The names of all columns that the files have, with their types as Spark calls them."""
        with progress() as on_progress:
            return self._native.fields(on_progress)

    def sql(self, query: str) -> Result:
        """Asks a question in Spark SQL. The query is checked now; its rows are read when they are asked for.

        Raises:
            QueryError: where the query is wrong, with `line` and `column`.
        """
        with progress() as on_progress:
            return Result(self._native.sql(query, on_progress), query)

    def hunt(
        self,
        pack: Source | None = None,
        *,
        rules: Source | Iterable[Source] = (),
        only: Iterable[str] = (),
        built_in: bool = True,
        why: bool = False,
    ) -> Findings:
        """Runs hunts and Sigma rules in one reading: the hunts of a folder, or the built-in ones unless `built_in` is
        False, and `rules` from files and folders. `only` names hunts and rules by id; with `why`, findings of rules name
        the conditions that were met.

        Each says whether it found something, found nothing, or could not see (`Findings.analytics`).
        """
        paths = [rules] if isinstance(rules, (str, PathLike)) else list(rules)
        with progress() as on_progress:
            answer, read = self._native.hunt((pack, built_in), paths, list(only), why, on_progress)
        return Findings(json.loads(answer), warned(Read(*read)))

    def baseline(self, event: Iterable[str] = (), *, by: Iterable[str] = ()) -> Baseline:
        """Counts how often each thing happens, by whom and where: all Sysmon events, or those named by id, tag or title,
        grouped by the fields that make sense for them or by those named.

        Raises:
            InputError: where an event type or a field is not known.
        """
        with progress() as on_progress:
            native, read = self._native.baseline(list(event), list(by), on_progress)
        return Baseline(native, warned(Read(*read)))

    def events(self) -> Result:
        """What is in the logs: events by channel and id, with the first and last time."""
        return self.sql(_EVENTS)

    def view(self, *names: str) -> Logs:
        """The same logs with further names for the table of all events, so that a published query runs as it is."""
        return Logs(self._native.view(list(names)))

    def to_parquet(
        self,
        path: Source,
        *,
        partition: Literal["hive"] | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Writes everything to a file of Parquet, or with `partition="hive"` to a folder by channel and event id.

        Raises:
            InputError: where the output exists or is one of the inputs.
        """
        if partition not in (None, "hive"):
            raise ValueError(f'partition is "hive" or None, not {partition!r}')
        with progress() as on_progress:
            _, read = self._native.to_parquet(path, partition is not None, overwrite, on_progress)
        warned(Read(*read))
        return Path(path)

    def __repr__(self) -> str:
        return f"scotoma.scan({', '.join(repr(str(path)) for path in self.sources)})"


def scan(*sources: Source, views: Iterable[str] = (), threads: int = 0) -> Logs:
    """Opens files and folders: EVTX, XML, JSON, CSV and Parquet, also in gzip, zstd, zip and tar.

    Nothing is read yet. `views` are further names for the table of all events; `threads` are those that read, 0 for one
    a processor.

    Raises:
        InputError: where a path cannot be read.
    """
    return Logs(_Native(list(sources), list(views), threads))
