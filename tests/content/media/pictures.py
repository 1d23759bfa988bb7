"""Images and other files as people upload them, good and bad."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

CAMERA = "SECRET-CAMERA"
PLACE = 0x8825  # the directory of GPS tags
HTML = b"<!doctype html><html><script>alert(document.cookie)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
MP4 = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + bytes(range(256)) * 16
MP3 = b"ID3\x03\0\0\0\0\0\0" + bytes(range(256)) * 16
PROGRAM = b"\x7fELF\x02\x01\x01" + b"\0" * 100


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def photograph(
    width: int = 60, height: int = 40, form: str = "JPEG", *, orientation: int = 1, tail: bytes = b""
) -> bytes:
    """A picture, left half red and right half blue, with a camera and a place in it."""
    image = Image.new("RGB", (width, height), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, width // 2, height))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, CAMERA
    exif.get_ifd(PLACE)[1] = "N"
    return encoded(image, form, exif=exif) + tail


def animation(frames: int = 5, form: str = "GIF", side: int = 20) -> bytes:
    pictures = [Image.new("RGB", (side, side), (one * 47 % 256, one * 91 % 256, 0)) for one in range(frames)]
    return encoded(pictures[0], form, save_all=True, append_images=pictures[1:], duration=40)


def bomb() -> bytes:
    """Four hundred million pixels in some kilobytes."""
    return encoded(Image.new("1", (20_000, 20_000)), "PNG")


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
