"""Configurations and the catalog."""

from __future__ import annotations

from pathlib import Path

import pytest
import scotoma

THREADS = """<Sysmon schemaversion="4.90"><EventFiltering>
<CreateRemoteThread onmatch="exclude"/>
<ProcessAccess onmatch="include"><TargetImage condition="end with">lsass.exe</TargetImage></ProcessAccess>
</EventFiltering></Sysmon>
"""


@pytest.fixture()
def threads(tmp_path: Path) -> scotoma.Config:
    file = tmp_path / "threads.xml"
    file.write_text(THREADS)
    return scotoma.config(file)


def test_a_configuration_decides(threads: scotoma.Config) -> None:
    event = {"id": 10, "fields": {"TargetImage": r"C:\Windows\System32\lsass.exe"}}
    kept, dropped = threads.decide([event, {"id": 10, "fields": {"TargetImage": r"C:\a.exe"}}])
    assert kept["log"] and not dropped["log"]
    assert "lsass.exe" in threads.explain(event)
    assert threads.accepted


def test_a_configuration_is_replayed(threads: scotoma.Config, samples: Path) -> None:
    logs = scotoma.scan(samples)
    counts = {e["event"]: e for e in threads.replay(logs)["events"]}
    rows = logs.sql("SELECT count(*) AS n FROM sysmon WHERE EventID = 8").rows()
    assert counts[8]["kept"] == int(rows[0]["n"] or 0) > 0
    assert "CreateRemoteThread" in threads.replay(logs)._repr_html_()


def test_findings_of_a_check_have_a_place(tmp_path: Path) -> None:
    file = tmp_path / "broken.xml"
    file.write_text('<Sysmon schemaversion="4.90">\n<EventFiltering>\n<Nonsense/>\n</EventFiltering></Sysmon>')
    broken = scotoma.config(file)
    assert not broken.accepted
    assert any(f["line"] == 3 and f["severity"] == "error" for f in broken.check())
    with pytest.raises(scotoma.InputError, match="rejects"):
        broken.decide({"id": 1, "fields": {}})


def test_rights_go_both_ways() -> None:
    mask = scotoma.rights(0x1410)
    assert "PROCESS_VM_READ" in mask["rights"]
    assert scotoma.rights("|".join(mask["rights"]))["mask"] == 0x1410
    with pytest.raises(scotoma.InputError, match="kind of object"):
        scotoma.rights(1, "nothing")


def test_a_line_of_sight() -> None:
    lines = scotoma.line_of_sight("CreateRemoteThread")
    assert "sysmon:8" in str(lines)
    with pytest.raises(scotoma.InputError, match="nearest"):
        scotoma.line_of_sight("CreateRemoteThraed")
