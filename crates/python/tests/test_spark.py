"""The views, hunts and data source on a real Spark. It takes minutes, and is left out where pyspark or Java are not there."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import scotoma
import scotoma.spark

from conftest import ROOT


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    pytest.importorskip("pyspark", reason="skipped: pyspark is not installed")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("skipped: there is no Java")
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "America/New_York")
        .config("spark.sql.ansi.enabled", "true")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def recordings() -> list[Path]:
    """What the answers are compared over: the samples, and the published recording where it is."""
    found = [ROOT / "samples"]
    published = ROOT.parent / "shared" / "data" / "article"
    if published.is_dir():
        found.append(published)
    return found


def counted(rows: list[tuple[object, ...]]) -> Counter[tuple[str, ...]]:
    return Counter(tuple(str(value) for value in row) for row in rows)


@pytest.mark.parametrize("logs", recordings(), ids=lambda p: p.name)
@pytest.mark.parametrize("partition", [None, "hive"])
def test_hunts_give_the_same_rows(spark: Any, logs: Path, partition: Any, tmp_path: Path) -> None:
    scan = scotoma.scan(logs)
    made = scan.to_parquet(tmp_path / "events.parquet", partition=partition)
    names = scotoma.spark.register(spark, made)
    assert {"events", "sysmon", "sysmon_events", "security_events", "sysmon_process_access"} <= set(names)
    theirs = scotoma.spark.hunt(spark)
    for name, _, query in scotoma.spark._hunts(None):
        ours = scan.sql(query).arrow().drop_columns(["time"])
        frame = theirs[name].drop("time")
        rows = [tuple(row) for row in frame.collect()]
        assert counted(rows) == counted([tuple(r.values()) for r in ours.to_pylist()]), name


@pytest.mark.parametrize("logs", recordings(), ids=lambda p: p.name)
def test_every_column_has_the_same_values(spark: Any, logs: Path, tmp_path: Path) -> None:
    scan = scotoma.scan(logs)
    scotoma.spark.register(spark, scan.to_parquet(tmp_path / "events.parquet"))
    for table in ("sysmon_events", "security_events"):
        names = [c.name for c in spark.table(table).schema if c.dataType.simpleString() != "timestamp"]
        ours_known = scan.sql(f"SELECT * FROM {table} LIMIT 0").columns
        names = [n for n in names if n in ours_known]
        counts = ", ".join(f"count(`{n}`), count(DISTINCT `{n}`)" for n in names)
        ours = scan.sql(f"SELECT {counts} FROM {table}").arrow().to_pylist()[0]
        theirs = spark.sql(f"SELECT {counts} FROM {table}").collect()[0]
        different = [
            n
            for i, n in enumerate(names)
            if list(ours.values())[2 * i : 2 * i + 2] != list(theirs)[2 * i : 2 * i + 2]
        ]
        assert not different, table


def test_the_data_source_reads_logs_as_they_are(spark: Any, samples: Path) -> None:
    if not hasattr(spark, "dataSource"):
        pytest.skip("skipped: this Spark has no Python data sources")
    spark.dataSource.register(scotoma.spark.Source)
    frame = spark.read.format("scotoma").load(str(samples))
    assert frame.count() == 590
    assert frame.rdd.getNumPartitions() == 2
    ten = frame.filter("EventID = 10").count()
    expected = scotoma.scan(samples).sql("SELECT count(*) AS n FROM events WHERE EventID = 10").rows()
    assert str(ten) == expected[0]["n"]
