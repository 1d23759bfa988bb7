"""Ways to be reached that lead members away: phone numbers, WeChat and QQ ids, mail, messengers, and hints at QR codes.

Every expression reads on without going back far, so that a long text costs what its length costs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from enum import StrEnum

from content.moderation import folding
from content.moderation.detection.words import MOST_SPANS, Span, WordList
from content.moderation.folding import Folded


class Contact(StrEnum):
    """A way to be reached."""

    PHONE = "phone"
    WECHAT = "wechat"
    QQ = "qq"
    EMAIL = "email"
    MESSENGER = "messenger"
    QR = "qr"


_NUMERAL_SIGNS = "零〇一二三四五六七八九壹贰叁肆伍陆柒捌玖幺"
_NUMERALS = str.maketrans(_NUMERAL_SIGNS, "001234567891234567891")
_BETWEEN = r"[-\s.·_*/、,]{0,2}"
_ID = r"[a-z][a-z0-9_-]{5,19}(?![a-z0-9_-])"
_TOLD = r"(?:\s{0,2}(?:号码|号|id|账号|帐号)?\s{0,2}(?:[:=~_]|是|为|加)\s{0,2}|\s{0,2}(?:号码|号|id)\s{0,2})"

_EXPRESSIONS: dict[Contact, tuple[re.Pattern[str], ...]] = {
    Contact.PHONE: (
        re.compile(rf"(?<!\d)(?:(?:\+|00)?86{_BETWEEN})?1{_BETWEEN}[3-9](?:{_BETWEEN}\d){{9}}(?!\d)"),
        re.compile(r"(?<![\d+])\+[\s(]{0,2}[1-9](?:[-\s.()]{0,2}\d){7,14}(?!\d)"),
        re.compile(r"(?<!\d)0\d{2,3}[-\s]\d{7,8}(?!\d)"),
        re.compile(r"(?<!\d)[48]00[-\s]?\d{3,4}[-\s]?\d{3,4}(?!\d)"),
    ),
    Contact.WECHAT: (
        re.compile(
            rf"(?:(?:微|薇|威|徽|维|v)\s?(?:信|芯|心|x)|(?<![a-z])(?:vx|wx|weixin|wechat|wei\s?xin)|加\s?v|加\s?薇|加\s?微)"
            rf"(?:{_TOLD}{_ID}|\s{{0,2}}(?=[a-z0-9_-]{{0,19}}[0-9_]){_ID})"
        ),
    ),
    Contact.QQ: (
        re.compile(
            r"(?:(?<![a-z])q\s?q|扣扣|企鹅号|球球|(?<![a-z])q(?=\s?[:号群]))(?:群|号)?\s{0,2}[:=是为]?\s{0,2}[1-9]\d{4,10}(?!\d)"
        ),
    ),
    Contact.EMAIL: (
        re.compile(
            r"(?<![a-z0-9._%+-])[a-z0-9][a-z0-9._%+-]{0,63}(?:@|\s?(?:\(at\)|\[at\]|【at】|#at#|\(a\))\s?)"
            r"[a-z0-9-]{1,63}(?:(?:\.|\s?(?:\[\.\]|\(dot\)|\[dot\])\s?|点)[a-z0-9-]{2,63}){1,5}"
        ),
    ),
    Contact.MESSENGER: (
        re.compile(
            r"(?:telegram|(?<![a-z])tg|whatsapp|纸飞机|飞机号|电报|(?<![a-z])line\s?id|signal)(?:\s{0,2}[:=@号]){1,3}\s{0,2}[a-z0-9_]{5,32}"
        ),
    ),
}
# What a text has at least that any of the expressions is about; most texts have nothing of it, and are not read further.
_SIGNS: dict[Contact, tuple[str, ...]] = {
    Contact.WECHAT: ("微", "薇", "威", "徽", "维", "v", "wx", "wechat", "wei"),
    Contact.QQ: ("q", "扣扣", "企鹅", "球球"),
    Contact.EMAIL: ("@", "(at)", "[at]", "【at】", "#at#", "(a)"),
    Contact.MESSENGER: ("telegram", "tg", "whatsapp", "飞机", "电报", "line", "signal"),
}
_FEWEST_DIGITS = {Contact.PHONE: 8, Contact.QQ: 5}
_QR = WordList(
    [
        "扫码",
        "扫一扫",
        "二维码",
        "扫我",
        "长按识别",
        "识别图中",
        "qr code",
        "qrcode",
        "scan the qr",
        "scan this qr",
        "scan my qr",
    ]
)


def find(
    plain: Folded, compact: Folded, wanted: Collection[Contact], allowed: Iterable[str] = (), most: int = MOST_SPANS
) -> list[Span]:
    """Return where contacts of the wanted kinds stand; `allowed` are the brand's own, as they are written or otherwise folded."""
    own = {key for key in map(key_of, allowed) if key}
    spans: set[Span] = set()
    for kind, expressions in _EXPRESSIONS.items():
        if kind not in wanted:
            continue
        if kind in _SIGNS and not any(sign in plain.text for sign in _SIGNS[kind]):
            continue
        for text in _with_digits(plain.text, _FEWEST_DIGITS.get(kind, 0)):
            for expression in expressions:
                spans.update(plain.span(*m.span()) for m in expression.finditer(text) if not _is_own(m[0], own))
    if Contact.QR in wanted:
        spans.update(_QR.find(compact))
    return _apart(spans)[:most]


def _with_digits(text: str, fewest: int) -> list[str]:
    """Return the text if it has enough digits, and it with its Chinese numerals as digits if there are any."""
    if not fewest:
        return [text]
    digits = sum(map(text.count, "0123456789"))
    numerals = sum(map(text.count, _NUMERAL_SIGNS))
    found = [text] if digits >= fewest else []
    return [*found, text.translate(_NUMERALS)] if numerals and digits + numerals >= fewest else found


def key_of(contact: str) -> str:
    """Return what is left of a contact to compare: letters and digits, folded."""
    return "".join(one for one in folding.plain(contact).text if one.isalnum())


def _is_own(found: str, own: set[str]) -> bool:
    key = "".join(one for one in found if one.isalnum())
    return any(key == one or (key.endswith(one) and len(one) >= _SHORTEST_OWN) for one in own)


_SHORTEST_OWN = 5


def _apart(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, those that overlap as one."""
    apart: list[Span] = []
    for start, end in sorted(spans):
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart
