"""Rows in other libraries' hands."""

from __future__ import annotations

from pathlib import Path

import pytest
import scotoma

QUERY = "SELECT TimeCreated, EventID, SourceImage, TargetImage, GrantedAccess, EventID FROM events ORDER BY TimeCreated"


@pytest.fixture()
def result(samples: Path) -> scotoma.Result:
    return scotoma.scan(samples).sql(QUERY)


def test_pyarrow_gets_plain_strings(result: scotoma.Result) -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table(result)
    assert table.num_rows == len(result) == 590
    assert table.schema.field("SourceImage").type == pa.string()
    assert table.schema.field("TimeCreated").type == pa.timestamp("us", "UTC")
    assert table.column_names == ["TimeCreated", "EventID", "SourceImage", "TargetImage", "GrantedAccess", "EventID_2"]


def test_pandas_compares_two_columns(result: scotoma.Result) -> None:
    pytest.importorskip("pandas")
    frame = result.df()
    assert (frame.SourceImage == frame.TargetImage).sum() >= 0
    assert frame.groupby(["SourceImage", "TargetImage"]).size().sum() > 0
    categories = result.df(categories=True)
    assert str(categories.SourceImage.dtype) == "category"
    assert (categories.SourceImage.astype(object).fillna("") == frame.SourceImage.astype(object).fillna("")).all()


def test_polars_uses_text_functions(result: scotoma.Result) -> None:
    pl = pytest.importorskip("polars")
    frame = result.pl()
    assert frame.height == 590
    lowered = frame.select(pl.col("SourceImage").str.to_lowercase()).to_series().drop_nulls()
    assert lowered.len() > 0 and all(v == v.lower() for v in lowered)


def test_duckdb_asks_it_like_a_table(result: scotoma.Result) -> None:
    duckdb = pytest.importorskip("duckdb")
    reader = result  # noqa: F841
    counted = duckdb.sql("SELECT count(*), count(SourceImage) FROM reader").fetchall()
    assert counted[0][0] == 590


def test_no_rows_keep_their_columns(samples: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    nothing = scotoma.scan(samples).sql("SELECT EventID, Image FROM events WHERE EventID = -1")
    table = pa.table(nothing)
    assert table.num_rows == 0 and table.column_names == ["EventID", "Image"]
    assert not nothing


def test_parquet_opens_everywhere(samples: Path, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    pl = pytest.importorskip("polars")
    duckdb = pytest.importorskip("duckdb")
    logs = scotoma.scan(samples)
    whole = logs.to_parquet(tmp_path / "all.parquet")
    parts = logs.to_parquet(tmp_path / "parts", partition="hive")
    assert pq.read_table(whole).num_rows == 590
    assert pl.read_parquet(whole).height == 590
    assert duckdb.sql(f"SELECT count(*) FROM '{whole}'").fetchall() == [(590,)]
    ten = "SELECT count(*) FROM read_parquet('{}', hive_partitioning=true, union_by_name=true) WHERE EventID = 10"
    expected = logs.sql("SELECT count(*) AS n FROM events WHERE EventID = 10").rows()[0]["n"]
    found = duckdb.sql(ten.format(parts / "*" / "*" / "*.parquet")).fetchall()
    assert str(found[0][0]) == expected
    rows = logs.sql(QUERY).to_parquet(tmp_path / "rows.parquet")
    assert pq.read_table(rows).num_rows == 590
