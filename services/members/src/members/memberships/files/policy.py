"""What columns mean, and what each row says: pure decisions over plain text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from chassis.requests import CONTROL
from chassis.schemas import EVERY_ZONE, LANGUAGE_TAG
from members.accounts.policy import clean_name, is_visible
from members.accounts.schemas import Email
from members.memberships.tags.policy import clean_tag
from members.reasons import Reason

MOST_COLUMNS = 200
MOST_ROWS = 200_000
LONGEST_CELL = 2_000
LONGEST_NAME = 200
LONGEST_EXTERNAL_ID = 200
MOST_TAGS_IN_ROW = 20
EARLIEST_YEAR = 1990
RISKY = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet program takes for the beginning of a formula."""


class FileError(Exception):
    """Why a whole file is not taken."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Field(StrEnum):
    """What a column can hold."""

    EXTERNAL_ID = "external_id"
    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    TAGS = "tags"
    JOINED_AT = "joined_at"
    LOCALE = "locale"
    ZONE = "zone"


class FileState(StrEnum):
    """How far a file has come."""

    UPLOADED = "uploaded"
    MAPPED = "mapped"
    CHECKING = "checking"
    CHECKED = "checked"
    IMPORTING = "importing"
    IMPORTED = "imported"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What happens, or happened, to a row."""

    CREATE = "create"
    JOIN = "join"
    CHANGE = "change"
    KEEP = "keep"
    REJECT = "reject"


RUNNING = frozenset({FileState.CHECKING, FileState.IMPORTING})
STEPS: Mapping[str, frozenset[FileState]] = {
    "map": frozenset({FileState.UPLOADED, FileState.MAPPED, FileState.CHECKED}),
    "dry_run": frozenset({FileState.MAPPED, FileState.CHECKED}),
    "start": frozenset({FileState.MAPPED, FileState.CHECKED}),
    "cancel": frozenset(FileState) - {FileState.IMPORTED, FileState.CANCELLED},
}

_HEADERS: Mapping[Field, tuple[str, ...]] = {
    Field.EXTERNAL_ID: (
        "externalid", "id", "memberid", "userid", "number", "no", "code", "编号", "会员编号", "会员号", "用户编号", "工号", "外部编号",
    ),
    Field.NAME: (
        "name", "displayname", "fullname", "nickname", "membername", "姓名", "昵称", "名字", "名称", "会员姓名", "会员昵称", "用户名",
    ),
    Field.EMAIL: ("email", "mail", "emailaddress", "邮箱", "电子邮箱", "邮件", "电子邮件", "邮箱地址"),
    Field.PHONE: (
        "phone", "mobile", "phonenumber", "mobilenumber", "tel", "telephone", "cell", "手机", "手机号", "手机号码", "电话", "联系电话",
    ),
    Field.TAGS: ("tags", "tag", "labels", "label", "标签", "会员标签"),
    Field.JOINED_AT: ("joinedat", "joined", "joindate", "membersince", "入群时间", "入群日期", "加入时间", "加入日期", "入会时间", "入会日期"),
    Field.LOCALE: ("locale", "language", "lang", "语言"),
    Field.ZONE: ("zone", "timezone", "tz", "时区"),
}  # fmt: skip
_FIELD_OF = {name: wanted for wanted, names in _HEADERS.items() for name in names}
_NOT_LETTERS = re.compile(r"[\W_]+")


def suggest(header: str) -> Field | None:
    """Return what a column of this name seems to hold; case, width, spaces and punctuation do not matter."""
    return _FIELD_OF.get(_NOT_LETTERS.sub("", unicodedata.normalize("NFKC", header)).casefold())


def is_header(cells: Sequence[str]) -> bool:
    """Tell whether a first row names the columns: one is a name that we know, or none holds a digit or an address."""
    if any(suggest(cell) for cell in cells):
        return True
    return not any("@" in cell or any(character.isdigit() for character in cell) for cell in cells)


@dataclass(frozen=True)
class ColumnMap:
    """Which column holds what; each field at most once, only tags may come from several columns."""

    columns: Mapping[int, Field]
    tags: tuple[str, ...] = ()
    source: str | None = None


@dataclass(frozen=True)
class Person:
    """What a good row says."""

    external_id: str
    name: str
    email: str | None = None
    phone: str | None = None
    tags: tuple[str, ...] = ()
    joined_at: datetime | None = None
    locale: str | None = None
    zone: str | None = None


class _Bad(Exception):  # noqa: N818  carries a reason
    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.reason = Reason(code, params)


_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
_PHONE_MARKS = re.compile(r"[\s().\-/\u2010-\u2015]")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_CHINESE_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_TAG_MARKS = re.compile(r"[,;、,;|\n]")
_DATE_MARKS = re.compile(r"[/.年月]")
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](.*))?", re.DOTALL)
_CELL_ERRORS = frozenset(("#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"))


def normalise_phone(text: str) -> str | None:
    """Return a number in E.164, None for what is none; eleven digits of a Chinese mobile number need no country code."""
    bare = _PHONE_MARKS.sub("", unicodedata.normalize("NFKC", text))
    if bare.startswith("00"):
        bare = f"+{bare[2:]}"
    elif _CHINESE_MOBILE.fullmatch(bare):
        bare = f"+86{bare}"
    elif re.fullmatch(r"861[3-9][0-9]{9}", bare):
        bare = f"+{bare}"
    return bare if bare.isascii() and _PHONE.fullmatch(bare) else None


def read_time(text: str, zone: ZoneInfo) -> datetime | None:
    """Return the instant that a date, or date and time, names; without an offset it is in the community's zone."""
    plain = unicodedata.normalize("NFKC", text).strip().replace("日", " ").strip()
    head, _, rest = plain.partition(" ")
    found = (
        _DATE.fullmatch(f"{_DATE_MARKS.sub('-', head)} {rest}".strip()) if "T" not in head else _DATE.fullmatch(plain)
    )
    if found is None:
        return None
    year, month, day, clock = found.groups()
    try:
        said = datetime.fromisoformat(f"{int(year):04}-{int(month):02}-{int(day):02}T{_clock(clock)}")
        at = said if said.tzinfo else said.replace(tzinfo=zone)
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _clock(text: str | None) -> str:
    hour, mark, rest = (text or "00:00").strip().partition(":")
    return f"{hour.zfill(2)}{mark}{rest}"


def read_tags(text: str) -> tuple[str, ...]:
    """Return the tags of a cell, which commas, semicolons, bars and line breaks of either width separate. Raises ValueError."""
    tags = (part.strip() for part in _TAG_MARKS.split(text))
    return tuple(dict.fromkeys(clean_tag(tag) for tag in tags if tag))


def judge(cells: Sequence[str], width: int, mapping: ColumnMap, *, now: datetime, zone: ZoneInfo) -> Person | Reason:
    """Return whom a row describes, or why it is not taken."""
    if any(cell.strip() for cell in cells[width:]):
        return Reason("row-too-wide", {"columns": width})
    try:
        held: dict[Field, list[str]] = {}
        for column, wanted in mapping.columns.items():
            cell = cells[column].strip() if column < len(cells) else ""
            _check_cell(cell, wanted, column)
            if cell:
                held.setdefault(wanted, []).append(cell)
        return _person(held, mapping, now, zone)
    except _Bad as bad:
        return bad.reason


def _check_cell(cell: str, wanted: Field, column: int) -> None:
    place = {"field": wanted.value, "column": column + 1}
    if len(cell) > LONGEST_CELL:
        raise _Bad("cell-too-long", most=LONGEST_CELL, **place)
    if CONTROL.search(cell):
        raise _Bad("cell-control-character", **place)
    if cell.startswith("="):
        raise _Bad("cell-formula", **place)
    if cell in _CELL_ERRORS:
        raise _Bad("cell-error", value=cell, **place)


def _person(held: Mapping[Field, Sequence[str]], mapping: ColumnMap, now: datetime, zone: ZoneInfo) -> Person:
    first = {wanted: cells[0] for wanted, cells in held.items()}
    name = clean_name(first.get(Field.NAME, ""))
    if not is_visible(name):
        raise _Bad("name-missing")
    if len(first[Field.NAME]) > LONGEST_NAME:
        raise _Bad("name-too-long", most=LONGEST_NAME)
    email = _email(first.get(Field.EMAIL))
    phone = None
    if Field.PHONE in first:
        phone = normalise_phone(first[Field.PHONE])
        if phone is None:
            raise _Bad("phone-invalid")
    return Person(
        external_id=_external_id(first.get(Field.EXTERNAL_ID), mapping.source, email, phone),
        name=name,
        email=email,
        phone=phone,
        tags=_tags(held.get(Field.TAGS, ()), mapping.tags),
        joined_at=_joined(first.get(Field.JOINED_AT), now, zone),
        locale=_locale(first.get(Field.LOCALE)),
        zone=_zone(first.get(Field.ZONE)),
    )


def _external_id(given: str | None, source: str | None, email: str | None, phone: str | None) -> str:
    if given is not None:
        whole = unicodedata.normalize("NFC", f"{source}:{given}" if source else given)
        if len(whole) > LONGEST_EXTERNAL_ID:
            raise _Bad("external-id-too-long", most=LONGEST_EXTERNAL_ID)
        return whole
    # Somebody known by a contact alone is the same person in the next file.
    if phone is not None:
        return f"phone:{phone}"
    if email is not None:
        return f"email:{email}"
    raise _Bad("nobody-named")


def _email(given: str | None) -> str | None:
    if given is None:
        return None
    try:
        return _EMAIL.validate_python(given)
    except ValidationError:
        raise _Bad("email-invalid") from None


def _tags(cells: Sequence[str], everybody: tuple[str, ...]) -> tuple[str, ...]:
    try:
        tags = tuple(dict.fromkeys([*everybody, *(tag for cell in cells for tag in read_tags(cell))]))
    except ValueError:
        raise _Bad("tag-invalid") from None
    if len(tags) > MOST_TAGS_IN_ROW:
        raise _Bad("row-too-many-tags", most=MOST_TAGS_IN_ROW)
    return tags


def _joined(given: str | None, now: datetime, zone: ZoneInfo) -> datetime | None:
    if given is None:
        return None
    at = read_time(given, zone)
    if at is None:
        raise _Bad("time-unreadable")
    if at > now or at.year < EARLIEST_YEAR:
        raise _Bad("time-out-of-range", earliest=EARLIEST_YEAR)
    return at


def _locale(given: str | None) -> str | None:
    if given is None:
        return None
    tag = given.replace("_", "-")
    language, mark, rest = tag.partition("-")
    tag = f"{language.lower()}{mark}{rest}"
    if len(tag) > 20 or not LANGUAGE_TAG.fullmatch(tag):  # noqa: PLR2004  as in chassis.schemas.Locale
        raise _Bad("locale-invalid")
    return tag


def _zone(given: str | None) -> str | None:
    if given is not None and given not in EVERY_ZONE:
        raise _Bad("zone-invalid")
    return given


@dataclass(frozen=True)
class KnownAccount:
    """What is known of the account that a row's person has."""

    account_id: object
    state: str | None = None
    tags: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Decision:
    """What becomes of a row."""

    outcome: Outcome
    tags: tuple[str, ...] = ()
    reason: Reason | None = None


def decide(person: Person, known: Sequence[KnownAccount], *, most_tags: int) -> Decision:
    """Return what becomes of a person, from the accounts that their id and contacts stand for. What is there already stays as it is."""
    if len(known) > 1:
        return _reject("contacts-disagree")
    if not known:
        return Decision(Outcome.CREATE, person.tags)
    found = known[0]
    refusal = {
        "applied": "member-applied",
        "rejected": "member-rejected",
        "left": "member-left",
        "removed": "member-removed",
    }.get(found.state or "")
    if refusal:
        return _reject(refusal)
    fresh = tuple(tag for tag in person.tags if tag not in found.tags)
    if fresh and len(found.tags) + len(fresh) > most_tags:
        return _reject("member-too-many-tags", most=most_tags)
    if found.state is None:
        return Decision(Outcome.JOIN, fresh)
    return Decision(Outcome.CHANGE if fresh else Outcome.KEEP, fresh)


def _reject(code: str, **params: object) -> Decision:
    return Decision(Outcome.REJECT, reason=Reason(code, params))


def neutral(cell: str) -> str:
    """Return a cell that no spreadsheet program takes for a formula."""
    return f"'{cell}" if cell.startswith(RISKY) else cell


def can(state: FileState) -> list[str]:
    """Return what a manager may do with a file."""
    return [step for step, states in STEPS.items() if state in states]
