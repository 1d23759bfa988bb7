"""Reading CSV: its encoding and delimiter found by its content, one record at a time, in bounded memory."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from io import TextIOWrapper
from typing import IO

from members.memberships.files.policy import MOST_COLUMNS, FileError

LONGEST_RECORD = 2**17 - 1
"""Less than what the csv module takes for one cell, so that its own limit is never the one that is met."""
DELIMITERS = (",", ";", "\t")
_CHUNK = 2**16
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
_NAMES = {"utf-8-sig": "utf-8"}


def encoding_of(file: IO[bytes], declared: str | None) -> str:
    """Return Python's name of the encoding in which every byte of the file reads. Raises FileError."""
    if declared is not None:
        wanted = ["utf-8-sig" if declared == "utf-8" else declared]
    else:
        file.seek(0)
        head = file.read(4)
        marked = [name for mark, name in _BOMS if head.startswith(mark)]
        # GB18030 reads almost everything that GBK reads, and more; what is valid UTF-8 is hardly ever meant as GB18030.
        wanted = marked or ["utf-8", "gb18030"]
    places = []
    for name in wanted:
        place = _first_fault(file, name)
        if place is None:
            return name
        places.append(f"{_NAMES.get(name, name)} (byte {place})")
    raise FileError(
        "encoding-unreadable",
        f"The text does not read as {' nor as '.join(places)}. Save it as UTF-8, or name its encoding with ?encoding=.",
    )


def _first_fault(file: IO[bytes], encoding: str) -> int | None:
    """Return about where the file stops being text in this encoding."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    place = 0
    while True:
        chunk = file.read(_CHUNK)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeError as error:
            return place + (error.start if isinstance(error, UnicodeDecodeError) else 0)
        if "\0" in text:
            raise FileError("file-not-text", "The file holds NUL characters: it is no CSV.")
        if not chunk:
            return None
        place += len(chunk)


def delimiter_of(file: IO[bytes], encoding: str) -> tuple[str, bool]:
    """Return what separates the cells of the first record, and whether a `sep=` line of Excel's says so. Raises FileError."""
    file.seek(0)
    text = TextIOWrapper(file, encoding, newline="")
    try:
        lines = (text.readline(LONGEST_RECORD) for _ in range(1000))
        first = next((line for line in lines if line.strip() or not line), "")
    finally:
        text.detach()
    said = _SEPARATOR_LINE.fullmatch(first)
    if said:
        return said[1], True
    bare = re.sub(r'"[^"]*"', "", first)
    return max(DELIMITERS, key=bare.count), False


def records(file: IO[bytes], encoding: str, delimiter: str, *, skip: bool) -> Iterator[list[str]]:
    """Yield the records, blank ones too; `skip` leaves out the `sep=` line. Raises FileError."""
    file.seek(0)
    text = TextIOWrapper(file, encoding, newline="")
    try:
        if skip:
            text.readline(LONGEST_RECORD)
        yield from _records(text, delimiter)
    finally:
        text.detach()


def _records(text: TextIOWrapper, delimiter: str) -> Iterator[list[str]]:
    fed = 0
    number = 0

    def lines() -> Iterator[str]:
        nonlocal fed
        while line := text.readline(LONGEST_RECORD + 1):
            fed += len(line)
            if line.count(delimiter) > LONGEST_RECORD // 8:
                raise _too_wide(number)
            if fed > LONGEST_RECORD:
                raise FileError(
                    "record-too-long",
                    f"Record {number + 1} is longer than {LONGEST_RECORD} characters: a quotation mark may not be closed.",
                )
            yield line

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    try:
        for record in reader:
            number += 1
            fed = 0
            if len(record) > MOST_COLUMNS and any(cell.strip() for cell in record[MOST_COLUMNS:]):
                raise _too_wide(number)
            yield record[:MOST_COLUMNS]
    except csv.Error as error:
        raise FileError("csv-malformed", f"Record {number + 1} is no CSV: {error}.") from error


def _too_wide(number: int) -> FileError:
    return FileError("too-many-columns", f"Record {max(number, 1)} has more than {MOST_COLUMNS} columns.")
