#!/usr/bin/env python3
"""Whole-process comparison with DuckDB: the published join over a folder of NXLog NDJSON files.

    pip install duckdb
    cargo build --release
    python3 benches/duckdb.py FOLDER [RUNS]

DuckDB is told the ten columns the query needs and their types, so that it infers nothing. Both programs are started
afresh for every run and take turns; the ratio is that of the medians.
"""

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

OURS = """
SELECT b.process_path, b.process_target_name, b.process_target_id, b.thread_new_id, a.process_id, a.process_granted_access
FROM sysmon_events b
INNER JOIN (
    SELECT event_id, process_granted_access, process_guid, process_id
    FROM sysmon_events
    WHERE event_id = 10 AND (process_granted_access & 5184) == 5184 -- 5184 is decimal for 0x1440
) a ON a.process_guid = b.process_guid
WHERE b.event_id = 8
"""

# Event 8 spells its key SourceProcessGuid, event 10 SourceProcessGUID; DuckDB tells JSON keys apart by case.
THEIRS = """
import sys, duckdb
def read(guid):
    text = ['Channel', 'SourceImage', 'TargetImage', guid, 'SourceProcessId', 'TargetProcessId', 'NewThreadId', 'GrantedAccess', 'UtcTime']
    columns = ', '.join(f"'{c}': 'VARCHAR'" for c in text) + ", 'EventID': 'BIGINT'"
    return f"read_json('{sys.argv[1]}/*.json', format = 'newline_delimited', columns = {{{columns}}})"
rows = duckdb.sql(f'''
    SELECT b.SourceImage, b.TargetImage, b.TargetProcessId, b.NewThreadId, a.SourceProcessId, a.GrantedAccess
    FROM {read('SourceProcessGuid')} b
    JOIN (SELECT * FROM {read('SourceProcessGUID')}
          WHERE Channel = 'Microsoft-Windows-Sysmon/Operational' AND EventID = 10
            AND (CAST(GrantedAccess AS BIGINT) & 5184) = 5184) a ON a.SourceProcessGUID = b.SourceProcessGuid
    WHERE b.Channel = 'Microsoft-Windows-Sysmon/Operational' AND b.EventID = 8
''').fetchall()
print(len(rows))
"""


def timed(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return seconds, max(before, peak), done.stdout


def main():
    folder, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    size = sum(f.stat().st_size for f in Path(folder).glob("*.json"))
    ours = [str(ROOT / "target/release/scotoma"), "sql", folder, OURS, "--format", "csv", "--quiet"]
    theirs = [sys.executable, "-c", THEIRS, folder]
    times = {"scotoma": [], "duckdb": []}
    for turn in range(runs + 1):
        a, _, rows = timed(ours)
        b, _, count = timed(theirs)
        print(f"scotoma {len(rows.splitlines()) - 1} rows in {a:.2f} s, duckdb {count.strip()} rows in {b:.2f} s", flush=True)
        if turn:
            times["scotoma"].append(a)
            times["duckdb"].append(b)
    a, b = (statistics.median(t) for t in times.values())
    print(f"{size / 1e9:.2f} GB, median of {runs}: scotoma {a:.2f} s, duckdb {b:.2f} s, ratio {b / a:.1f}")


main()
