"""What a tag may be called."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

LONGEST = 40
MOST_PER_MEMBER = 100


def clean_tag(tag: str) -> str:
    """Return a tag in one spelling (Unicode NFC). Raises ValueError unless it is 1 to 40 visible characters without white space at its ends."""
    tag = unicodedata.normalize("NFC", tag)
    if not 1 <= len(tag) <= LONGEST:
        raise ValueError(f"a tag has 1 to {LONGEST} characters")
    if tag != tag.strip():
        raise ValueError("a tag neither begins nor ends with white space")
    if any(unicodedata.category(character) in {"Cc", "Cs", "Cn", "Co", "Zl", "Zp"} for character in tag):
        raise ValueError("a tag holds no control characters")
    if "/" in tag or "\\" in tag or tag in {".", ".."}:
        raise ValueError("a tag stands in addresses: it holds no slash and is not made of dots")
    if all(unicodedata.category(character)[0] in "CZM" for character in tag):
        raise ValueError("a tag holds something that can be seen")
    return tag


Tag = Annotated[
    str,
    Field(max_length=4 * LONGEST, examples=["老用户"], description="1 to 40 characters of any script, no slash"),
    AfterValidator(clean_tag),
]
