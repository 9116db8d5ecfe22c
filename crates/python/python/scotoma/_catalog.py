"""The catalog: what is known of calls, mechanisms, events and access rights."""

from __future__ import annotations

import json
from typing import Any

from ._scotoma import line_of_sight as _line_of_sight
from ._scotoma import rights as _rights


def rights(mask: int | str, object: str = "process") -> dict[str, Any]:
    """The access rights in a mask (`0x1410`), or the mask of rights by name (`"PROCESS_VM_READ|PROCESS_QUERY_INFORMATION"`).

    Gives `mask`, `hex`, `rights`, `equals` (the named sum it is), `unknown_bits` and `as_logged`, the mask that a sensor
    writes for such a request.
    """
    answer: dict[str, Any] = json.loads(
        _rights(hex(mask) if isinstance(mask, int) else mask, object)
    )
    return answer


def line_of_sight(name: str) -> list[dict[str, Any]]:
    """The lines of sight through a call, mechanism, event, field, mask, technique or sensor of that name: as
    `scotoma map NAME --format json`."""
    lines: list[dict[str, Any]] = json.loads(_line_of_sight(name))
    return lines
