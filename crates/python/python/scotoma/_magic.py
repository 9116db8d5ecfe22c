"""The magic `%%scotoma`: published SQL pasted into a cell runs."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

from ._logs import Logs, scan
from ._scotoma import ScotomaError


class _Parser(argparse.ArgumentParser):
    """A parser that raises where others end the process."""

    def error(self, message: str) -> Any:
        raise ScotomaError(f"%%scotoma: {message}")


def _parser() -> _Parser:
    parser = _Parser(prog="%%scotoma", add_help=False)
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help="files and folders")
    parser.add_argument("-d", metavar="LOGS", help="a variable with what scan() gave")
    parser.add_argument("-o", metavar="NAME", help="a variable for the result")
    parser.add_argument("--view", action="append", default=[], metavar="NAME")
    parser.add_argument("--spark", metavar="SESSION", help="a variable with a Spark session")
    return parser


class _Magic:
    """What one notebook asked last, so that the next cell need not name its sources again."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._logs: Logs | None = None

    def __call__(self, line: str, cell: str | None = None) -> Any:
        try:
            options = _parser().parse_args(shlex.split(line))
        except ValueError as error:
            raise ScotomaError(f"%%scotoma: {error}") from None
        names: dict[str, Any] = self._shell.user_ns
        if options.spark is not None:
            answer = self._variable(names, options.spark).sql((cell or "").rstrip().rstrip(";"))
        else:
            logs = self._source(options, names)
            if cell is None:
                return logs
            answer = logs.sql(cell)
        if options.o is not None:
            names[options.o] = answer
            return None
        return answer

    def _source(self, options: argparse.Namespace, names: dict[str, Any]) -> Logs:
        if options.d is not None and options.sources:
            raise ScotomaError("%%scotoma: name sources or -d LOGS, not both")
        if options.d is not None:
            logs = self._variable(names, options.d)
            if not isinstance(logs, Logs):
                raise ScotomaError(f"%%scotoma: {options.d} is not what scan() gives")
        elif options.sources:
            logs = scan(*options.sources)
        elif self._logs is not None:
            logs = self._logs
        else:
            raise ScotomaError("%%scotoma: name the logs, as in %%scotoma samples/")
        if options.view:
            logs = logs.view(*options.view)
        self._logs = logs
        return logs

    @staticmethod
    def _variable(names: dict[str, Any], name: str) -> Any:
        try:
            return names[name]
        except KeyError:
            raise ScotomaError(f"%%scotoma: there is no variable {name}") from None


def register(shell: Any) -> None:
    """Adds the magic to an IPython shell."""
    shell.register_magic_function(_Magic(shell), "line_cell", "scotoma")
