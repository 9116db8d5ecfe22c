"""Scotoma's tables and hunts on Apache Spark (3.5 and later) and on Sail.

    import scotoma.spark

    logs.to_parquet("events", partition="hive")
    scotoma.spark.register(spark, "events")
    spark.sql("SELECT * FROM sysmon_events WHERE event_id = 8").show(1, False)
    scotoma.spark.hunt(spark)

`register` makes every table and view of the event table as plain Spark SQL over the files: nothing of Scotoma runs on the
workers, and the same query gives the same rows as here. For EVTX, zips and JSON straight into Spark, where the package
is installed on the workers:

    spark.dataSource.register(scotoma.spark.Source)
    spark.read.format("scotoma").load("logs/")
"""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import Any

from ._scotoma import hunts as _hunts
from ._scotoma import spark_functions, spark_views

__all__ = ["Source", "hunt", "register", "sql"]  # noqa: F822


def sql(columns: Iterable[str], raw: str = "scotoma_raw") -> list[tuple[str, str]]:
    """The views over the table `raw` that has these columns: names and queries, in the order to make them."""
    return spark_views(list(columns), raw)


def register(
    spark: Any, parquet: str | PathLike[str], *, raw: str = "scotoma_raw", functions: bool | None = None
) -> list[str]:
    """Makes the tables and views as temporary views over a file or folder of Parquet, and gives their names.

    `functions` makes the functions of hunts (`has_rights`, `access_names`, ...) too; without it they are made where the
    engine has SQL functions (Spark 4).
    """
    frame = spark.read.option("mergeSchema", "true").parquet(str(parquet))
    frame.createOrReplaceTempView(raw)
    made = []
    for name, query in sql(frame.columns, raw):
        spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW `{name}` AS {query}")
        made.append(name)
    if functions is None:
        functions = int(str(spark.version).split(".", 1)[0]) >= 4
    for _, statement in spark_functions() if functions else ():
        spark.sql(statement)
    return made


def hunt(
    spark: Any, pack: str | PathLike[str] | None = None, *, only: Iterable[str] = ()
) -> dict[str, Any]:
    """The rows of the built-in hunts, or of those of a folder, each as a Spark DataFrame by the id of its hunt. The views
    have to be registered."""
    wanted = set(only)
    return {
        name: spark.sql(query.rstrip().rstrip(";"))
        for name, _, query in _hunts(pack)
        if not wanted or name in wanted
    }


def __getattr__(name: str) -> Any:
    # Only Spark 4 has what it derives from.
    if name == "Source":
        from ._spark_source import Source

        return Source
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
