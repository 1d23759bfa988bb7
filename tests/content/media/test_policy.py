"""Names, ranges and parts: decisions over plain values."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from content.media import policy
from content.media.policy import LARGEST, MIB, Kind, Piece, Span


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("海边.jpg", "海边.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\报告.docx", "报告.docx"),
        ("/", "file"),
        ("..", "file"),
        (" . ", "file"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("\u200binv\u200disible.png", "invisible.png"),
        ('a<b>:"c|?*.txt', "a_b___c___.txt"),
        ("con.txt", "_con.txt"),
        ("a\u3000 b.png", "a b.png"),
        ("e\u0301.png", "é.png"),
        ("x" * 300 + ".jpeg", "x" * 115 + ".jpeg"),
    ],
)
def test_names_are_cleaned(given: str, shown: str) -> None:
    assert policy.clean_name(given) == shown


@given(st.text(max_size=400))
@example("con/..\u202e")
@example("._.CON")
def test_a_cleaned_name_is_harmless_and_stays_as_it_is(name: str) -> None:
    cleaned = policy.clean_name(name)
    assert 1 <= len(cleaned) <= policy.LONGEST_NAME
    assert not set(cleaned) & set('/\\<>:"|?*')
    assert not any(unicodedata.category(one).startswith("C") for one in cleaned)
    assert cleaned.strip(". ") == cleaned
    assert policy.clean_name(cleaned) == cleaned


@given(st.integers(1, 5000), st.integers(0, 6000), st.integers(0, 6000))
def test_ranges_are_as_the_standard_says(size: int, first: int, last: int) -> None:
    whole = bytes(range(256)) * 20
    data = whole[:size]
    span = policy.asked_span(f"bytes={first}-{last}", size)
    if last < first:
        assert span is None
    elif first >= size:
        assert span is policy.UNSATISFIABLE
    else:
        assert span is not None
        assert data[span.start : span.end] == data[first : last + 1]
    ending = policy.asked_span(f"bytes=-{last}", size)
    if last:
        assert ending is not None
        assert data[ending.start : ending.end] == data[-last:]
    else:
        assert ending is policy.UNSATISFIABLE
    rest = policy.asked_span(f"bytes={first}-", size)
    assert rest == (Span(first, size) if first < size else policy.UNSATISFIABLE)


@pytest.mark.parametrize(
    "header", [None, "", "bytes", "bytes=-", "bytes=a-b", "bytes=0-1,3-4", "items=0-1", "bytes=-1-2"]
)
def test_what_is_no_single_range_asks_for_all(header: str | None) -> None:
    assert policy.asked_span(header, 10) is None


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=8), st.data())
def test_slices_of_parts_make_the_range(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    pieces, start = [], 0
    for number, part in enumerate(parts):
        pieces.append(Piece(start, len(part), str(number)))
        start += len(part)
    first = data.draw(st.integers(0, len(whole)))
    last = data.draw(st.integers(first, len(whole)))
    read = b"".join(parts[int(one.key)][one.start : one.end] for one in policy.slices(pieces, first, last))
    assert read == whole[first:last]


def test_sizes_and_quotas() -> None:
    def code(kind: Kind, size: int, used: int = 0, unfinished: int = 0) -> str | None:
        refusal = policy.size_refusal(kind, size, used=used, quota=2048 * MIB, unfinished=unfinished)
        return refusal.code if refusal else None

    for kind, largest in LARGEST.items():
        assert code(kind, largest) is None
        assert code(kind, largest + 1) == "media-too-large"
    assert code(Kind.VIDEO, 1024 * MIB, used=1024 * MIB) is None
    assert code(Kind.VIDEO, 1024 * MIB, used=1024 * MIB + 1) == "quota-exceeded"
    assert code(Kind.IMAGE, 1, unfinished=policy.MOST_UNFINISHED - 1) is None
    assert code(Kind.IMAGE, 1, unfinished=policy.MOST_UNFINISHED) == "too-many-unfinished"


@given(st.integers(1, 64 * MIB))
def test_above_eight_mebibytes_parts_are_small(size: int) -> None:
    largest = policy.largest_piece(size)
    assert largest == (size if size <= 8 * MIB else 4 * MIB)
