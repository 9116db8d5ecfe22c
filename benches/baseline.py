#!/usr/bin/env python3
"""What a baseline costs over reading alone: generated fleets of 1 and 10 million events as Parquet.

    cargo build --release -p scotoma -p samples
    python3 benches/baseline.py FOLDER [EVENTS...]

Reading alone is a query that touches the columns a baseline of remote threads reads. Both are started afresh for every
run and take turns; the ratio is that of the medians. Needs GNU time for the peak of memory. `cargo bench -p baseline`
compares within one process, with the very columns that are counted and with the whole table.
"""

import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / "target/release"
READ = """
SELECT count(TimeCreated), count(Computer), count(Channel), count(Provider), count(EventID), count(EventRecordID),
    count(Image), count(ParentImage), count(TerminalSessionId), count(State), count(SourceImage), count(TargetImage),
    count(SourceUser), count(source_file), count(source_offset)
FROM events
"""
RUNS = 5


def timed(command):
    start = time.perf_counter()
    done = subprocess.run(["/usr/bin/time", "-v", *map(str, command)], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    peak = re.search(r"Maximum resident set size \(kbytes\): (\d+)", done.stderr)
    return seconds, int(peak.group(1)) / 1024


def main():
    folder = Path(sys.argv[1])
    for events in [int(n) for n in sys.argv[2:]] or [1_000_000, 10_000_000]:
        logs, table = folder / f"logs-{events}", folder / f"{events}.parquet"
        if not table.exists():
            subprocess.run([BIN / "samples", "fleet", logs, "--hosts", "40", "--days", "14", "--events", str(events)], check=True)
            subprocess.run([BIN / "scotoma", "convert", logs, "-o", table], check=True)
        commands = {
            "read": [BIN / "scotoma", "sql", table, READ, "--format", "csv", "--quiet"],
            "baseline": [BIN / "scotoma", "baseline", table, "--event", "CreateRemoteThread", "--quiet"],
            "baseline of everything": [BIN / "scotoma", "baseline", table, "--quiet"],
        }
        results = {name: [] for name in commands}
        for _ in range(RUNS):
            for name, command in commands.items():
                results[name].append(timed(command))
        reading = statistics.median(s for s, _ in results["read"])
        for name, runs in results.items():
            seconds = statistics.median(s for s, _ in runs)
            peak = max(p for _, p in runs)
            print(f"{events:,} events: {name} {seconds:.2f} s, {seconds / reading:.2f} times reading, peak {peak:.0f} MB", flush=True)


main()
