"""Recordings say nothing about their maker: tags are blanked in place, everything else stays to the byte."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.content.desk import Place
from tests.content.media.uploads import Uploads, objects

from content.media.stripping import MOST_STEPS, Blank, find_blanks

PLACE = b"+31.2304+121.4737/"
SOUND = random.Random(7).randbytes(3_000)
MIB = 2**20


def box(name: bytes, *parts: bytes, long: bool = False) -> bytes:
    body = b"".join(parts)
    if long:
        return b"\0\0\0\1" + name + (len(body) + 16).to_bytes(8) + body
    return (len(body) + 8).to_bytes(4) + name + body


def film(*before: bytes, long: bool = False) -> bytes:
    """A film as a telephone writes it: the sound first, where and when it was taken at the end."""
    dated = b"\0\0\0\0" + b"\xe2\x11\x22\x33" * 2 + bytes(80)
    dated_long = b"\1\0\0\0" + b"\0\0\0\0\xe2\x11\x22\x33" * 2 + bytes(80)
    track = box(b"trak", box(b"tkhd", dated), box(b"udta", PLACE), box(b"mdia", box(b"mdhd", dated_long)))
    told = box(b"udta", box(b"\xa9xyz", PLACE), long=long), box(b"meta", b"com.apple.quicktime.location", PLACE)
    return b"".join(
        (
            box(b"ftyp", b"isom\0\0\x02\0isomiso2avc1mp41"),
            *before,
            box(b"mdat", SOUND, long=long),
            box(b"moov", box(b"mvhd", dated), track, *told),
            box(b"uuid", b"XMP" + PLACE),
        )
    )


def id3(*frames: bytes) -> bytes:
    body = b"".join(frames)
    return b"ID3\x04\0\x40" + bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0)) + body


def ape(body: bytes) -> bytes:
    edge = b"APETAGEX" + (2000).to_bytes(4, "little") + (len(body) + 32).to_bytes(4, "little") + bytes(16)
    return edge + body + edge


def chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + bytes(len(body) & 1)


def wave(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def block(kind: int, body: bytes, *, last: bool = False) -> bytes:
    return bytes([kind | (0x80 if last else 0)]) + len(body).to_bytes(3) + body


async def blanked(media_type: str, data: bytes) -> bytes:
    async def peek(start: int, end: int) -> bytes:
        assert 0 <= start < end <= len(data)
        return data[start:end]

    result = bytearray(data)
    for one in await find_blanks(media_type, peek, len(data)):
        one.apply(result, 0)
    assert len(result) == len(data)
    return bytes(result)


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("video/mp4", film()),
        ("video/quicktime", film(long=True)),
        ("video/3gpp", film(box(b"meta", PLACE), box(b"free", bytes(70_000)))),
        ("audio/mp4", film()),
        ("audio/mpeg", id3(PLACE) + SOUND),
        ("audio/mpeg", id3(PLACE) + id3(PLACE) + SOUND + ape(PLACE) + b"TAG" + PLACE.ljust(125, b" ")),
        ("audio/aac", id3(PLACE) + SOUND),
        ("audio/wav", wave(chunk(b"fmt ", bytes(16)), chunk(b"LIST", b"INFO" + PLACE), chunk(b"data", SOUND))),
        ("audio/wav", wave(chunk(b"bext", PLACE + b"!"), chunk(b"data", SOUND), chunk(b"iXML", PLACE))),
        ("audio/flac", b"fLaC" + block(0, bytes(34)) + block(4, PLACE) + block(6, PLACE, last=True) + SOUND),
        ("audio/flac", id3(PLACE) + b"fLaC" + block(0, bytes(34)) + block(2, PLACE, last=True) + SOUND),
    ],
)
async def test_what_tells_is_gone_and_the_rest_stays(media_type: str, data: bytes) -> None:
    assert PLACE in data
    result = await blanked(media_type, data)
    assert PLACE not in result
    assert b"\xe2\x11\x22\x33" not in result
    assert result.index(SOUND) == data.index(SOUND)
    assert await blanked(media_type, result) == result


async def test_boxes_are_blanked_and_their_neighbours_are_not() -> None:
    result = await blanked("video/mp4", film())
    for name, count in (
        (b"udta", 0),
        (b"meta", 0),
        (b"uuid", 0),
        (b"moov", 1),
        (b"trak", 1),
        (b"mdat", 1),
        (b"free", 4),
    ):
        assert result.count(name) == count, name


async def test_what_cannot_be_followed_stays_as_it_is() -> None:
    for media_type in ("video/mp4", "audio/wav", "audio/flac", "audio/ogg", "video/webm"):
        for data in (
            b"\0\0\0\x04udta" + PLACE,
            b"\xff\xff\xff\xffmoov",
            b"RIFF\0\0\0\0WAVELIST\xff\xff\xff\xff",
            b"fLaC\x04\xff\xff\xff",
        ):
            assert await blanked(media_type, data) == data


@pytest.mark.parametrize("length", range(6))
async def test_a_box_that_is_too_short_for_its_dates_loses_what_it_has_of_them(length: int) -> None:
    data = box(b"moov", box(b"mvhd", b"\0" + b"x" * length), box(b"free", b"left"))
    kept = b"\0" + b"x" * min(length, 3) + bytes(max(length - 3, 0))
    assert await blanked("video/mp4", data) == box(b"moov", box(b"mvhd", kept), box(b"free", b"left"))


async def test_looking_ends() -> None:
    reads = 0

    async def peek(start: int, end: int) -> bytes:
        nonlocal reads
        reads += 1
        return (box(b"skip") * (end - start))[start % 8 :][: end - start]

    await find_blanks("video/mp4", peek, 10 * MOST_STEPS * 8)
    assert reads <= MOST_STEPS


@given(
    st.sampled_from(["video/mp4", "audio/mpeg", "audio/wav", "audio/flac"]),
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from([film(), id3(PLACE), ape(PLACE), wave(chunk(b"LIST", PLACE)), b"fLaC", block(4, PLACE)]),
            st.builds(box, st.sampled_from([b"mvhd", b"udta", b"moov", b"trak"]), st.binary(max_size=5)),
        ),
        max_size=6,
    ),
)
async def test_whatever_it_is_it_keeps_its_length(media_type: str, parts: list[bytes]) -> None:
    await blanked(media_type, b"".join(parts))


@given(
    st.binary(max_size=60),
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70), st.binary(max_size=8)), max_size=3),
    st.integers(1, 20),
)
def test_blanking_part_by_part_is_blanking_the_whole(
    data: bytes, spans: list[tuple[int, int, bytes]], length: int
) -> None:
    blanks = [Blank(start, start + more, head[:more]) for start, more, head in spans]
    whole = bytearray(data)
    for one in blanks:
        if one.start < len(data) and one.end > 0:
            one.apply(whole, 0)
    parts = []
    for offset in range(0, len(data), length):
        part = bytearray(data[offset : offset + length])
        for one in blanks:
            if one.start < offset + len(part) and offset < one.end:
                one.apply(part, offset)
        parts.append(bytes(part))
    assert b"".join(parts) == bytes(whole)


async def test_a_film_in_parts_loses_its_place_in_the_store_too(place: Place, uploads: Uploads, store: Path) -> None:
    _, client = await place.member()
    data = film(box(b"mdat", bytes(9 * MIB)))
    media = await uploads.begin(client, len(data), "video", "a.mp4")
    for offset in range(0, len(data), 3 * MIB):
        assert (await uploads.send(client, media["id"], data[offset : offset + 3 * MIB], offset)).status_code == 200
    done = (await client.post(f"/v1/media/{media['id']}/complete")).json()
    read = (await uploads.read(done)).content
    assert (len(read), PLACE in read, SOUND in read) == (len(data), False, True)
    assert (await client.post(f"/v1/media/{media['id']}/complete")).json()["version"] == done["version"]
    as_file = await uploads.whole(client, film(), "file", "a.mp4")
    assert (await uploads.read(as_file)).content == film()
    kept = [path for path in objects(store, media) if PLACE in path.read_bytes()]
    assert len(kept) == 1, "what arrived, until it is swept"
