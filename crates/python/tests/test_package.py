"""The package as it is installed."""

from __future__ import annotations

import tomllib

from conftest import ROOT


def test_both_places_say_the_same_of_the_package() -> None:
    here = tomllib.loads((ROOT / "crates/python/pyproject.toml").read_text())
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())
    here["project"].pop("readme")
    root["project"].pop("readme")
    assert here["project"] == root["project"]
    assert here["build-system"] == root["build-system"]
    assert here["tool"]["maturin"]["module-name"] == root["tool"]["maturin"]["module-name"]
