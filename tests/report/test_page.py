"""The page: whole, small, the same twice, safe against hostile text, and sensible without data."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pages import SECTIONS, Page, made

import fauxpay
from fauxpay.errors import ContractError
from fauxpay.report.page import report_html

BYTES_MAX = 3_000_000
HOSTILE = "<script>alert('$x$')</script>\" onload=\"alert(1)"


def test_every_section_is_there_with_its_figures(html):
    """Eleven sections in order, a heading each, drawings in those that draw, all tags matched."""
    page = Page(html)
    assert [section["id"] for section in page.of("section")] == list(SECTIONS)
    assert not page.unmatched
    assert len(page.of("svg")) >= 13
    assert "Not measured" not in page.text
    assert len(html.encode()) < BYTES_MAX


def test_nothing_outside_of_the_file_is_asked_for(html):
    """No address but those of sources in text, no script, no import, no url() but own clips."""
    page = Page(html)
    linked = [one.get("href") for tag in ("a", "link", "use") for one in page.of(tag)]
    assert all(str(target).startswith(("#", "data:")) for target in linked)
    assert not page.of("script") + page.of("img") + page.of("iframe") + page.of("image")
    assert set(re.findall(r"url\((?!#)", html)) == set()
    assert "@import" not in html


def test_every_drawing_has_a_name_and_numbers_behind_it(html):
    """role=img, a title it is labelled by, and a table in the figure's details."""
    page = Page(html)
    titles = {one["id"] for one in page.of("title") if "id" in one}
    for svg in page.of("svg"):
        assert svg["role"] == "img"
        assert svg["aria-labelledby"] in titles
    assert html.count("<figure>") == html.count("<summary>Numbers") == len(page.of("svg"))


def test_ids_are_unique_and_references_lead_somewhere(html):
    """Two drawings never share an id, nor does one refer to what is not there."""
    page = Page(html)
    ids = [one["id"] for _, one in page.elements if "id" in one]
    assert len(ids) == len(set(ids))
    wanted = set(re.findall(r"url\(#([^)]+)\)", html))
    wanted |= {str(one["href"])[1:] for tag in ("a", "use") for one in page.of(tag)}
    assert wanted <= set(ids)


def test_drawings_follow_the_page_s_colours(html):
    """No colour of Matplotlib's stands in a drawing: all are variables of the sheet."""
    drawings = "".join(re.findall(r"<svg.*?</svg>", html, re.DOTALL))
    assert re.findall(r"#[0-9a-f]{6}\b", drawings) == []
    sheet = html[html.index("<style>") : html.index("</style>")]
    for variable in set(re.findall(r"var\((--[\w-]+)\)", html)):
        assert sheet.count(f"{variable}:") == 2 or variable == "--good", variable


def test_the_same_run_gives_the_same_page(reported, html, tmp_path):
    """Metamorphic: made again, and from a copy in another folder, not a byte is different."""
    shutil.copytree(reported.root, tmp_path / "elsewhere")
    copy = fauxpay.open(tmp_path / "elsewhere").run(reported.run_id)
    assert report_html(copy) == html
    assert str(reported.root) not in html


@pytest.mark.slow
def test_another_seed_is_another_page(reported, html, tmp_path):
    """Negative space for the test above: what differs is seen."""
    other = made(tmp_path / "out", end="2026-03-08")
    assert report_html(other) != html


def test_hostile_text_stays_text(reported, tmp_path):
    """A city and a merchant called <script>: shown as it is, never markup."""
    own = tmp_path / "own"
    shutil.copytree(next(reported.root.glob("worlds/*/catalog")), own)
    city = _largest_city(reported)
    for name, columns in {"places": ["city"], "merchants": ["merchant_city", "name"]}.items():
        table = pq.read_table(own / f"{name}.parquet")
        for column in columns:
            place = table.column_names.index(column)
            texts = [
                HOSTILE if text == city or column == "name" else text
                for text in table.column(column).to_pylist()
            ]
            array = pa.array(texts, pa.string())
            table = table.set_column(place, column, array)
        pq.write_table(table, own / f"{name}.parquet")
    run = made(tmp_path / "out", end="2026-03-04", catalog={"path": str(own)})
    html = report_html(run)
    page = Page(html)
    assert not page.of("script")
    assert not [one for _, one in page.elements if "onload" in one]
    assert not page.unmatched
    assert page.text.count(HOSTILE) >= 3  # busiest merchants, and the map's names and numbers
    assert html.count("&lt;script&gt;") >= 3


def _largest_city(run) -> str:
    cities = run.table("transactions").to_table(columns=["merchant_city"]).column(0)
    return max(cities.value_counts().to_pylist(), key=lambda one: one["counts"])["values"]


EMPTY = {
    "no fraud": ({"fraud": {"enabled": False}}, "fraud is switched off"),
    "no labels": ({"labels": {"enabled": False}}, "labels are switched off"),
    "one day": ({"end": "2026-03-02"}, "too few"),
    "few cards": ({"catalog": {"cards": 4}, "end": "2026-03-03"}, "The run has no fraud"),
    "the control group": ({"activity": {"realism": "v1"}}, "How to cite"),
}


MORE_EMPTY = sorted(EMPTY.keys() - {"few cards"})


@pytest.mark.parametrize(
    "what", ["few cards", *(pytest.param(what, marks=pytest.mark.slow) for what in MORE_EMPTY)]
)
def test_what_is_not_there_is_said(tmp_path, what):
    """Each section on input that lacks something: a sentence instead of a drawing, no fault."""
    more, sentence = EMPTY[what]
    page = Page(report_html(made(tmp_path / "out", **more)))
    assert [one["id"] for one in page.of("section")] == list(SECTIONS)
    assert sentence in page.text
    assert not page.unmatched
    assert "nan" not in re.findall(r"\w+", page.text)


def test_a_run_without_any_transaction_has_a_page(tmp_path):
    """A card that stays at home: every section says so, and none breaks."""
    run = made(
        tmp_path / "out",
        end="2026-03-02",
        catalog={"cards": 1},
        activity={"purchases_per_card_day": 0.0001, "recurring_per_card": 0.0},
        fraud={"enabled": False},
    )
    assert run.rows["transactions"] == 0
    page = Page(report_html(run))
    assert page.text.count("The run has no transaction") == 3
    assert "Payments by country" not in page.text
    assert not page.of("svg")


def test_a_damaged_file_is_named_as_such(reported, tmp_path):
    """A table whose bytes are no Parquet any more is an error for people, not a traceback."""
    root = Path(shutil.copytree(reported.root, tmp_path / "out"))
    file = next(root.glob("worlds/*/seed=1/transactions/event_day=2026-03-02/*.parquet"))
    file.write_bytes(b"x" * file.stat().st_size)
    with pytest.raises(ContractError, match="fauxpay verify"):
        report_html(fauxpay.open(root).latest())
