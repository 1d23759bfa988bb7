"""Standard Webhooks: what we sign verifies elsewhere, and what others sign is believed only when it is theirs and of now."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import standardwebhooks
import svix.webhooks
from hypothesis import given
from hypothesis import strategies as st

from gateway import signing
from gateway.signing import InvalidKeyError, SharedKey, Verdict, make_secret, parse_key, sign, signing_key, verify

BODY = '{"type":"content.post.published","data":{"标题":"你好 🌏"}}'.encode()
MESSAGE = "01890a5d-ac96-774b-bcce-b302099a8057"
AT = 1_795_388_690
NOW = datetime.fromtimestamp(AT, UTC)

# The standard's own vectors: its libraries' v1 and v1a for one message.
PUBLISHED = {
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=": (
        "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="
    ),
}
PUBLISHED_MESSAGE = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')
# What standardwebhooks 1.1.1 and svix 1.99.1 of npm sign MESSAGE, AT and BODY with (24, 24 and 64 bytes), and OpenSSL for the last.
ELSEWHERE = {
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "v1,r3BLsL0SqmTZ6y81t1JLaZDpmd+k1xmxCOKjkQUn+UU=",
    "whsec_" + b64encode(bytes(range(24))).decode(): "v1,nY4Cm8xsiTppBw+s4U6v03H4/jI2Rb2/vgGmss4UgAk=",
    "whsec_" + b64encode(bytes(range(64))).decode(): "v1,oew7sp0ZKmoPrBd4zbchitrJm+jrDKDVkQPFTy2fhT8=",
    "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=": (
        "v1a,uFu99JzVa2oesAMy6zcbgAdwQ1Z8tCQjI7i2oI0ygFf6m4vHF6CJk34/leL6a/HkdxKszRrYfIq/QLJB/vJICA=="
    ),
}
KEYS = [signing_key(text) for text in ELSEWHERE]
SHARED, PRIVATE = KEYS[0], KEYS[-1]
SIGNED = sign(MESSAGE, AT, BODY, KEYS)

message_ids = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="."), min_size=1, max_size=256
)
schemes = st.sampled_from(["v1", "v1a"])


def test_published_vectors_are_met() -> None:
    for text, signature in PUBLISHED.items():
        assert sign(*PUBLISHED_MESSAGE, [signing_key(text)])["webhook-signature"] == signature


def test_other_languages_sign_the_same() -> None:
    assert {
        "webhook-id": MESSAGE,
        "webhook-timestamp": str(AT),
        "webhook-signature": " ".join(ELSEWHERE.values()),
    } == SIGNED


@pytest.mark.parametrize("verifier", [standardwebhooks.Webhook, svix.webhooks.Webhook])
@pytest.mark.parametrize("secret", [text for text in ELSEWHERE if text.startswith("whsec_")])
def test_official_packages_verify_each_key_while_several_sign(verifier: Any, secret: str) -> None:
    now = int(datetime.now(UTC).timestamp())  # noqa: TID251  their clock is the system's
    headers = sign(MESSAGE, now, BODY, KEYS)
    verifier(secret).verify(BODY, headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verifier(secret).verify(BODY + b" ", headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verifier(make_secret()).verify(BODY, headers)


@given(message_id=message_ids, seconds=st.integers(0, 10**11), body=st.text(), size=st.integers(24, 64))
def test_official_package_signs_the_same(message_id: str, seconds: int, body: str, size: int) -> None:
    secret = "whsec_" + b64encode(bytes(range(size))).decode()
    theirs = standardwebhooks.Webhook(secret).sign(
        message_id, datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds), body
    )
    assert sign(message_id, seconds, body.encode(), [signing_key(secret)])["webhook-signature"] == theirs


@given(
    message_id=message_ids,
    seconds=st.integers(0, 10**11),
    body=st.binary(),
    kinds=st.lists(schemes, min_size=1, max_size=4),
    data=st.data(),
)
def test_any_one_of_the_keys_verifies_what_several_signed(
    message_id: str, seconds: int, body: bytes, kinds: list[signing.Scheme], data: st.DataObject
) -> None:
    texts = [make_secret(kind) for kind in kinds]
    headers = sign(message_id, seconds, body, [signing_key(text) for text in texts])
    text = data.draw(st.sampled_from(texts))
    seen = signing.public_key(text) if text.startswith("whsk_") else text
    verdict = verify(headers, body, [parse_key(make_secret()), parse_key(seen)], datetime.fromtimestamp(seconds, UTC))
    assert verdict == Verdict(None, message_id, seconds)
    assert verdict.verified


@given(
    place=st.integers(0),
    bit=st.integers(0, 7),
    part=st.sampled_from(["body", "id", "timestamp"]),
    key=st.sampled_from(KEYS),
)
def test_one_bit_changed_is_another_message(place: int, bit: int, part: str, key: signing.SigningKey) -> None:
    headers, body = dict(SIGNED), bytearray(BODY)
    if part == "body":
        body[place % len(body)] ^= 1 << bit
    elif part == "id":
        headers["webhook-id"] = MESSAGE[:-1] + "8"
    else:
        headers["webhook-timestamp"] = str(AT + 1 + bit)
    verdict = verify(headers, bytes(body), [key], NOW)
    assert verdict.reason == "no_match"
    assert verdict.message_id is None


@pytest.mark.parametrize(
    ("offset", "reason"),
    [(-301, "too_new"), (-300, None), (0, None), (300, None), (300.9, None), (301, "too_old"), (3600, "too_old")],
)
def test_tolerance_is_five_minutes_either_way(offset: float, reason: str | None) -> None:
    assert verify(SIGNED, BODY, KEYS, NOW + timedelta(seconds=offset)).reason == reason


def test_old_message_is_verified_when_the_caller_tolerates_it() -> None:
    assert verify(SIGNED, BODY, KEYS, NOW + timedelta(days=3), tolerance=7 * 86_400).verified


def test_no_key_verifies_nothing() -> None:
    assert verify(SIGNED, BODY, [], NOW).reason == "no_keys"


def test_headers_of_svix_are_read_too() -> None:
    headers = {name.replace("webhook", "svix"): value for name, value in SIGNED.items()}
    assert verify(headers, BODY, [SHARED], NOW).verified
    headers["webhook-signature"] = "v1,AAAA"
    assert not verify(headers, BODY, [SHARED], NOW).verified, "one message, one family"


def test_version_to_come_and_a_broken_signature_do_not_spoil_a_good_one() -> None:
    headers = SIGNED | {"webhook-signature": "v2,?? v1,*** v1a,AAAA v1, " + SIGNED["webhook-signature"]}
    assert verify(headers, BODY, [SHARED], NOW).verified


@pytest.mark.parametrize("name", list(SIGNED))
def test_missing_header_is_said(name: str) -> None:
    headers = {key: value for key, value in SIGNED.items() if key != name}
    assert verify(headers, BODY, KEYS, NOW).reason == "header_missing"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", ""),
        ("webhook-id", "a.b"),
        ("webhook-id", "a b"),
        ("webhook-id", "a\x00b"),
        ("webhook-id", "ä"),
        ("webhook-id", "\udcff"),
        ("webhook-id", "a" * 257),
        ("webhook-timestamp", ""),
        ("webhook-timestamp", "NaN"),
        ("webhook-timestamp", "nan"),
        ("webhook-timestamp", "inf"),
        ("webhook-timestamp", "1e9"),
        ("webhook-timestamp", f"-{AT}"),
        ("webhook-timestamp", f"+{AT}"),
        ("webhook-timestamp", f" {AT}"),
        ("webhook-timestamp", f"{AT}\n"),
        ("webhook-timestamp", f"{AT}.0"),
        ("webhook-timestamp", f"0{AT}"),
        ("webhook-timestamp", f"{AT:_}"),
        ("webhook-timestamp", "１７９５３８８６９０"),
        ("webhook-timestamp", "9" * 5000),
        ("webhook-signature", ""),
        ("webhook-signature", "v1"),
        ("webhook-signature", "v1,\x80"),
        ("webhook-signature", "\udc80,"),
        ("webhook-signature", " ".join(["v1,AAAA"] * 17)),
        ("webhook-signature", "v1," + "A" * 10_000),
    ],
)
def test_malformed_header_is_said(name: str, value: str) -> None:
    assert verify(SIGNED | {name: value}, BODY, KEYS, NOW).reason == "header_malformed"


@pytest.mark.parametrize(
    "signature", ["v1,", "v1,A", "v1,====", "v1a,", "v1a,AAAA", f"v1a,{'A' * 88}", "v1,AAAA", ",AAAA", "v1,AAAA,BBBB"]
)
def test_signature_that_is_none_matches_nothing(signature: str) -> None:
    assert verify(SIGNED | {"webhook-signature": signature}, BODY, KEYS, NOW).reason == "no_match"


def test_signature_of_one_scheme_is_none_of_the_other() -> None:
    shared = SIGNED["webhook-signature"].split(" ")[0].removeprefix("v1,")
    assert not verify(SIGNED | {"webhook-signature": f"v1a,{shared}"}, BODY, KEYS, NOW).verified
    # A public key is known to all, so it must never serve as the secret of an HMAC.
    public = parse_key(signing.public_key(list(ELSEWHERE)[-1]))
    assert isinstance(public, signing.PublicKey)
    forged = SharedKey(public.key.public_bytes_raw()).sign(f"{MESSAGE}.{AT}.".encode() + BODY)
    assert not verify(SIGNED | {"webhook-signature": forged}, BODY, [public], NOW).verified


wild = st.text(st.characters(codec=None, categories=None), max_size=200) | st.binary(max_size=200).map(
    lambda raw: raw.decode("latin-1")
)


@given(
    message_id=wild | st.just(MESSAGE),
    seconds=wild | st.just(str(AT)),
    signatures=wild | wild.map("v1,".__add__),
    body=st.binary(),
)
def test_whatever_comes_is_a_verdict(message_id: str, seconds: str, signatures: str, body: bytes) -> None:
    headers = {"webhook-id": message_id, "webhook-timestamp": seconds, "webhook-signature": signatures}
    assert not verify(headers, body, KEYS, NOW).verified


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "key_unknown"),
        ("secret", "key_unknown"),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "key_unknown"),
        ("WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "key_unknown"),
        ("whsec_", "key_too_short"),
        ("whsec_" + b64encode(bytes(23)).decode(), "key_too_short"),
        ("whsec_" + b64encode(bytes(65)).decode(), "key_too_long"),
        ("whsec_" + "A" * 100_000, "key_too_long"),
        ("whsec_no base64 at all!", "key_malformed"),
        ("whsec_ääää", "key_malformed"),
        ("whsec_\udcff", "key_malformed"),
        ("whsec_AAA", "key_malformed"),
        ("whpk_" + b64encode(bytes(31)).decode(), "key_wrong_length"),
        ("whsk_" + b64encode(bytes(33)).decode(), "key_wrong_length"),
        ("whsk_" + b64encode(bytes(64)).decode(), "key_malformed"),
    ],
)
def test_key_that_is_none_is_refused_with_a_reason_that_does_not_repeat_it(text: str, code: str) -> None:
    with pytest.raises(InvalidKeyError) as refused:
        parse_key(text)
    assert refused.value.code == code
    payload = text.partition("_")[2]
    assert len(payload) < 4 or payload not in refused.value.detail


@given(text=wild | st.builds(str.__add__, st.sampled_from(["whsec_", "whsk_", "whpk_"]), wild))
def test_no_text_for_a_key_is_more_than_refused(text: str) -> None:
    with pytest.raises(InvalidKeyError):
        parse_key(text)


@given(size=st.integers(0, 100))
def test_secret_has_24_to_64_bytes(size: int) -> None:
    text = "whsec_" + b64encode(bytes(size)).decode()
    if 24 <= size <= 64:
        assert parse_key(text) == SharedKey(bytes(size))
    else:
        with pytest.raises(InvalidKeyError, match=str(size)):
            parse_key(text)


def test_private_key_may_carry_its_public_half() -> None:
    private = parse_key(list(ELSEWHERE)[-1])
    assert isinstance(private, signing.PrivateKey)
    both = private.key.private_bytes_raw() + private.public.key.public_bytes_raw()
    assert signing.public_key("whsk_" + b64encode(both).decode()) == private.public.text


def test_public_key_signs_nothing_and_a_shared_one_has_none() -> None:
    with pytest.raises(InvalidKeyError) as refused:
        signing_key(signing.public_key(make_secret("v1a")))
    assert refused.value.code == "key_public"
    with pytest.raises(InvalidKeyError):
        signing.public_key(make_secret())


def test_keys_do_not_show_in_logs() -> None:
    assert repr(SHARED) == "SharedKey()"
    assert "PrivateKey object" not in repr(PRIVATE)


def test_made_secrets_differ_and_are_long_enough() -> None:
    made = {make_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(isinstance(signing_key(text), SharedKey) for text in made)
