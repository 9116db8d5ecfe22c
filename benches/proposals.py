#!/usr/bin/env python3
"""What proposed exclusions would have cost: each recording in turn is left out, exclusions are proposed
from the others by default, and the configuration made of them is replayed over the one left out. The
hunts run before and after; a finding that is gone is named.

    python3 benches/proposals.py SCOTOMA FOLDER [MINIMUM...]

SCOTOMA is the program, FOLDER has the recordings; MINIMUM are further arguments for `baseline`, for
example --min-count 5 --min-hosts 1 --min-days 1 for the loosest proposals.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

# Remote threads of the recorded attacks, by what names the recording: source and target.
MUST_STAY = {
    "empire_psinject": ("powershell", "notepad"),
    "empire_dllinjection": ("powershell", "notepad"),
    "psh_mavinject": ("mavinject", "notepad"),
    "covenant_lolbin_wuauclt": ("wuauclt", ""),
}


def run(program, *arguments):
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1):
        sys.exit(f"{arguments}: {done.stderr}")
    return done.stdout


def findings(program, path):
    found = json.loads(run(program, "hunt", "-q", "--format", "json", path))
    keys = ("hunt", "host", "actor", "actor_id", "target", "target_id")
    return {tuple(f[k] or "" for k in keys) for f in found}


def threads(program, path):
    """Remote threads as (source, target) file names, with how many."""
    sql = (
        "SELECT lower(file_name(SourceImage)) s, lower(file_name(TargetImage)) t, count(*) n "
        "FROM sysmon WHERE EventID = 8 GROUP BY 1, 2"
    )
    rows = json.loads(run(program, "sql", "-q", "--format", "json", path, sql) or "[]")
    return {(r["s"] or "", r["t"] or ""): r["n"] for r in rows}


def main():
    program, folder, minimum = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    recordings = sorted(p for p in folder.iterdir() if p.suffix in (".zip", ".gz"))
    print(f"{'recording':<44} {'rules':>5} {'promised':>9} {'hidden':>7} {'findings':>8} {'left':>5}")
    wrong = []
    with tempfile.TemporaryDirectory() as scratch:
        xml, kept = Path(scratch) / "proposed.xml", Path(scratch) / "kept.parquet"
        for left_out in recordings:
            others = [p for p in recordings if p != left_out]
            xml.unlink(missing_ok=True)
            answer = json.loads(
                run(
                    program, "baseline", "-q", "--propose", "--format", "json",
                    "--attacks", *others, "-o", xml, *minimum, "--", *others,
                )
            )
            chosen = [p for p in answer["proposals"] if p["chosen"]]
            before = findings(program, left_out)
            seen = threads(program, left_out)
            kept.unlink(missing_ok=True)
            run(program, "config", "replay", "-q", "-o", kept, xml, left_out)
            after = findings(program, kept)
            still = threads(program, kept)
            events = json.loads(
                run(program, "sql", "-q", "--format", "json", left_out,
                    "SELECT count(*) n FROM sysmon")
            )[0]["n"]
            remain = json.loads(
                run(program, "sql", "-q", "--format", "json", kept, "SELECT count(*) n FROM sysmon")
            )[0]["n"]
            print(
                f"{left_out.name[:44]:<44} {len(chosen):>5} {answer['hidden']:>9} "
                f"{events - remain:>7} {len(before):>8} {len(before & after):>5}"
            )
            for gone in sorted(before - after):
                wrong.append(f"{left_out.name}: finding gone: {' '.join(gone)}")
            for name, (source, target) in MUST_STAY.items():
                if not left_out.name.startswith(name):
                    continue
                wanted = {
                    k: n for k, n in seen.items()
                    if k[0].startswith(source) and k[1].startswith(target)
                }
                if not wanted:
                    wrong.append(f"{left_out.name}: no thread {source} -> {target} to begin with")
                for key, n in wanted.items():
                    if still.get(key, 0) != n:
                        wrong.append(f"{left_out.name}: {key[0]} -> {key[1]}: {n} before, {still.get(key, 0)} after")
    for line in wrong:
        print("!", line)
    print("nothing of the attacks is hidden" if not wrong else f"{len(wrong)} hidden")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
