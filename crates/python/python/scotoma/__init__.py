"""Scotoma: the field of vision of a Windows detection stack.

    import scotoma

    logs = scotoma.scan("samples/")
    logs.hunt()
    logs.sql("SELECT EventID, count(*) AS n FROM events GROUP BY EventID ORDER BY n DESC").df()

The answers are those of the command line: the same readers, dialect and hunts. A query is Spark SQL; the tables are
`events`, `sysmon_events`, `security_events` and one view for each event type (`Logs.tables`).
"""

from __future__ import annotations

from ._catalog import line_of_sight, rights
from ._config import Config, Replay, config
from ._logs import Baseline, Finding, Findings, Logs, scan
from ._result import Result
from ._scotoma import InputError, QueryError, ScotomaError
from ._read import DamageWarning, QueryWarning, Read

__all__ = [
    "Baseline",
    "Config",
    "DamageWarning",
    "Finding",
    "Findings",
    "InputError",
    "Logs",
    "QueryError",
    "QueryWarning",
    "Read",
    "Replay",
    "Result",
    "ScotomaError",
    "config",
    "line_of_sight",
    "load_ipython_extension",
    "rights",
    "scan",
]


def load_ipython_extension(shell: object) -> None:
    """Gives the notebook the magic `%%scotoma`; called by `%load_ext scotoma`."""
    from ._magic import register

    register(shell)
