"""What others' programs make is refused by its name, with the way to what stance reads."""

import io
import zipfile

import pytest
from click.testing import CliRunner

import stance
from stance.cli import main

GERMAN = "thread;post;text;stance\nt;1;Ban it, now.;against\n"
TABS = "thread\tpost\ttext\tstance\nt\t1\tBan it, now.\tagainst\n"


def zipped(*names):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    return stream.getvalue()


FOREIGN = {
    "german.csv": (GERMAN.encode(), "columns are parted by ';'; save it with commas, as CSV UTF-8"),
    "excel.csv": (
        f"sep=;\r\n{GERMAN}".encode("utf-8-sig"),
        "columns are parted by ';'; save it with commas, as CSV UTF-8",
    ),
    "tabs.txt": (TABS.encode(), "columns are parted by tabs; save it with commas, as CSV UTF-8"),
    "unicode.txt": (TABS.encode("utf-16"), "columns are parted by tabs; save it with commas, as CSV UTF-8"),
    "posts.xlsx": (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook; save it as CSV UTF-8"),
    "posts.csv": (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook; save it as CSV UTF-8"),
    "posts.xls": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "Workbook".encode("utf-16-le"),
        "an Excel workbook; save it as CSV UTF-8",
    ),
    "thread.docx": (zipped("[Content_Types].xml", "word/document.xml"), "a Word document; save it as text"),
    "pages.zip": (zipped("page.html"), "a ZIP archive; unpack it"),
    "thread.pdf": (b"%PDF-1.7\n", "a PDF document; give its text, or the page that it was printed from"),
    "shot.png": (b"\x89PNG\r\n\x1a\n" + bytes(60), "a PNG picture; give the page as HTML or as text"),
}
COMMANDS = (["extract"], ["label"], ["label", "-o", "out.csv"], ["report"], ["evaluate"], ["train"])


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_another_program_is_called_what_it_is(tmp_path, monkeypatch, name, command):
    monkeypatch.chdir(tmp_path)
    data, message = FOREIGN[name]
    (tmp_path / name).write_bytes(data)
    done = CliRunner().invoke(main, [command[0], name, *command[1:]], catch_exceptions=False)
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert f"{name}: {message}" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "words", ["Post\tAuthor\nBan it.\tann\n", "text; and more of it\n", "author;date\nann;today\n"]
)
def test_a_text_with_such_signs_in_its_first_line_is_a_text(words):
    assert [thread.posts for thread in stance.extract(f"{words}\nAn article.\n")] == [()]
