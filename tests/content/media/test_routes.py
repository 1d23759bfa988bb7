"""Uploads over HTTP, on a real database and a real directory."""

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from tests.content.conftest import Place, code, if_match, make_place
from tests.content.media import pictures
from tests.content.media.uploads import Uploads, objects

from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import Kit
from contracts.content import MediaErased, MediaUploaded

MIB = 2**20


async def test_an_image_is_drawn_anew(place: Place, uploads: Uploads, store: Path) -> None:
    account, client = await place.member()
    data = pictures.photograph(60, 40, orientation=6, tail=pictures.HTML)
    media = await uploads.begin(client, len(data), name="../../海边\u202e.jpg")
    assert (media["state"], media["offset"], media["largest_part"], media["variants"]) == (
        "uploading",
        0,
        len(data),
        {},
    )
    assert media["name"] == "海边.jpg"
    assert media["can"] == ["upload", "delete"]
    sent = await uploads.send(client, media["id"], data)
    assert sent.headers["upload-offset"] == str(len(data))
    assert sent.json()["can"] == ["complete", "delete"]
    done = await client.post(f"/v1/media/{media['id']}/complete")
    assert done.status_code == 200, done.text
    assert done.headers["hearth-position"] == f"media/{media['id']}@2"
    media = done.json()
    assert (media["state"], media["media_type"], media["can"]) == ("ready", "image/jpeg", ["delete"])
    assert set(media["variants"]) == {"original", "large", "small"}
    for variant in media["variants"]:
        answer = await uploads.read(media, variant)
        assert answer.status_code == 200
        described = media["variants"][variant]
        assert answer.headers["content-type"] == described["media_type"]
        assert int(answer.headers["content-length"]) == described["size"] == len(answer.content)
        image = pictures.opened(answer.content)
        # Turned upright by what the camera said, which is then gone.
        assert image.size == (described["width"], described["height"]) == (40, 60)
        assert image.getpixel((20, 5))[0] > 200  # type: ignore[index]
        assert not dict(image.getexif())
        for secret in (pictures.CAMERA.encode(), b"script", b"Exif"):
            assert secret not in answer.content
    kept = b"".join(path.read_bytes() for path in objects(store, media))
    assert pictures.CAMERA.encode() in kept  # what arrived lies there until it is swept
    [event] = [e for e in await place.kit.events(MediaUploaded) if str(e.aggregateid) == media["id"]]
    assert event.data["owner_id"] == str(account)
    assert event.data["size"] == media["size"] == sum(one["size"] for one in media["variants"].values())
    again = await client.post(f"/v1/media/{media['id']}/complete")
    assert again.json()["version"] == media["version"]


async def test_what_arrived_is_swept_and_what_is_kept_stays(
    place: Place, uploads: Uploads, store: Path, movable_clock: MovableClock
) -> None:
    _, client = await place.member()
    media = await uploads.whole(client, pictures.photograph())
    assert len(objects(store, media)) == 4
    movable_clock.move(hours=1)
    await place.kit.work()
    assert len(objects(store, media)) == 3
    assert pictures.CAMERA.encode() not in b"".join(path.read_bytes() for path in objects(store, media))
    media = (
        await place.kit.person(place.organization, UUID(await owner(place, media))).get(f"/v1/media/{media['id']}")
    ).json()
    assert (await uploads.read(media, "small")).status_code == 200


async def owner(place: Place, media: dict[str, str]) -> str:
    [row] = await place.kit.sql("SELECT owner_id FROM media WHERE id = $1", UUID(media["id"]))
    return str(row["owner_id"])


@pytest.mark.parametrize(
    ("data", "kind", "refusal"),
    [
        (pictures.HTML, "image", "media-type-refused"),
        (pictures.SVG, "image", "media-type-refused"),
        (pictures.PDF, "image", "media-type-refused"),
        (b"GIF89a" + pictures.HTML, "image", "image-unreadable"),
        (pictures.photograph()[:300], "image", "image-unreadable"),
        (pictures.bomb(), "image", "image-too-many-pixels"),
        (pictures.animation(250), "image", "image-too-many-frames"),
        (pictures.HTML, "file", "media-type-refused"),
        (pictures.SVG, "file", "media-type-refused"),
        (pictures.PROGRAM, "file", "media-type-refused"),
        (b"#!/bin/sh\nrm -rf /", "file", "media-type-refused"),
        (pictures.HTML, "video", "media-type-refused"),
        (pictures.MP4, "audio", "media-type-refused"),
        (pictures.PDF, "avatar", "media-type-refused"),
    ],
)
async def test_what_may_not_be_uploaded_is_refused_and_gone(
    place: Place, uploads: Uploads, store: Path, data: bytes, kind: str, refusal: str
) -> None:
    _, client = await place.member()
    media = await uploads.begin(client, len(data), kind, "innocent.jpg")
    await uploads.send(client, media["id"], data)
    answer = await client.post(f"/v1/media/{media['id']}/complete")
    assert (answer.status_code, code(answer)) == (422, refusal)
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("", refusal)]
    assert (await client.get(f"/v1/media/{media['id']}")).status_code == 404
    await place.kit.work()
    assert objects(store, media) == []


@pytest.mark.parametrize(
    ("data", "kind", "name", "media_type"),
    [
        (pictures.MP4, "video", "a.mp4", "video/mp4"),
        (pictures.MP3, "audio", "a.mp3", "audio/mpeg"),
        (pictures.PDF, "file", "报告.pdf", "application/pdf"),
        ("词,意思\nserendipity,意外之喜\n".encode(), "file", "words.csv", "text/csv"),
        (
            b"PK\x03\x04" + b"\0" * 60,
            "file",
            "a.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (pictures.photograph(), "file", "a.exe", "image/jpeg"),
    ],
)
async def test_other_files_stay_as_they_are_and_are_attachments(
    place: Place, uploads: Uploads, data: bytes, kind: str, name: str, media_type: str
) -> None:
    _, client = await place.member()
    media = await uploads.whole(client, data, kind, name)
    assert media["media_type"] == media_type
    answer = await uploads.read(media)
    assert answer.content == data
    assert answer.headers["content-type"].partition(";")[0] == media_type
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_animations_keep_moving_and_their_small_ones_stand_still(place: Place, uploads: Uploads) -> None:
    _, client = await place.member()
    for form in ("GIF", "WEBP"):
        media = await uploads.whole(client, pictures.animation(5, form))
        whole = pictures.opened((await uploads.read(media)).content)
        assert (whole.format, getattr(whole, "n_frames", 1)) == (form, 5)
        small = pictures.opened((await uploads.read(media, "small")).content)
        assert getattr(small, "n_frames", 1) == 1


async def test_a_large_file_comes_in_parts_and_goes_on_after_a_break(place: Place, uploads: Uploads) -> None:
    _, client = await place.member()
    data = pictures.MP4 + bytes(9 * MIB)
    media = await uploads.begin(client, len(data), "video", "a.mp4")
    assert media["largest_part"] == 4 * MIB
    too_large = await uploads.send(client, media["id"], data)
    assert (too_large.status_code, code(too_large)) == (413, "body-too-large")
    assert (await uploads.send(client, media["id"], data[: 4 * MIB])).status_code == 200
    twice = await uploads.send(client, media["id"], data[: 4 * MIB])
    assert (twice.status_code, code(twice), twice.headers["upload-offset"]) == (409, "offset-stale", str(4 * MIB))
    early = await client.post(f"/v1/media/{media['id']}/complete")
    assert (early.status_code, code(early)) == (409, "offset-stale")
    offset = (await client.get(f"/v1/media/{media['id']}")).json()["offset"]
    while offset < len(data):
        sent = await uploads.send(client, media["id"], data[offset : offset + 3 * MIB], offset)
        assert sent.status_code == 200, sent.text
        offset = sent.json()["offset"]
    done = (await client.post(f"/v1/media/{media['id']}/complete")).json()
    late = await uploads.send(client, media["id"], b"x", len(data))
    assert (late.status_code, code(late)) == (409, "upload-finished")
    whole = await uploads.read(done)
    assert whole.content == data
    for asked, start, end in (
        ("0-99", 0, 100),
        (f"{3 * MIB}-{5 * MIB}", 3 * MIB, 5 * MIB + 1),
        ("-7", len(data) - 7, len(data)),
    ):
        part = await uploads.read(done, Range=f"bytes={asked}")
        assert part.status_code == 206
        assert part.content == data[start:end]
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{len(data)}"
    behind = await uploads.read(done, Range=f"bytes={len(data)}-")
    assert (behind.status_code, behind.headers["content-range"]) == (416, f"bytes */{len(data)}")
    known = await uploads.read(done, **{"If-None-Match": whole.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    other = await uploads.read(done, Range="bytes=0-9", **{"If-Range": '"other"'})
    assert (other.status_code, len(other.content)) == (200, len(data))


async def test_two_at_the_same_offset_count_once(place: Place, uploads: Uploads) -> None:
    _, client = await place.member()
    media = await uploads.begin(client, len(pictures.PDF), "file", "a.pdf")
    answers = await asyncio.gather(*(uploads.send(client, media["id"], pictures.PDF) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    done = await asyncio.gather(*(client.post(f"/v1/media/{media['id']}/complete") for _ in range(4)))
    assert [answer.status_code for answer in done] == [200] * 4
    assert (await uploads.read(done[0].json())).content == pictures.PDF
    assert len([e for e in await place.kit.events(MediaUploaded) if str(e.aggregateid) == media["id"]]) == 1


async def test_parts_that_fit_nowhere_are_refused(place: Place, uploads: Uploads) -> None:
    _, client = await place.member()
    media = await uploads.begin(client, 10, "file", "a.txt")
    assert code(await uploads.send(client, media["id"], b"")) == "part-empty"
    assert code(await uploads.send(client, media["id"], b"x" * 11)) == "body-too-large"
    assert code(await uploads.send(client, media["id"], b"x", 3)) == "offset-stale"
    path = f"/v1/media/{media['id']}/content"
    assert (await client.put(path, content=b"x")).status_code == 422
    assert (await client.put(path, content=b"x", headers={"Upload-Offset": "-1"})).status_code == 422
    assert (await client.get(f"/v1/media/{media['id']}")).json()["offset"] == 0


async def test_sizes_and_quotas_are_held(place: Place) -> None:
    _, client = await place.member()

    async def begin(size: int, kind: str = "image") -> tuple[int, str]:
        answer = await client.post("/v1/media", json={"kind": kind, "name": "a", "size": size})
        return answer.status_code, "" if answer.status_code == 201 else code(answer)

    assert await begin(21 * MIB) == (413, "media-too-large")
    large = await client.post("/v1/media", json={"kind": "image", "name": "a", "size": 21 * MIB})
    assert [one["pointer"] for one in large.json()["errors"]] == ["/size"]
    assert await begin(0) == (422, "invalid")
    assert await begin(60 * MIB, "video") == (201, "")
    assert await begin(5 * MIB) == (409, "quota-exceeded")
    together = await asyncio.gather(*(begin(3 * MIB) for _ in range(4)))
    assert sorted(status for status, _ in together) == [201, 409, 409, 409]
    for _ in range(18):
        assert await begin(1) == (201, "")
    assert await begin(1) == (409, "too-many-unfinished")


async def test_who_may_do_what(place: Place, uploads: Uploads, kit: Kit) -> None:
    _, client = await place.member()
    media = await uploads.whole(client, pictures.photograph())
    path = f"/v1/media/{media['id']}"
    _, other = await place.member()
    foreign = await make_place(kit)
    _, stranger = await foreign.member()
    for one in (other, stranger, kit.staff(foreign.organization)):
        assert (await one.get(path)).status_code == 404
        assert (await uploads.send(one, media["id"], b"x")).status_code == 404
        assert (await one.post(f"{path}/complete")).status_code == 404
        assert (await one.delete(path, headers=if_match(2))).status_code == 404
        assert (await one.post("/v1/media/lookup", json={"ids": [media["id"]]})).json() == {"data": []}
    nobody = kit.person(place.organization)
    refused = await nobody.post("/v1/media", json={"kind": "image", "name": "a", "size": 1})
    assert (refused.status_code, code(refused)) == (403, "forbidden")
    partner = kit.partner(place.organization)
    for answer in (
        await partner.get(path),
        await partner.get("/v1/media"),
        await partner.post("/v1/media", json={"kind": "image", "name": "a", "size": 1}),
        await partner.post(f"{path}/complete"),
        await uploads.send(partner, media["id"], b"x"),
    ):
        assert answer.status_code == 403
    assert (await kit.client().get(path)).status_code == 401
    staff = kit.staff(place.organization)
    assert (await staff.post("/v1/media", json={"kind": "image", "name": "a", "size": 1})).status_code == 201
    assert (await staff.delete(path, headers=if_match(2))).status_code == 204


async def test_addresses_expire_and_are_nobody_elses(
    place: Place, uploads: Uploads, movable_clock: MovableClock
) -> None:
    _, client = await place.member()
    media = await uploads.whole(client, pictures.photograph())
    url = media["variants"]["small"]["url"]
    anyone = place.kit.client()
    again = (await client.get(f"/v1/media/{media['id']}")).json() if movable_clock.instant else {}
    assert again["variants"]["small"]["url"] == url
    answer = await anyone.get(url)
    assert answer.status_code == 200
    assert 3600 <= int(answer.headers["cache-control"].partition("max-age=")[2].partition(",")[0]) <= 4500
    for wrong in (url.replace("/small?", "/original?"), url.replace(media["id"], str(uuid4())), url[:-3] + "abc"):
        refused = await anyone.get(wrong)
        assert (refused.status_code, code(refused)) == (403, "address-invalid")
    assert (await anyone.get(url.partition("?")[0])).status_code == 422
    movable_clock.move(seconds=4501)
    expired = await anyone.get(url)
    assert (expired.status_code, code(expired)) == (403, "address-expired")


async def test_deleting_takes_everything(place: Place, uploads: Uploads, store: Path) -> None:
    account, client = await place.member()
    media = await uploads.whole(client, pictures.photograph(), name="secret.jpg")
    path = f"/v1/media/{media['id']}"
    assert (await client.delete(path)).status_code == 428
    assert (await client.delete(path, headers=if_match(1))).status_code == 412
    assert (await client.delete(path, headers=if_match(2))).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await uploads.read(media)).status_code == 404
    await place.kit.work()
    assert objects(store, media) == []
    [row] = await place.kit.sql("SELECT * FROM media WHERE id = $1", UUID(media["id"]))
    assert (row["state"], row["version"], row["owner_id"], row["name"], row["size"]) == ("erased", 3, None, None, 0)
    [event] = [e for e in await place.kit.events(MediaErased) if str(e.aggregateid) == media["id"]]
    assert (event.data["cause"], event.data["owner_id"], event.aggregateversion) == ("owner", str(account), 3)


async def test_own_uploads_are_listed_by_pages(place: Place, uploads: Uploads) -> None:
    _, client = await place.member()
    made = [(await uploads.begin(client, 5, "file", f"{number}.txt"))["id"] for number in range(5)]
    _, other = await place.member()
    await uploads.begin(other, 5, "file")
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/media", params=query)).json()
        seen += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]
    assert (await other.get("/v1/media", params={"cursor": "x"})).status_code == 422


async def test_an_avatar_is_one_and_everybodys(place: Place, uploads: Uploads, store: Path) -> None:
    account, client = await place.member()
    first = await uploads.whole(client, pictures.photograph(1000, 600), "avatar")
    assert {name: (one["width"], one["height"]) for name, one in first["variants"].items()} == {
        "original": (512, 512),
        "large": (256, 256),
        "small": (96, 96),
    }
    second = await uploads.whole(client, pictures.photograph(100, 100, "PNG"), "avatar")
    assert (await client.get(f"/v1/media/{first['id']}")).status_code == 404
    await place.kit.work()
    assert objects(store, first) == []
    _, other = await place.member()
    found = (await other.post("/v1/media/avatars", json={"account_ids": [str(account), str(new_id())]})).json()["data"]
    assert [(one["account_id"], one["media_id"]) for one in found] == [(str(account), second["id"])]
    assert (await place.kit.client().get(found[0]["variants"]["small"]["url"])).status_code == 200
    foreign = await make_place(place.kit)
    _, stranger = await foreign.member()
    assert (await stranger.post("/v1/media/avatars", json={"account_ids": [str(account)]})).json() == {"data": []}
