"""Questions to logs: the answers are those of the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import warnings
from pathlib import Path

import pytest
import scotoma

ARTICLE = """
SELECT b.process_path, b.process_target_name, b.process_target_id, b.thread_new_id, a.process_id, a.process_granted_access
FROM sysmon_events b
INNER JOIN (
  SELECT event_id, process_granted_access, process_guid, process_id
  FROM sysmon_events
  WHERE event_id = 10 AND (process_granted_access & 5184) == 5184 -- 5184 is decimal for 0x1440
) a ON a.process_guid = b.process_guid
WHERE b.event_id = 8
"""


def ndjson(command: Path, *arguments: object) -> list[dict[str, object]]:
    done = subprocess.run(
        [command, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_query_gives_what_the_command_line_gives(samples: Path, command: Path) -> None:
    theirs = ndjson(command, "sql", samples, ARTICLE, "--format", "ndjson", "-q")
    ours = scotoma.scan(samples).sql(ARTICLE).arrow().to_pylist()
    key = lambda row: sorted((k, str(v)) for k, v in row.items())  # noqa: E731
    assert len(ours) > 0
    assert sorted(map(key, ours)) == sorted(map(key, theirs))


def test_hunts_find_what_the_command_line_finds(samples: Path, command: Path) -> None:
    theirs = ndjson(command, "hunt", samples, "--format", "ndjson", "-q")
    theirs = [line for line in theirs if "records" in line]
    ours = scotoma.scan(samples).hunt()
    assert len(ours) == len(theirs) > 0
    assert [f["hunt"] for f in ours] == [f["hunt"] for f in theirs]
    assert {a["outcome"] for a in ours.analytics} == {"found"} and ours.unseen == []
    records = lambda f: [r.rsplit("/", 1)[-1] for r in f["records"]]  # noqa: E731
    assert [records(f) for f in ours] == [records(f) for f in theirs]
    assert ours.read.records == 590 and ours.read.damage == []
    (one,) = {f["hunt"] for f in scotoma.scan(samples).hunt(only=["lsass_access_by_rights"])}
    assert one == "lsass_access_by_rights"


RULE = """
title: A shell of the web server
id: 5d5f6a6e-31c4-4b1c-9f0e-6f6f2f0d7c11
logsource: {product: windows, category: process_creation}
detection:
  selection: {ParentImage|endswith: '\\w3wp.exe', Image|endswith: '\\cmd.exe'}
  condition: selection
level: high
"""


def test_rules_run_beside_hunts(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "shell.yml").write_text(RULE)
    found = scotoma.scan(samples).hunt(rules=tmp_path, built_in=False, why=True)
    assert [f["title"] for f in found] == ["A shell of the web server"]
    assert found[0]["why"] and found[0]["records"]
    both = scotoma.scan(samples).hunt(rules=[tmp_path])
    assert len(both.analytics) == 7


def test_what_cannot_see_says_so(tmp_path: Path) -> None:
    log = tmp_path / "log.ndjson"
    log.write_text('{"Channel":"Security","EventID":4624}\n')
    found = scotoma.scan(log).hunt()
    assert found == [] and len(found.unseen) == len(found.analytics) == 6
    assert "could not see" in repr(found) and "could not see" in found._repr_html_()


def test_the_published_query_over_the_published_recording(recordings: Path) -> None:
    recording = recordings / "article" / "Reflective_DLL_Injection.tar.gz"
    logs = scotoma.scan(recording)
    assert len(logs.sql(ARTICLE)) == 88


def test_events_are_counted(samples: Path) -> None:
    rows = scotoma.scan(samples).events().rows()
    assert sum(int(row["events"] or 0) for row in rows) == 590
    assert rows[0]["first"] is not None and rows[0]["first"].endswith("Z")


def test_further_names_for_the_table(samples: Path) -> None:
    logs = scotoma.scan(samples).view("process_injection")
    assert "process_injection" in logs.tables
    assert logs.sql("SELECT count(*) AS n FROM process_injection").rows() == [{"n": "590"}]


def test_rows_are_read_once(samples: Path, tmp_path: Path) -> None:
    copy = tmp_path / "log.ndjson"
    copy.write_bytes((samples / "workstation.ndjson").read_bytes())
    result = scotoma.scan(copy).sql("SELECT Channel FROM events")
    count = len(result)
    copy.unlink()
    assert result.arrow().num_rows == count > 0


def test_a_wrong_query_says_where(samples: Path) -> None:
    with pytest.raises(scotoma.QueryError, match="wrong_name") as caught:
        scotoma.scan(samples).sql("SELECT 1,\n  a FROM wrong_name")
    assert (caught.value.line, caught.value.column) == (2, 10)
    with pytest.raises(scotoma.QueryError):
        scotoma.scan(samples).sql("DROP TABLE events")


def test_a_missing_file_and_an_unknown_hunt(samples: Path, tmp_path: Path) -> None:
    with pytest.raises(scotoma.InputError, match="nowhere"):
        scotoma.scan(tmp_path / "nowhere")
    with pytest.raises(scotoma.InputError, match="no_such_hunt"):
        scotoma.scan(samples).hunt(only=["no_such_hunt"])
    with pytest.raises(scotoma.InputError):
        scotoma.scan()


def test_damage_and_doubts_are_warnings(tmp_path: Path) -> None:
    log = tmp_path / "log.ndjson"
    good = '{"Channel":"Security","EventID":1,"Image":"a.exe"}\n'
    log.write_text(good + '{"Channel":"Security", broken\n' + good)
    with pytest.warns(scotoma.DamageWarning, match="log.ndjson") as caught:
        assert len(scotoma.scan(log).sql("SELECT Image FROM events")) == 2
    assert caught[0].filename == __file__
    with pytest.warns(scotoma.QueryWarning, match="Imag"):
        len(scotoma.scan(log).sql("SELECT Imag FROM events"))
    package = tmp_path / "package.json"
    package.write_text('{"name": "x", "version": "1.0.0"}')
    with pytest.warns(scotoma.DamageWarning):
        assert scotoma.scan(package).hunt() == []


def test_nothing_is_warned_of_without_cause(samples: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scotoma.scan(samples).hunt()


def test_an_output_harms_no_input(samples: Path, tmp_path: Path) -> None:
    copy = tmp_path / "log.ndjson"
    copy.write_bytes((samples / "workstation.ndjson").read_bytes())
    before = copy.read_bytes()
    logs = scotoma.scan(copy)
    for write in (logs.to_parquet, logs.sql("SELECT * FROM events").to_parquet):
        with pytest.raises(scotoma.InputError, match="read in this run"):
            write(copy, overwrite=True)
    assert copy.read_bytes() == before
    out = logs.to_parquet(tmp_path / "log.parquet")
    with pytest.raises(scotoma.InputError, match="exists"):
        logs.to_parquet(out)
    logs.to_parquet(out, overwrite=True)
    assert len(scotoma.scan(out).sql("SELECT 1 FROM events")) == len(before.splitlines())


def test_baseline_counts_every_event(fleet: Path) -> None:
    report = scotoma.scan(fleet).baseline(event=["CreateRemoteThread"])
    (stream,) = report["streams"]
    rows = scotoma.scan(fleet).sql("SELECT count(*) AS n FROM sysmon WHERE EventID = 8").rows()
    assert stream["total"]["count"] == int(rows[0]["n"] or 0) > 0
    assert "<svg" in report.html()
    with pytest.raises(scotoma.InputError, match="NoSuchField"):
        scotoma.scan(fleet).baseline(event=["8"], by=["NoSuchField"])


def test_a_long_query_can_be_interrupted(samples: Path) -> None:
    # Far more pairs than anybody waits for.
    query = """
    SELECT count(*) FROM events a JOIN events b ON a.EventID <> b.EventID JOIN events c ON b.EventID <> c.EventID
    JOIN events d ON c.EventID <> d.EventID
    """
    result = scotoma.scan(samples).sql(query)
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    with pytest.raises(KeyboardInterrupt):
        len(result)
