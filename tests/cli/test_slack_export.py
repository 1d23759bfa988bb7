from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.samples.small_export import (
    ALICE,
    BOB,
    CHANNELS,
    FILES,
    HOSTILE_NAMES,
    ROOT,
    USERS,
    Expected,
    build,
    build_hostile,
    said,
)
from tests.samples.synthetic_export import build_double, build_synthetic

from hearth.slack.archive import MAX_REJECTED, Archive, ExportError, Rejections
from hearth.slack.export import Export, Member, Message
from hearth.slack.messages import Heard, Reaction, RefusedError, Skip, attachments_of, interpret, reactions_to
from hearth.slack.workspace import Channel, Workspace

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RACKET = Path(__file__).parents[3] / "shared" / "data" / "racket-2018.slack-export.zip"
GENERAL = "slack:C0GENERAL:"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Export, Expected]]:
    expected = build(tmp_path / "small.zip")
    with Export(tmp_path / "small.zip", now=NOW) as export:
        yield export, expected


def write(path: Path, files: dict[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, bytes) else json.dumps(content))
    return path


def accounts_of(export: Export) -> dict[str, str]:
    return {member.external_id: f"account of {member.external_id}" for member in export.members()}


def everything(export: Export) -> tuple[list[Member], list[Message], list[Message], list[Reaction]]:
    accounts = accounts_of(export)
    return (
        list(export.members()),
        list(export.posts(accounts)),
        list(export.comments(accounts)),
        list(export.reactions()),
    )


def check_counts(export: Export, expected: Expected) -> None:
    members, posts, comments, reactions = everything(export)
    assert export.counts.members == len(members) == expected.members
    assert sum(member.bot for member in members) == expected.bots
    assert export.counts.posts == len(posts) == expected.posts
    assert export.counts.comments == len(comments) == expected.comments
    assert export.counts.reactions == len(reactions) == expected.reactions
    assert export.orphans == expected.orphans
    assert dict(export.skipped) == expected.skipped


def test_everything_in_the_small_export_is_counted(small: tuple[Export, Expected]) -> None:
    export, expected = small
    check_counts(export, expected)
    assert export.rejected == []


def test_members(small: tuple[Export, Expected]) -> None:
    members = {member.external_id: member for member in small[0].members()}
    alice, bob, carol = (members[f"slack:U0{name}"] for name in ("ALICE", "BOB", "CAROL"))
    assert (alice.display_name, alice.bot, alice.deleted) == ("Alice", False, False)
    assert alice.joined_at == datetime(2024, 3, 3, 23, 59, 59, 999999, tzinfo=UTC)
    assert bob.display_name == "Bob 鲍勃"
    assert carol.deleted
    assert members["slack:U0DAVE"].joined_at is None
    assert members["slack:U0EVE"].display_name == "Eve the second"
    assert members["slack:bot:B0HOOK"].display_name == "Build bot"
    assert [members[ident].bot for ident in ("slack:bot:B0HOOK", "slack:U0ROBOT", "slack:USLACKBOT")] == [True] * 3


def test_posts_and_comments(small: tuple[Export, Expected]) -> None:
    _, posts, comments, _ = everything(small[0])
    by_id = {message.external_id: message for message in [*posts, *comments]}
    root = by_id[GENERAL + ROOT]
    assert root.body == (
        "Hello <@account of slack:U0BOB> and <@account of slack:U0CAROL>, @unknown! "
        "See [the \\[docs\\]](<https://example.org/a_(b)?x=1&y=2>) in #项目."
    )
    assert root.edited_at == datetime(2024, 3, 4, 0, 1, tzinfo=UTC)
    assert {comment.body for comment in comments if comment.post_external_id == root.external_id} == {
        "first!",
        "also sent to the channel",
        "Deployed again",
    }
    (early,) = [comment for comment in comments if comment.body == "too early"]
    assert early.post_external_id == GENERAL + "1709600000.000200"
    assert by_id[GENERAL + "1709511500.001200"].post_external_id is None
    assert by_id[GENERAL + "1709511200.000900"].body == "Build 13 failed"
    assert by_id[GENERAL + "1709511200.000900"].author == "slack:bot:B0HOOK"
    assert by_id[GENERAL + "1709511000.000700"].author == "slack:U0ROBOT"
    assert {post.section for post in posts} == {"general", "项目", "random", "a lonely place"}
    shared = by_id["slack:C0PROJECTS:1709512000.000000"]
    assert shared.body == "- plan.pdf\n- Sketch"
    plan, sketch = shared.attachments
    assert (plan.name, plan.media_type, plan.size) == ("plan.pdf", "application/pdf", 12345)
    assert plan.url == "https://files.slack.com/files-pri/T0-F0/plan.pdf?x=1", "the export's access token stays out"
    assert (sketch.name, sketch.url) == ("Sketch", None)
    assert not [message for message in by_id.values() if "business" in message.body]


def test_reactions(small: tuple[Export, Expected]) -> None:
    given_ = [(reaction.subject_external_id, reaction.author, reaction.emoji) for reaction in small[0].reactions()]
    assert (GENERAL + ROOT, "slack:U0BOB", "👍") in given_
    assert (GENERAL + ROOT, "slack:U0EVE", ":party-parrot:") in given_
    assert len(set(given_)) == len(given_)


def test_an_export_inside_one_folder_is_the_same(tmp_path: Path, small: tuple[Export, Expected]) -> None:
    build(tmp_path / "nested.zip", root="Our team Slack export/")
    with Export(tmp_path / "nested.zip", now=NOW) as export:
        assert everything(export) == everything(small[0])


def test_the_order_of_files_and_messages_does_not_matter(tmp_path: Path, small: tuple[Export, Expected]) -> None:
    turned = {name: content[::-1] for name, content in reversed(FILES.items())}
    with Export(write(tmp_path / "turned.zip", turned), now=NOW) as export:
        check_counts(export, small[1])
        for one, other in zip(everything(export)[1:3], everything(small[0])[1:3], strict=True):
            assert sorted((item.external_id, str(item.post_external_id), item.body) for item in one) == sorted(
                (item.external_id, str(item.post_external_id), item.body) for item in other
            )


def test_the_hostile_export_is_rejected_item_by_item_and_the_rest_comes_through(tmp_path: Path) -> None:
    expected = build_hostile(tmp_path / "hostile.zip")
    with Export(tmp_path / "hostile.zip", now=NOW) as export:
        check_counts(export, expected)
        found = sorted((item.code if item.code == "unsafe_name" else item.place, item.code) for item in export.rejected)
        wanted = sorted((code if code == "unsafe_name" else place, code) for place, code in expected.rejected)
        assert found == wanted
        assert all(
            item.place.isprintable() and item.detail.isprintable() and len(item.detail) <= 200
            for item in export.rejected
        )
        _, posts, _, _ = everything(export)
        bodies = {post.body for post in posts}
        assert "a good one among bad ones \ufffd (cleaned)" in bodies
        (odd,) = [post for post in posts if post.body == "with odd reactions"]
        assert [(file.name, file.media_type, file.size, file.url) for file in odd.attachments] == [
            ("../../etc/passwd", None, None, None)
        ]
        assert odd.edited_at is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hostile.zip"], "nothing is unpacked"


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_are_never_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("users.json", json.dumps(USERS))
        info = zipfile.ZipInfo("placeholder")
        info.filename = info.orig_filename = name
        archive.writestr(info, json.dumps([said(ALICE, ROOT, "gotcha")]))
    with Export(path, now=NOW) as export:
        assert export.counts.posts == 0
        assert [item.code for item in export.rejected] == ["unsafe_name"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_a_zip"),
        (b"PK\x03\x04 but not really", "not_a_zip"),
        (b"hello" * 1000, "not_a_zip"),
    ],
)
def test_what_is_no_zip(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(ExportError) as error:
        Export(tmp_path / "x.zip", now=NOW)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"channels.json": CHANNELS}, "not_an_export"),
        ({"users.json": b"{"}, "broken_json"),
        ({"users.json": {"users": []}}, "not_a_list"),
        ({"users.json": b"[" * 100_000}, "broken_json"),
        ({"users.json": b"\xff"}, "broken_json"),
        ({"users.json": b" " * (130 * 1024 * 1024)}, "not_an_export"),
    ],
)
def test_a_zip_that_is_no_export(tmp_path: Path, files: dict[str, Any], code: str) -> None:
    with pytest.raises(ExportError) as error:
        Export(write(tmp_path / "x.zip", files), now=NOW)
    assert error.value.code == code


def test_an_export_of_nobody(tmp_path: Path) -> None:
    with Export(write(tmp_path / "x.zip", {"users.json": []}), now=NOW) as export:
        assert (export.counts.members, export.counts.posts, export.rejected) == (0, 0, [])


def test_broken_bytes_cost_one_day(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.zip", {"users.json": USERS, "general/2024-01-01.json": [], "general/2024-01-02.json": []}
    )
    whole = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("general/2024-01-01.json")
    whole[info.header_offset + 30 + len(info.filename)] ^= 0xFF
    path.write_bytes(whole)
    with Export(path, now=NOW) as export:
        assert [(item.place, item.code) for item in export.rejected] == [("general/2024-01-01.json", "unreadable")]


@given(data=st.data())
def test_no_damage_to_a_zip_does_more_than_reject(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    build(path)
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole[: data.draw(st.integers(len(whole) // 2, len(whole)))])
    try:
        with Export(path, now=NOW) as export:
            everything(export)
    except ExportError:
        pass


def test_broken_lists_at_the_top(tmp_path: Path) -> None:
    files = {**FILES, "channels.json": b"[{", "groups.json": {"a": 1}}
    with Export(write(tmp_path / "x.zip", files), now=NOW) as export:
        codes = [(item.place, item.code) for item in export.rejected]
    # without the list of private channels, a folder that no list names may be private and stays out
    assert ("channels.json", "broken_json") in codes
    assert ("groups.json", "not_a_list") in codes
    assert ("board", "unlisted_channel") in codes
    assert ("general", "unlisted_channel") in codes
    assert export.counts.posts == 0


def test_direct_messages_stay_out_even_if_unlisted(tmp_path: Path) -> None:
    files = {name: content for name, content in FILES.items() if name not in {"dms.json", "mpims.json"}}
    with Export(write(tmp_path / "x.zip", files), now=NOW) as export:
        assert export.skipped["direct_message"] == 2
        assert export.skipped["private_channel"] == 1


def test_the_same_path_twice(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("users.json", json.dumps(USERS))
        archive.writestr("general/2024-01-01.json", json.dumps([said(ALICE, "1704100000.000000", "first")]))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("general/2024-01-01.json", json.dumps([said(ALICE, "1704100001.000000", "second")]))
    with Export(path, now=NOW) as export:
        assert [post.body for post in export.posts({})] == ["first"]
        assert [item.code for item in export.rejected] == ["duplicate_entry"]


def test_a_zip_that_lies_about_its_sizes(tmp_path: Path) -> None:
    bomb = json.dumps([said(ALICE, "1704100000.000000", "x" * 5_000_000)]).encode()
    path = write(tmp_path / "x.zip", {"users.json": USERS, "general/2024-01-01.json": bomb})
    whole = path.read_bytes().replace(len(bomb).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    path.write_bytes(whole)
    with Export(path, now=NOW) as export:
        assert [item.code for item in export.rejected] in (["broken_json"], ["unreadable"])


def test_the_whole_archive_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hearth.slack.archive.MAX_TOTAL_BYTES", 2000)
    build(tmp_path / "x.zip")
    rejections = Rejections()
    with Archive(tmp_path / "x.zip", rejections) as archive:
        assert "users.json" in archive.names
    assert {item.code for item in rejections.listed()} == {"too_large"}
    monkeypatch.setattr("hearth.slack.archive.MAX_ENTRIES", 3)
    with pytest.raises(ExportError, match="entries"):
        Archive(tmp_path / "x.zip", rejections)


def test_rejections_are_bounded() -> None:
    rejections = Rejections()
    for number in range(MAX_REJECTED + 5):
        rejections.add(str(number), "code", "detail")
    listed = rejections.listed()
    assert len(listed) == MAX_REJECTED + 1
    assert listed[-1].detail == "5 more items were rejected"


def test_a_text_at_the_limit(tmp_path: Path) -> None:
    day = [
        said(ALICE, "1704100000.000000", "x" * 100_000),
        said(ALICE, "1704100001.000000", "x" * 100_001),
        said(ALICE, "1704100002.000000", "&amp;" * 100_000),
        said(ALICE, "1704100003.000000", f"<@{BOB}>" * 10_000),  # a mention grows
    ]
    with Export(write(tmp_path / "x.zip", {"users.json": USERS, "general/2024-01-01.json": day}), now=NOW) as export:
        assert [len(post.body) for post in export.posts({})] == [100_000, 100_000]
        assert [item.place for item in export.rejected] == ["general/2024-01-01.json[1]", "general/2024-01-01.json[3]"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KEYS = [
    "type",
    "subtype",
    "user",
    "bot_id",
    "text",
    "ts",
    "thread_ts",
    "edited",
    "reactions",
    "files",
    "file",
    "hidden",
    "username",
    "attachments",
    "bot_profile",
]
LIKELY = st.sampled_from(["message", ALICE, ROOT, "bot_message", "file_share", "hello", "B0ROBOT", "+1"])
REACTION = st.fixed_dictionaries({"name": JSON | LIKELY, "users": JSON | st.lists(LIKELY | JSON, max_size=3)})
FILE = st.dictionaries(
    st.sampled_from(["name", "title", "mimetype", "size", "url_private", "mode"]), JSON | st.just("https://[")
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    path = tmp_path_factory.mktemp("workspace") / "x.zip"
    build(path)
    with Archive(path, Rejections()) as archive:
        return Workspace(archive, Rejections())


@given(raw=st.dictionaries(st.sampled_from(KEYS), JSON | LIKELY | st.lists(REACTION | FILE, max_size=3)) | JSON)
def test_no_entry_whatever_breaks_the_reader(workspace: Workspace, raw: object) -> None:
    try:
        heard = interpret(raw, Channel("C1", "c"), "place", workspace, lambda _: None, 2_000_000_000_000_000)
    except (Skip, RefusedError):
        return
    assert isinstance(heard, Heard)
    assert 1 <= len(heard.body) <= 100_000
    assert all(isinstance(reaction, Reaction | tuple) for reaction in reactions_to(heard, workspace))


def test_synthetic_exports_are_what_they_say(tmp_path: Path) -> None:
    size = build_double(tmp_path / "double.zip")
    assert (size.members, size.posts + size.comments) == (288, 19_418)
    with Export(tmp_path / "double.zip", now=NOW) as export:
        assert export.rejected == []
        assert (export.counts.posts, export.counts.comments, export.counts.reactions) == (
            size.posts,
            size.comments,
            size.reactions,
        )
    one, two = io.BytesIO(), io.BytesIO()
    for target in (one, two):
        build_synthetic(tmp_path / "x.zip", people=5, messages=50, seed=3)
        with zipfile.ZipFile(tmp_path / "x.zip") as archive:
            target.write(b"".join(archive.read(name) for name in sorted(archive.namelist())))
    assert one.getvalue() == two.getvalue()


@pytest.mark.skipif(not RACKET.exists(), reason="the real export is not here")
def test_the_real_year(tmp_path: Path) -> None:  # noqa: ARG001 - nothing is written
    with Export(RACKET, now=NOW) as export:
        members, posts, comments, reactions = everything(export)
        assert (len(members), len(posts), len(comments), len(reactions)) == (144, 1088, 8621, 0)
        assert (export.rejected, dict(export.skipped), export.orphans) == ([], {}, 0)
        assert all(member.joined_at for member in members)
        assert {comment.post_external_id for comment in comments} <= {post.external_id for post in posts}


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://files.slack.com/a/b.pdf?t=xoxe-1&pub_secret=2", "https://files.slack.com/a/b.pdf?pub_secret=2"),
        ("https://docs.example/d/1?t=5#here", "https://docs.example/d/1?t=5#here"),
        ("http://docs.example/d/1", None),
        ("https://user:password@docs.example/", None),
        ("https://", None),
        ("https://[", None),
        ("https://a b/", None),
        ("https://999.999.999.999/", None),
        ("https://x.example:99999/", None),
        ("https://x.example/\u202egpj.exe", None),
        ("https://x.example/" + "a" * 2000, None),
        ("file:///etc/passwd", None),
        (5, None),
    ],
)
def test_only_plain_https_addresses_of_files_are_kept(url: object, kept: str | None) -> None:
    (file,) = attachments_of({"files": [{"name": "x", "url_private": url}]})
    assert file.url == kept
