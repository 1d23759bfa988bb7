"""Pictures of entry links: QR codes that a poster, a screen or a name card shows."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

import segno

BORDER = 4
"""Modules of quiet around the code, as ISO/IEC 18004 asks."""


def address(template: str, token: str, community_id: UUID) -> str:
    """Return the address in the brand's frontend that a token opens."""
    return template.replace("{token}", token).replace("{community_id}", str(community_id))


def svg(content: str) -> bytes:
    """Return a QR code as SVG that fills whatever it is put into."""
    out = BytesIO()
    _code(content).save(out, kind="svg", border=BORDER, omitsize=True, svgclass=None, lineclass=None)
    return out.getvalue()


def png(content: str, *, scale: int) -> bytes:
    """Return a QR code as PNG with so many pixels to a module."""
    out = BytesIO()
    _code(content).save(out, kind="png", border=BORDER, scale=scale)
    return out.getvalue()


def _code(content: str) -> segno.QRCode:
    # Level M survives a scratch on a poster; a more robust level is taken where the code does not grow by it.
    return segno.make_qr(content, error="m")
