"""What was read for an answer, and how damage and doubts are told."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field


class DamageWarning(UserWarning):
    """Something in the logs could not be read or understood; the answer does not know of it."""


class QueryWarning(UserWarning):
    """A doubt about the query, such as a column that no record has."""


@dataclass(frozen=True)
class Read:
    """What was read for an answer."""

    records: int
    """Events."""
    files: int
    """Files, those inside archives each for itself."""
    damage: list[str] = field(default_factory=list)
    """What could not be read or understood, with file and offset."""
    doubts: list[str] = field(default_factory=list)
    """Doubts about the query."""

    def __str__(self) -> str:
        files = "file" if self.files == 1 else "files"
        text = f"{self.records:,} events in {self.files:,} {files}; "
        if not self.damage:
            return text + "nothing skipped"
        return text + f"skipped or not understood: {len(self.damage)}, see the warnings"


def warned(read: Read) -> Read:
    """Warns of what a reader of the answer has to know."""
    # The level of whoever called the public function.
    for text in read.damage:
        warnings.warn(text, DamageWarning, stacklevel=4)
    for text in read.doubts:
        warnings.warn(text, QueryWarning, stacklevel=4)
    if not read.records and read.files:
        warnings.warn(f"no events read from {read.files} files", DamageWarning, stacklevel=4)
    return read
