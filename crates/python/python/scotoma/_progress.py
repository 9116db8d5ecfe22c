"""One line of progress in a notebook that somebody looks at; nothing anywhere else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_EVERY = 0.2
"""Seconds between two updates."""


def _live() -> Any:
    """IPython's display module in a kernel with a reader; None in scripts, tests and headless runs."""
    if os.environ.get("SCOTOMA_PROGRESS") == "0":
        return None
    try:
        from IPython import display, get_ipython
    except ImportError:
        return None
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    return display


@contextmanager
def progress() -> Iterator[Callable[[int, int], None] | None]:
    """Gives what long work tells its progress to, and takes the line away at the end."""
    display = _live()
    if display is None:
        yield None
        return
    started = last = time.monotonic()
    handle: Any = None

    def show(records: int, size: int) -> None:
        nonlocal last, handle
        now = time.monotonic()
        if now - started < 1 or now - last < _EVERY:
            return
        last = now
        line = f"reading: {records:,} events, {size / 1e6:,.0f} MB, {now - started:.0f} s"
        if handle is None:
            handle = display.display({"text/plain": line}, raw=True, display_id=True)
        else:
            handle.update({"text/plain": line}, raw=True)

    try:
        yield show
    finally:
        if handle is not None:
            handle.update({"text/plain": ""}, raw=True)
