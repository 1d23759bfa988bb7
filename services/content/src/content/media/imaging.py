"""Draws an image anew, in a process of its own: `python -m content.media.imaging KIND`, the image in, the images out.

Whatever else the file carried (camera, place, author, colour profile, bytes behind the end) is not drawn and so is gone. The process may use
so much memory and time and write nothing; a file that breaks the decoder breaks this process only.

Out comes four bytes with the length of a JSON document, the document, and the images one behind the other.
"""

from __future__ import annotations

import io
import itertools
import json
import resource
import struct
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageCms, ImageOps, ImageSequence

MOST_PIXELS = 50_000_000
LONGEST_SIDE = 16_384
DRAWN_SIDE = 4_096
"""Longer images are drawn this long."""
MOST_FRAMES = 200
MOST_MOVING_PIXELS = 40_000_000
"""Of all frames of an animation together."""
AVATAR_SIDE = 512
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
SIDES = {"image": {"large": 1280, "small": 320}, "avatar": {"large": 256, "small": 96}}
MEMORY_BYTES = 900 * 2**20
CPU_SECONDS = 20


class Refused(Exception):  # noqa: N818  the image's fault, not ours
    """An image that is not drawn, by its code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def _open(data: bytes) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refused("image-too-many-pixels", f"An image holds up to {MOST_PIXELS} pixels.") from error
    width, height = image.size
    if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        raise Refused(
            "image-too-many-pixels", f"An image holds up to {MOST_PIXELS} pixels, {LONGEST_SIDE} along one side."
        )
    return image


def _upright(image: Image.Image) -> Image.Image:
    """Return an image as it is to be seen, in sRGB with eight bits, without anything beside its pixels."""
    turned = ImageOps.exif_transpose(image)
    profile = turned.info.get("icc_profile")
    moving = "A" in turned.getbands() or "transparency" in turned.info
    if profile and turned.mode in {"RGB", "CMYK", "L"} and not moving:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            turned = (
                ImageCms.profileToProfile(turned, source, ImageCms.createProfile("sRGB"), outputMode="RGB") or turned
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken profile says nothing about the pixels
    if turned.mode.startswith("I;16") or turned.mode in {"I", "F"}:
        turned = turned.point(lambda value: value / 256).convert("L") if turned.mode.startswith("I") else turned
    plain = turned.convert("RGBA" if moving else "RGB")
    plain.info.clear()
    return plain


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    if max(image.size) <= side:
        return image
    smaller = image.copy()
    smaller.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return smaller


def _encoded(image: Image.Image, form: str, **options: Any) -> bytes:  # noqa: ANN401  the encoder's options
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def _still(image: Image.Image, form: str) -> tuple[str, bytes]:
    """Return a still image in the format that it came in, WebP where that is not for everybody."""
    match form:
        case "JPEG" if image.mode == "RGB":
            return "image/jpeg", _encoded(image, "JPEG", quality=88, optimize=True, progressive=True)
        case "PNG":
            return "image/png", _encoded(image, "PNG")
        case _:
            return "image/webp", _encoded(image, "WEBP", quality=88, method=2)


def _described(variant: str, media_type: str, image: Image.Image, data: bytes) -> dict[str, Any]:
    width, height = image.size
    return {"variant": variant, "media_type": media_type, "width": width, "height": height, "size": len(data)}


def _frames(image: Image.Image) -> Iterator[Image.Image]:
    for frame in ImageSequence.Iterator(image):
        plain = frame.convert("RGBA")
        plain.info.clear()
        yield plain


def _moving(image: Image.Image, frames: int) -> tuple[str, bytes]:
    """Return an animation drawn anew, frame by frame, at its own pace. Raises Refused for one that is too long."""
    width, height = image.size
    if frames > MOST_FRAMES or frames * width * height > MOST_MOVING_PIXELS:
        raise Refused(
            "image-too-many-frames",
            f"An animation holds up to {MOST_FRAMES} frames, and {MOST_MOVING_PIXELS} pixels in all of them together.",
        )
    paces = [max(int(frame.info.get("duration") or 100), 20) for frame in ImageSequence.Iterator(image)]
    drawn = _frames(image)
    first = next(drawn)
    form, media_type = ("GIF", "image/gif") if image.format == "GIF" else ("WEBP", "image/webp")
    options: dict[str, Any] = {"save_all": True, "append_images": drawn, "duration": paces, "loop": 0}
    options |= {"disposal": 2} if form == "GIF" else {"quality": 80, "method": 1}
    return media_type, _encoded(first, form, **options)


def draw(kind: str, data: bytes) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Return what is kept of an image, described and encoded: the original and two smaller ones. Raises Refused."""
    image = _open(data)
    form = image.format or ""
    frames = int(getattr(image, "n_frames", 1))
    moved = _moving(image, frames) if frames > 1 and kind == "image" else None
    image.seek(0)
    if form == "JPEG":
        image.draft("RGB", (DRAWN_SIDE, DRAWN_SIDE))  # decodes a large photograph at half or a quarter of its size
    # What has a palette is decoded to colours before it can be drawn smaller.
    still = _shrunk(_upright(_shrunk_first(image)), DRAWN_SIDE)
    if kind == "avatar":
        still = ImageOps.fit(still, (min(AVATAR_SIDE, *still.size),) * 2, Image.Resampling.LANCZOS)
    described, encoded = [], []
    media_type, whole = moved or _still(still, form)
    described.append(_described("original", media_type, image if moved else still, whole))
    encoded.append(whole)
    for variant, side in SIDES[kind].items():
        smaller = _shrunk(still, side)
        small = _encoded(smaller, "WEBP", quality=80, method=2)
        described.append(_described(variant, "image/webp", smaller, small))
        encoded.append(small)
    described[0]["frames"] = frames if moved else 1
    return described, encoded


def _shrunk_first(image: Image.Image) -> Image.Image:
    """Return the image no longer than it is drawn, before anything makes a second copy of it; what it carries stays with it."""
    if max(image.size) <= DRAWN_SIDE or image.mode == "P":
        return image
    image.thumbnail((DRAWN_SIDE, DRAWN_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return image


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(kind: str) -> None:
    """Read an image from the standard input and write what is kept of it to the standard output."""
    _limit()
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    images: list[bytes] = []
    try:
        described, images = draw(kind, sys.stdin.buffer.read())
        document: dict[str, Any] = {"images": described}
    except Refused as refused:
        document = {"code": refused.code, "detail": str(refused)}
    except MemoryError:
        document = {"code": "image-too-costly", "detail": "To draw this image takes too much."}
    except Exception:  # noqa: BLE001  whatever a decoder makes of what is no image
        document = {"code": "image-unreadable", "detail": "It is no image that can be read, or it is broken."}
    head = json.dumps(document).encode()
    sys.stdout.buffer.writelines(itertools.chain([struct.pack(">I", len(head)), head], images))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1])
