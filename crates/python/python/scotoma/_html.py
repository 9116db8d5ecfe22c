"""Tables as HTML. What stands in them was written by whoever was recorded: everything is escaped, nothing runs, and
nothing is typeset as mathematics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_HIDDEN = {c for c in range(0x20) if c not in (0x09, 0x0A)} | {0x7F, *range(0x80, 0xA0)}
_HIDDEN |= {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_MARKED = {c: f"\\u{{{c:x}}}" for c in _HIDDEN}


def visible(text: str) -> str:
    """Text with its control and direction characters marked, so that it shows what it is."""
    return text.translate(_MARKED)


def cell(value: object) -> str:
    """A value inside a table."""
    if value is None:
        return '<span style="opacity:.5">NULL</span>'
    return escape(visible(str(value)))


def table(
    columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[object]], footer: str
) -> str:
    """A table with the names and types of its columns above and a line of text below."""
    heads = "".join(
        f"<th>{cell(name)}<br><small>{escape(kind)}</small></th>" for name, kind in columns
    )
    body = "".join(
        "<tr>" + "".join(f"<td>{cell(value)}</td>" for value in row) + "</tr>" for row in rows
    )
    return (
        '<div class="tex2jax_ignore mathjax_ignore">'
        f'<table class="dataframe"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'
        f"<small>{escape(visible(footer))}</small></div>"
    )
