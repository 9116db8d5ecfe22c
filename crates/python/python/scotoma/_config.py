"""A Sysmon configuration."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from . import _html
from ._logs import Logs, Source
from ._progress import progress
from ._scotoma import Config as _Native
from ._read import Read, warned

Event = Mapping[str, Any]
"""An event: `{"id": 10, "fields": {"SourceImage": ..., "GrantedAccess": "0x1410"}}`."""


class Replay(dict[str, Any]):
    """What a configuration keeps of recorded events: `events` by id with `kept` and `dropped`, the `rules` that decided,
    and how many never did (`unused`)."""

    def __init__(self, answer: Mapping[str, Any], read: Read) -> None:
        super().__init__(answer)
        self.read = read
        """What was read for it."""

    def _repr_html_(self) -> str:
        rows = [[e["event"], e["name"], e["kept"], e["dropped"]] for e in self["events"]]
        heads = [(name, "") for name in ("id", "event", "kept", "dropped")]
        return _html.table(heads, rows, f"{self.read}.")


class Config:
    """A Sysmon configuration as one of Sysmon's two front ends reads it, made by `config`."""

    def __init__(self, native: _Native, name: str) -> None:
        self._native = native
        self.name = name
        """The file."""

    @property
    def accepted(self) -> bool:
        """Whether Sysmon accepts it."""
        return self._native.accepted

    def check(self) -> list[dict[str, Any]]:
        """Its findings, as `scotoma config check --format json` gives them: code, severity, message, line, column."""
        found: list[dict[str, Any]] = json.loads(self._native.check())
        return found

    def replay(
        self, logs: Logs | Source, *, env: Mapping[str, str] | None = None, top: int = 20
    ) -> Replay:
        """What it would have kept of recorded events, with the `top` rules that decided most."""
        paths: list[str | PathLike[str]] = list(logs.sources) if isinstance(logs, Logs) else [logs]
        with progress() as on_progress:
            answer, read = self._native.replay(paths, list((env or {}).items()), top, on_progress)
        return Replay(json.loads(answer), warned(Read(*read)))

    def decide(
        self, events: Event | Iterable[Event], *, env: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """For each event whether it is logged (`log`), the rule name it gets (`rule`), and `why`."""
        listed = [events] if isinstance(events, Mapping) else list(events)
        texts = [json.dumps(event) for event in listed]
        decided: list[dict[str, Any]] = json.loads(
            self._native.decide(texts, list((env or {}).items()))
        )
        return decided

    def explain(self, event: Event, *, env: Mapping[str, str] | None = None) -> str:
        """The steps of one decision in words."""
        return self._native.explain(json.dumps(event), list((env or {}).items()))

    def __repr__(self) -> str:
        return f"scotoma.config({self.name!r})"


def config(path: Source, *, engine: Literal["strict", "lenient"] = "strict") -> Config:
    """Reads a Sysmon configuration (XML). `strict` is the front end of `sysmon -c FILE`, `lenient` that of the service.

    Raises:
        InputError: where what needs an accepted configuration is asked of one that Sysmon rejects.
    """
    file = Path(path)
    return Config(_Native(str(file), file.read_bytes(), engine == "lenient"), str(file))
