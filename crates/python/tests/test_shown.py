"""What is seen: in a notebook, on a terminal. Log text is the attacker's."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import scotoma

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "$\\href{javascript:alert(1)}{x}$",
    "\u202egnp.exe",
    "\x1b]0;title\x07",
    "a & b",
]


class Tags(HTMLParser):
    """Counts tags and gathers text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile(folder: Path) -> scotoma.Logs:
    log = folder / "log.ndjson"
    rows = ({"Channel": "Security", "EventID": 1, "Image": text} for text in HOSTILE)
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return scotoma.scan(log)


def test_a_page_has_no_markup_of_the_log(tmp_path: Path) -> None:
    result = hostile(tmp_path).sql("SELECT Image AS `<b>name</b>` FROM events")
    page = result._repr_html_()
    seen = Tags()
    seen.feed(page)
    assert seen.tags <= {"div", "table", "thead", "tbody", "tr", "th", "td", "br", "small", "span"}
    assert seen.attributes <= {"class", "style"}
    assert 'class="tex2jax_ignore mathjax_ignore"' in page
    assert "<script>alert(1)</script>" in seen.text
    assert "\u202e" not in page and "\x1b" not in page


def test_a_terminal_gets_no_control_characters(tmp_path: Path, capsys: object) -> None:
    result = hostile(tmp_path).sql("SELECT Image FROM events")
    for text in (repr(result), result._text(10, 0)):
        assert "\x1b" not in text and "\u202e" not in text and "\x07" not in text


def test_show_is_as_spark_shows(samples: Path, capsys: object) -> None:
    result = scotoma.scan(samples).sql("SELECT 1 AS a, 'a text of more than twenty characters' AS b")
    assert result._text(1, 20).splitlines() == [
        "+---+--------------------+",
        "|  a|                   b|",
        "+---+--------------------+",
        "|  1|a text of more th...|",
        "+---+--------------------+",
    ]
    assert result._text(1, 0).splitlines()[3] == "|1  |a text of more than twenty characters|"


def test_findings_are_a_table(samples: Path) -> None:
    page = scotoma.scan(samples).hunt()._repr_html_()
    assert "spoolsv.exe" in page and "13 findings" in page
