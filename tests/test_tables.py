"""Text tables: encodings, delimiters and headers are found; what is garbled or hostile is refused in one line."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounded import told_and_grown
from withinreach.errors import SourceError
from withinreach.sources.figures import parse_degrees, parse_numbers
from withinreach.sources.mojibake import garbled
from withinreach.sources.tables import data_rows, read_table

# Without the question mark: a field of several stands for letters that were lost.
LETTERS = st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="?")
FIELD = st.text(LETTERS | st.sampled_from("辉县市敬老院\u3000\uff08\uff09\uff0c")).map(str.strip)
quick = settings(max_examples=60, deadline=None)
TABLE = "编号,设施名称,经度,纬度,床位数\n1,示例养老服务站,113.89,35.30,64\n2,示例日间照料中心,113.90,35.31,\n"


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "t.csv", encoding: str = "utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def said(table, rule: str) -> dict:
    return next(dict(remark.figures) for remark in table.remarks if remark.rule == rule)


def refused(path, *parts: str, **options) -> None:
    with pytest.raises(SourceError) as caught:
        read_table(path, **options)
    (line,) = caught.value.problems
    assert "\n" not in line
    for part in (path.name, *parts):
        assert part in line, line


# Encodings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "title"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8 with BOM"),
        ("gb18030", "GB18030"),
        ("gbk", "GB18030"),
        ("utf-16", "UTF-16 LE"),
        ("utf-16-le", "UTF-16 LE"),
        ("utf-16-be", "UTF-16 BE"),
    ],
)
def test_encodings_are_found_and_stated(write, encoding, title):
    table = read_table(write(TABLE, encoding=encoding))
    assert said(table, "text_table_read") == {"encoding": title, "delimiter": ",", "header": 1, "rows": 2}
    assert table.rows["设施名称"].tolist() == ["示例养老服务站", "示例日间照料中心"]
    assert table.rows.index.tolist() == [2, 3]
    assert table.rows["床位数"].isna().tolist() == [False, True]


GARBLED = [
    (lambda text: text.encode().decode("gb18030", errors="ignore"), "UTF-8 was read as GBK"),
    (lambda text: text.encode().decode("latin-1"), "UTF-8 was read as Western text"),
    (lambda text: text.encode("gbk").decode("cp1252", errors="ignore"), "GBK was read as Western text"),
    (lambda text: text.encode("ascii", errors="replace").decode(), "letters were lost"),
    (lambda text: text.encode("gbk").decode(errors="replace"), "letters were lost"),
]


@pytest.mark.parametrize(("spoil", "accident"), GARBLED)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_garbled_text_is_refused(write, spoil, accident, encoding):
    spoiled = "id,lon,lat,kind,title\n" + "".join(
        f"{i},113.9,35.3,养老,{spoil(name)}\n"
        for i, name in enumerate(["辉县市幸福院", "卫辉市颐养院", "获嘉县敬老院"])
    )
    refused(write(spoiled, encoding=encoding), "garbled", accident, "export the table again")


def test_an_accident_that_was_undone_by_saving_is_none(write):
    once = "名称,数量\n辉县,1\n卫辉,2\n".encode().decode("gb18030")
    assert read_table(write(once, encoding="gb18030")).rows["名称"].tolist() == ["辉县", "卫辉"]


def test_a_garbled_header_is_told_with_what_it_should_say(write):
    header = "设施名称,经度,纬度,床位总数,建筑面积".encode().decode("gb18030")
    refused(write(f"{header}\nA,113.9,35.3,1,2\n"), "the header", "设施名称,经度"[:4], "UTF-8 was read as GBK")


@pytest.mark.parametrize(
    "names",
    [
        ["北京市", "联通", "青岛啤酒", "一", "長垣市", "囧", "𠮷野家"],
        ["Ääkköset", "Ærø", "Crèche des Lilas", "Düsseldorf", "Škoda", "São João"],
        ["Здравствуйте", "ελληνικά", "日本語テキスト"],
        ["what?", "a ? b", "?"],
        [],
    ],
)
def test_genuine_text_is_not_taken_for_garbled(names):
    assert garbled(names) is None


@quick
@given(
    st.lists(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=12), max_size=30)
)
def test_chinese_of_any_letters_is_not_garbled(names):
    """Letters drawn at random are more often valid by chance than those of real names."""
    found = garbled(names)
    assert found is None or found.accident == "UTF-8 was read as GBK"
    assert found is None or sum(len(name) for name in names) >= 6


def test_latin_text_is_not_read_as_chinese(write):
    refused(write("id,name\n" + "1,Müller Straße Öl\n2,Jäger Böse\n" * 5, encoding="latin-1"), "neither UTF-8", "byte")


# Delimiters and rows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("delimiter", "title"), [(",", ","), ("\t", "Tab"), (";", ";"), ("，", "，")])
def test_delimiters_are_found(write, delimiter, title):
    rows = [
        ["编号", "名称", "类型", "地址"],
        ["1", "甲", "医疗;诊所;诊所", "a,b"],
        ["2", "乙", "医疗;诊所", "c，d;e\tf"],
    ]
    text = "\n".join(
        delimiter.join(f'"{cell}"' if any(d in cell for d in ",\t;，") else cell for cell in row) for row in rows
    )
    table = read_table(write(text))
    assert said(table, "text_table_read")["delimiter"] == title
    assert [list(table.rows.columns), *table.rows.to_numpy().tolist()] == rows


def test_rows_are_counted_as_a_spreadsheet_counts_them(write):
    table = read_table(write('\n名称,地址\n\n甲,"a\nb"\n , \n乙,c\n'))
    assert table.rows.index.tolist() == [4, 6]
    assert table.rows["地址"].tolist() == ["a\nb", "c"]


def test_a_short_row_is_filled_up_and_a_long_one_refused(write):
    assert read_table(write("名称,a,b\n甲,1\n")).rows.to_numpy()[0, :2].tolist() == ["甲", "1"]
    assert len(read_table(write("名称,a,b\n甲,1,2,,,\n")).rows.columns) == 3
    refused(write("名称,a,b\n甲,1,2\n乙,1,200,3\n"), "row 3 has 4 fields, the header 3")


@quick
@given(
    st.lists(
        st.lists(
            st.text(
                st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.sampled_from("辉县市敬老院　（），；")
            ).map(str.strip),
            min_size=3,
            max_size=3,
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
    st.sampled_from([",", "\t", ";"]),
)
def test_every_field_comes_back(tmp_path_factory, rows, encoding, delimiter):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["设施名称", "详细地址", "所属乡镇"], *rows])
    path.write_bytes(text.getvalue().encode(encoding))
    wanted = [row for row in rows if any(row)]
    if not wanted:
        refused(path, "no rows")
        return
    table = read_table(path).rows
    assert table.astype(object).where(table.notna(), "").to_numpy().tolist() == wanted


# Headers ------------------------------------------------------------------------------------------------------


def test_titles_above_the_header_are_passed_over_and_told(write):
    table = read_table(write("附表1 设施现状一览表,,,\n填报单位：辉县市民政局,,2025年,\n\n" + TABLE))
    assert said(table, "rows_above_header") == {"count": 2}
    assert said(table, "text_table_read")["header"] == 4
    assert table.rows.index.tolist() == [5, 6]


def test_a_header_of_two_rows_without_merged_cells(write):
    table = read_table(write("序号,机构名称,床位数,,建筑面积\n,,合计,护理型,\n,,(张),(张),(㎡)\n1,甲,10,4,300\n"))
    assert list(table.rows.columns) == ["序号", "机构名称", "床位数/合计(张)", "床位数/护理型(张)", "建筑面积(㎡)"]
    assert said(table, "header_of_several_rows") == {"first": 1, "last": 3}
    assert table.rows.index.tolist() == [4]


def test_a_header_of_no_known_name(write):
    assert list(read_table(write("甲表,,\nfoo,bar,baz\n1,2,3\n4,5,6\n")).rows.columns) == ["foo", "bar", "baz"]


def test_columns_without_a_name_or_with_the_same(write):
    table = read_table(write("名称,,名称,\n甲,1,乙,\n"))
    assert list(table.rows.columns) == ["名称", "column 2", "名称#2"]


def test_totals_notes_and_repeated_headers_are_no_data(write):
    rows = [
        "合 计,,,,64",
        "编号,设施名称,经度,纬度,床位数",
        "3,示例站,113.9,35.3,5",
        "注：床位数为核定床位。,,,,",
        "不含在建。,,,,",
        "制表人：张三,审核人：李四,,,",
    ]
    text = TABLE + "\n".join(rows)
    table = data_rows(read_table(write(text)))
    assert table.rows["编号"].tolist() == ["1", "2", "3"]
    told = [(remark.rule, remark.at.row) for remark in table.remarks if remark.rule.endswith("left_out")]
    assert told == [
        ("total_left_out", 4),
        ("note_left_out", 7),
        ("note_left_out", 8),
        ("note_left_out", 9),
        ("header_left_out", 5),
    ]


# Numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "factor", "number"),
    [
        ("120", 1, 120),
        ("１２０", 1, 120),
        ("1,200", 1, 1200),
        ("1，200", 1, 1200),
        ("12,345,678.5", 1, 12345678.5),
        ("约120", 1, 120),
        ("120余", 1, 120),
        ("120余张", 1, 120),
        ("近 120 张", 1, 120),
        ("100多人", 1, 100),
        ("≥30", 1, 30),
        ("50张以上", 1, 50),
        ("2.3万", 1, 23000),
        ("2.3万人", 1, 23000),
        ("3亩", 1, 2000),
        ("450㎡", 1, 450),
        ("1e3", 1, 1000),
        ("2.3", 10000, 23000),
        ("约2.3", 10000, 23000),
    ],
)
def test_numbers_as_people_type_them(text, factor, number):
    parsed = parse_numbers(pd.Series([text]), factor)
    assert parsed.array.tolist() == pytest.approx([number], rel=1e-12)
    assert not parsed.bad.any()


@pytest.mark.parametrize(
    "text", ["十张", "10-20", "1,20", "12,0000", "a5", "5个月", "2.3万", "inf", "1.2.3", "#N/A", "5 6 7"]
)
def test_what_is_no_number(text):
    factor = 10000 if text == "2.3万" else 1  # times ten thousand twice is no reading
    assert parse_numbers(pd.Series([text]), factor).bad.tolist() == [text != "5 6 7"]


@pytest.mark.parametrize("text", ["", "—", "-", "/", "无", "暂无", "不详", " 未知 ", "N/A", None])
def test_unknown_is_not_zero(text):
    parsed = parse_numbers(pd.Series([text], dtype="str"))
    assert parsed.array.tolist() == pytest.approx([float("nan")], nan_ok=True)
    assert not parsed.bad.any()


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("113.89", 113.89),
        ("１１３.８９", 113.89),
        ("113.89°", 113.89),
        ("E113.89", 113.89),
        ("东经113.89度", 113.89),
        ("113°53'24\"", 113.89),
        ("113°53′24.0″E", 113.89),
        ("113度53分24秒", 113.89),
    ],
)
def test_coordinates_as_people_type_them(text, degrees):
    assert parse_degrees(pd.Series([text])).array.tolist() == pytest.approx([degrees], rel=1e-12)


@pytest.mark.parametrize("text", ["113°63'24\"", "约113.9", "113,89", "一百一十三", "113.89 35.3", "—"])
def test_what_is_no_coordinate(text):
    array = parse_degrees(pd.Series([text])).array
    assert array.tolist() == pytest.approx([float("nan")], nan_ok=True)


# Hostile files ------------------------------------------------------------------------------------------------


def test_nul_bytes(write):
    refused(write(b"id,name\n1,a\x00b\n"), "byte 12 is NUL")
    refused(write(b"\x00\xff\xfe garbage \x81"), "NUL")


def test_other_files_that_call_themselves_csv(write):
    refused(write(b"PK\x03\x04...."), "an XLSX workbook", "rename it")
    refused(write(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...."), "Excel", "save it as .xlsx")
    refused(write(TABLE, name="t.xls"), "save it as .xlsx")
    refused(write(TABLE), "no sheets", sheet="一")


def test_a_quote_that_is_never_closed(write):
    refused(write('id,name\n1,"a\n' + "2,b\n" * 1000), "row 2", "quote")


def test_absurdly_many_columns(write):
    refused(write(",".join(f"c{i}" for i in range(6000)) + "\n1\n"), "6,000 fields")
    refused(write("a" * 4_000_001 + ",b\n1,2\n"), "a line of more than 4,000,000 bytes")


def test_a_link_that_brings_in_a_file_from_elsewhere(tmp_path):
    (tmp_path / "secret").mkdir()
    secret = tmp_path / "secret" / "mine.csv"
    secret.write_text(TABLE, encoding="utf-8")
    (tmp_path / "study").mkdir()
    link = tmp_path / "study" / "t.csv"
    link.symlink_to(secret)
    refused(link, "is a link to", "outside its folder")
    inside = tmp_path / "secret" / "again.csv"
    inside.symlink_to(secret)
    assert len(read_table(inside).rows) == 2


@pytest.mark.parametrize(("row", "rows"), [("\n", 10_000_000), (",,,,\n", 3_000_000)])
def test_a_header_above_millions_of_empty_rows(write, row, rows):
    told, grown = told_and_grown(write("编号,名称,经度,纬度,床位\n" + row * rows))
    assert "no rows below its header" in told
    assert grown < 100


def test_one_endless_line(write):
    told, grown = told_and_grown(write("x" * 100_000_000))
    assert "a line of more than" in told
    assert grown < 100
