"""The zip of a Slack workspace export, read with suspicion: nothing is unpacked to disk, every entry is bounded."""

from __future__ import annotations

import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

MAX_ENTRIES: Final = 500_000
MAX_ENTRY_BYTES: Final = 32 * 1024 * 1024
"""Uncompressed size of one entry; a busy day of a large workspace is below 2 MB."""
MAX_INDEX_BYTES: Final = 128 * 1024 * 1024
"""The same for users.json and its like, which hold a whole workspace."""
RATIO_FREE_BYTES: Final = 16 * 1024 * 1024
"""Below this an entry may compress as well as it likes: one monotonous text must not cost the rest of its day."""
MAX_RATIO: Final = 100
MAX_TOTAL_BYTES: Final = 4 * 1024 * 1024 * 1024
MAX_NAME_CHARS: Final = 500
MAX_REJECTED: Final = 10_000
"""Rejections kept one by one; what comes after them is only counted, so that a hostile file cannot fill the memory."""

UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    RuntimeError,  # an encrypted entry
    NotImplementedError,
    ValueError,
)
"""What zipfile raises for the many ways in which a zip can be broken."""
DRIVE: Final = re.compile(r"[A-Za-z]:")
USERS: Final = "users.json"


class ExportError(Exception):
    """The file as a whole cannot be imported. `code` names why."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


class EntryError(Exception):
    """One entry cannot be read. `code` names why."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Rejected:
    """One item that was not imported: where it stands, why as a code, and why in words."""

    place: str
    code: str
    detail: str


class Rejections:
    """The rejected items of a run, the first 10,000 of them one by one."""

    def __init__(self) -> None:
        self._items: list[Rejected] = []
        self._more = 0

    def add(self, place: str, code: str, detail: str) -> None:
        """Note one item that is left out."""
        if len(self._items) < MAX_REJECTED:
            self._items.append(Rejected(printable(place), code, printable(detail)))
        else:
            self._more += 1

    def __len__(self) -> int:
        return len(self._items) + self._more

    def listed(self) -> list[Rejected]:
        """Return what was rejected; a last item says how many more there were."""
        more = [Rejected("", "more_rejected", f"{self._more} more items were rejected")] if self._more else []
        return [*self._items, *more]


def printable(text: str, limit: int = 200) -> str:
    """Return text that is safe to show on a terminal: anything invisible is written out as an escape."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in shown)


class Archive:
    """The entries of an export by their path (below the one folder that holds users.json). Close it, or use it with `with`."""

    def __init__(self, path: Path, rejections: Rejections) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except UNREADABLE as error:
            raise ExportError("not_a_zip", f"{path.name} is not a zip file: {error}") from error
        try:
            self._entries = self._accept(self._zip.infolist(), rejections)
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    @property
    def names(self) -> Mapping[str, object]:
        """The paths of the entries that may be read."""
        return self._entries

    def load(self, name: str) -> Any:  # noqa: ANN401 - whatever JSON a stranger wrote
        """Return the parsed JSON of an entry. Raises EntryError with code `unreadable` or `broken_json`."""
        try:
            with self._zip.open(self._entries[name]) as stream:
                content = stream.read()  # never more than the size in the zip's index, which is bounded
        except (
            zipfile.BadZipFile,
            zlib.error,
            OSError,
            EOFError,
            RuntimeError,
            NotImplementedError,
            ValueError,
        ) as error:
            raise EntryError(
                "unreadable", f"the entry is damaged or packed in a way that is not known: {error}"
            ) from error
        try:
            return json.loads(content.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise EntryError("broken_json", f"the entry is not JSON in UTF-8: {error}") from error

    def load_list(self, name: str) -> list[Any]:
        """Return the parsed JSON list of an entry. Raises EntryError, with code `not_a_list` when it is something else."""
        content = self.load(name)
        if not isinstance(content, list):
            raise EntryError("not_a_list", f"a list was expected, found {type(content).__name__}")
        return content

    @staticmethod
    def _accept(infos: list[zipfile.ZipInfo], rejections: Rejections) -> dict[str, zipfile.ZipInfo]:
        if len(infos) > MAX_ENTRIES:
            raise ExportError("too_many_entries", f"the zip has {len(infos)} entries; {MAX_ENTRIES} are allowed")
        safe: list[zipfile.ZipInfo] = []
        for info in infos:
            # zipfile cuts a name at its first NUL; the name as it stands in the file tells
            if hostile := _hostile(info.orig_filename):
                rejections.add(info.orig_filename, "unsafe_name", hostile)
            elif not info.is_dir() and not info.filename.startswith("__MACOSX/"):
                safe.append(info)
        folders = [info.filename.removesuffix(USERS) for info in safe if f"/{info.filename}".endswith(f"/{USERS}")]
        if not folders:
            raise ExportError("not_an_export", "there is no users.json in the zip: it is not a Slack workspace export")
        root = min(folders, key=lambda folder: (folder.count("/"), folder))
        entries: dict[str, zipfile.ZipInfo] = {}
        total = 0
        for info in safe:
            if not info.filename.startswith(root):
                continue
            name = info.filename.removeprefix(root)
            if name in entries:
                rejections.add(info.filename, "duplicate_entry", "the zip holds this path twice; the first one counts")
            elif oversize := _oversize(info, MAX_ENTRY_BYTES if "/" in name else MAX_INDEX_BYTES, total):
                rejections.add(info.filename, "too_large", oversize)
            else:
                total += info.file_size
                entries[name] = info
        return entries


def _hostile(name: str) -> str | None:
    """Return why an entry's name is not to be trusted; None when it is plain."""
    if len(name) > MAX_NAME_CHARS:
        return f"the name is longer than {MAX_NAME_CHARS} characters"
    if any(char < " " or char == "\x7f" for char in name):
        return "the name holds a control character"
    if "\\" in name or DRIVE.match(name) or name.startswith("/"):
        return "the name is an absolute path or one of another system"
    if any(part in {"", ".", ".."} for part in name.removesuffix("/").split("/")):
        return "the name leads out of the zip's own folders"
    return None


def _oversize(info: zipfile.ZipInfo, limit: int, total: int) -> str | None:
    """Return why an entry is too large to be read; None when it is not."""
    if info.file_size > limit:
        return f"{info.file_size} bytes unpacked; {limit} are allowed"
    if info.file_size > RATIO_FREE_BYTES and info.file_size > MAX_RATIO * max(info.compress_size, 1):
        return f"it unpacks to more than {MAX_RATIO} times its size"
    if total + info.file_size > MAX_TOTAL_BYTES:
        return f"the zip unpacks to more than {MAX_TOTAL_BYTES} bytes"
    return None
