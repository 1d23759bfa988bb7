"""What a file is, by its content: never by its name or by what the client says."""

from __future__ import annotations

import re

import puremagic

from content.media.policy import Kind

HEAD_BYTES = 64 * 1024
"""How much of a file is looked at."""
PLAIN = "text/plain"

# By the extensions under which the library knows a format. What can run or be rendered as a page (HTML, SVG, XML, programs) is in none.
_IMAGES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jfif": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
}
_AUDIO = {
    ".mp3": "audio/mpeg",
    ".mpga": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".amr": "audio/amr",
    ".webm": "audio/webm",
}
_VIDEO = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".3gp": "video/3gpp",
}
_FILES = {
    ".pdf": "application/pdf",
    ".rtf": "application/rtf",
    ".gz": "application/gzip",
    ".7z": "application/x-7z-compressed",
}
FORMATS: dict[Kind, dict[str, str]] = {
    Kind.IMAGE: _IMAGES,
    Kind.AVATAR: _IMAGES,
    Kind.AUDIO: _AUDIO,
    Kind.VIDEO: _VIDEO,
    Kind.FILE: _FILES | _IMAGES | _AUDIO | _VIDEO,
}
# Several formats share a container; its name tells them apart, which decides nothing but the label.
_OOXML = "application/vnd.openxmlformats-officedocument"
_ZIPPED = {
    "docx": f"{_OOXML}.wordprocessingml.document",
    "xlsx": f"{_OOXML}.spreadsheetml.sheet",
    "pptx": f"{_OOXML}.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "epub": "application/epub+zip",
}
_COMPOUND = {"doc": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint"}
_TEXTS = {"csv": "text/csv", "md": "text/markdown", "srt": "application/x-subrip", "vtt": "text/vtt"}
_ZIP_MAGIC = b"PK\x03\x04"
_COMPOUND_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NO_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_ACTIVE = re.compile(r"^(?:#!|<|%!)")


def detect(kind: Kind, head: bytes, name: str) -> str | None:
    """Return the media type of a file by its first bytes, None when that is nothing that may be uploaded as this kind."""
    extension = name.rpartition(".")[2].lower()
    if kind is Kind.FILE:
        if head.startswith(_ZIP_MAGIC):
            return _ZIPPED.get(extension, "application/zip")
        if head.startswith(_COMPOUND_MAGIC):
            return _COMPOUND.get(extension)
    known = _known(head, FORMATS[kind])
    if known is not None:
        return known
    if kind is Kind.FILE and _is_text(head):
        return _TEXTS.get(extension, PLAIN)
    return None


def _known(head: bytes, formats: dict[str, str]) -> str | None:
    """Return the likeliest of these formats that the bytes may be; markup and scripts are none, whatever they begin with."""
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return None
    allowed = [one for one in found if one.extension in formats and _really(one.extension, head)]
    return formats[max(allowed, key=lambda one: one.confidence).extension] if allowed else None


def _really(extension: str, head: bytes) -> bool:
    """Hold formats whose mark is short against a second look: four bytes are soon typed."""
    if extension in {".pdf", ".rtf"}:
        return head.startswith((b"%PDF-", b"{\\rtf"))
    return head.lstrip()[:1] != b"<"


def _is_text(head: bytes) -> bool:
    """Whether it is UTF-8 without control characters, and neither markup nor a script. The last character may be cut off."""
    if _NO_TEXT.search(head):
        return False
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3 or len(head) < HEAD_BYTES:
            return False
        text = head[: error.start].decode("utf-8-sig")
    return not _ACTIVE.match(text.lstrip())
