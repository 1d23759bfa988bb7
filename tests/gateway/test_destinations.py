"""Which URLs and addresses are refused, in every spelling that leads inside."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.destinations import (
    Destination,
    Network,
    UrlFault,
    examine,
    is_known_service,
    is_public,
)

PRIVATE = (ip_network("10.8.0.0/16"), ip_network("127.0.0.0/8"), ip_network("fd12::/16"))


def code(url: str, allowed: tuple[Network, ...] = ()) -> str | None:
    found = examine(url, allowed)
    return found.code if isinstance(found, UrlFault) else None


@pytest.mark.parametrize(
    "host",
    [
        *(
            "2130706433",
            "0x7f.1",
            "0x7f000001",
            "0X7F.0.0.1",
            "017700000001",
            "0177.0.0.1",
            "127.1",
            "127.0.1",
            "127.0.0.01",
            "1",
        ),
        *("256.1.1.1", "1.2.3.4.5", "127.0.0.1.1", "0", "0x", "1.1.1.0x1", "foo.0x1", "foo.127", "4294967296"),
        *("２１３０７０６４３３", "１２７.1", "foo.１"),
    ],
)
def test_address_in_another_spelling_is_refused(host: str) -> None:
    assert code(f"https://{host}/") == "host_malformed"
    assert code(f"https://{host}./") == "host_malformed"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1.",
        "１２７.0.0.1",
        "127。0。0。1",
        "127．0．0．1",
        "127｡0｡0｡1",
        "①27.0.0.1",
        "𝟏𝟐𝟕.0.0.1",
        "169.254.169.254",
    ],
)
def test_address_in_letters_of_another_width_is_the_address(host: str) -> None:
    assert code(f"https://{host}/") == "address_refused"


@pytest.mark.parametrize(
    "host",
    [
        *(
            "localhost",
            "LOCALHOST",
            "localhost.",
            "foo.localhost",
            "ｌｏｃａｌｈｏｓｔ",
            "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
            "localhost.localdomain",
        ),
        *(
            "printer.local",
            "metadata.google.internal",
            "metadata",
            "redis",
            "db.internal.",
            "router.lan",
            "nas.home.arpa",
            "a.corp",
        ),
        *("members.hearth.svc", "members.hearth.svc.cluster.local", "x.onion", "x.INTERNAL", "x。ｉｎｔｅｒｎａｌ"),
    ],
)
def test_name_that_means_something_only_inside_is_refused(host: str) -> None:
    assert code(f"https://{host}/") == "host_refused"
    assert code(f"https://{host}/", PRIVATE) is None, (
        "the operator has private networks: its address decides when it is dialled"
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", "scheme_refused"),
        ("crm.example", "scheme_refused"),
        ("//crm.example/", "scheme_refused"),
        ("ftp://crm.example/", "scheme_refused"),
        ("file:///etc/passwd", "scheme_refused"),
        ("gopher://crm.example/", "scheme_refused"),
        ("javascript:alert(1)", "scheme_refused"),
        ("http://crm.example/", "scheme_refused"),
        ("http://1.1.1.1/", "scheme_refused"),
        ("https:/crm.example", "host_malformed"),
        ("https:///hooks", "host_malformed"),
        ("https://", "host_malformed"),
        ("https://?a", "host_malformed"),
        ("https://crm.example:/", "host_malformed"),
        ("https://crm.example:port/", "host_malformed"),
        ("https://crm.example:-1/", "host_malformed"),
        ("https://crm.example:４４３/", "host_malformed"),
        ("https://crm.example:443:443/", "host_malformed"),
        ("https://crm.example:1234567/", "host_malformed"),
        ("https://crm..example/", "host_malformed"),
        ("https://.example/", "host_malformed"),
        ("https://crm.example../", "host_malformed"),
        ("https://127.0.0.1../", "host_malformed"),
        ("https://./", "host_malformed"),
        ("https://-crm.example/", "host_malformed"),
        (f"https://{'a' * 64}.example/", "host_malformed"),
        (f"https://{'a.' * 130}example/", "host_malformed"),
        ("https://127.0.0.1%2f.example/", "host_malformed"),
        ("https://%31%32%37.0.0.1/", "host_malformed"),
        ("https://crm%00.example/", "host_malformed"),
        ("https://crm*.example/", "host_malformed"),
        ("https://[::1/", "url_malformed"),
        ("https://::1/", "host_malformed"),
        ("https://[::1]x/", "host_malformed"),
        ("https://[fe80::1%25eth0]/", "host_malformed"),
        ("https://[fe80::1%eth0]/", "host_malformed"),
        ("https://[1.1.1.1]/", "url_malformed"),
        ("https://[v1.abc]/", "host_malformed"),
        ("https://user@crm.example/", "credentials_refused"),
        ("https://user:password@crm.example/", "credentials_refused"),
        ("https://@crm.example/", "credentials_refused"),
        ("https://crm.example:443@127.0.0.1/", "credentials_refused"),
        ("https://127.0.0.1\\@crm.example/", "url_malformed"),
        ("https://crm.example\\.evil/", "url_malformed"),
        ("https://crm.example/#part", "fragment_refused"),
        ("https://crm.example/#", "fragment_refused"),
        ("https://crm.example#@127.0.0.1/", "fragment_refused"),
        ("https://crm.example/a b", "url_malformed"),
        (" https://crm.example/", "url_malformed"),
        ("https://crm.example/\r\nHost: x", "url_malformed"),
        ("ht\ttps://crm.example/", "url_malformed"),
        ("https://crm.exam\nple/", "url_malformed"),
        ("https://crm.example/\x00", "url_malformed"),
        ("https://crm.example/\x7f", "url_malformed"),
        ("https://crm.example/\u202e", "url_malformed"),
        ("https://crm.example/\ud800", "url_malformed"),
        ("https://crm．example／x@127.0.0.1/", "url_malformed"),
        ("https://crm.example＠127.0.0.1/", "url_malformed"),
        ("https://127.0.0.1：80/", "url_malformed"),
        ("https://crm.example/" + "a" * 2000, "url_too_long"),
        ("https://crm.example/" + "标" * 400, "url_too_long"),
    ],
)
def test_url_is_refused(url: str, expected: str) -> None:
    assert code(url) == expected


@pytest.mark.parametrize(
    "port",
    [
        0,
        1,
        21,
        22,
        23,
        25,
        53,
        110,
        143,
        465,
        587,
        993,
        1023,
        1433,
        2375,
        2379,
        3306,
        3389,
        4222,
        5432,
        5672,
        6000,
        6379,
        6443,
    ],
)
def test_port_of_a_known_service_is_refused(port: int) -> None:
    assert code(f"https://crm.example:{port}/") == "port_refused"
    assert code(f"http://10.8.0.1:{port}/", PRIVATE) == "port_refused"


@pytest.mark.parametrize("port", [8222, 9092, 9200, 10250, 11211, 15672, 27017, 65_536, 99_999])
def test_high_port_of_a_known_service_is_refused(port: int) -> None:
    assert code(f"https://crm.example:{port}/") == "port_refused"


@pytest.mark.parametrize("port", [80, 443, 1024, 3000, 4443, 8000, 8080, 8443, 9443, 32_768, 65_535])
def test_other_ports_are_open(port: int) -> None:
    assert code(f"https://crm.example:{port}/") is None
    assert not is_known_service(port)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://crm.example", "https://crm.example/"),
        ("HTTPS://CRM.Example./Hooks?a=B", "https://crm.example/Hooks?a=B"),
        ("https://crm.example:443/", "https://crm.example/"),
        ("https://crm.example:08443/", "https://crm.example:8443/"),
        ("https://münchen.example/ü?ö=1", "https://xn--mnchen-3ya.example/%C3%BC?%C3%B6=1"),
        ("https://品牌.中国/回调", "https://xn--jvr800e.xn--fiqs8s/%E5%9B%9E%E8%B0%83"),
        ("https://ＣＲＭ.example/", "https://crm.example/"),
        ("https://crm.example/a%20b%2Fc;d=e?x=%41&y[]=1", "https://crm.example/a%20b%2Fc;d=e?x=%41&y%5B%5D=1"),
        ("https://crm.example?a=b", "https://crm.example/?a=b"),
        ("https://[::FFFF:8.8.8.8]/", "https://8.8.8.8/"),
        ("https://[2606:4700:0:0::1111]:8443/", "https://[2606:4700::1111]:8443/"),
        ("https://xn--mnchen-3ya.example/", "https://xn--mnchen-3ya.example/"),
        ("https://my_crm.example/", "https://my_crm.example/"),
    ],
)
def test_url_has_one_spelling(url: str, canonical: str) -> None:
    found = examine(url)
    assert isinstance(found, Destination)
    assert found.url == canonical
    assert examine(found.url) == found, "and keeps it"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9000/",
        "http://10.8.1.2/",
        "https://10.8.1.2/",
        "https://[::ffff:10.8.1.2]/",
        "http://[fd12::1]/",
    ],
)
def test_operator_may_allow_a_private_network(url: str) -> None:
    assert code(url) == "address_refused"
    assert code(url, PRIVATE) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://10.9.0.1/", "address_refused"),
        ("https://10.9.0.1/", "address_refused"),
        ("https://169.254.169.254/", "address_refused"),
        ("https://[64:ff9b::a9fe:a9fe]/", "address_refused"),
        ("http://8.8.8.8/", "scheme_refused"),
    ],
)
def test_allowed_network_opens_nothing_else(url: str, expected: str) -> None:
    assert code(url, PRIVATE) == expected


def test_plain_http_to_a_name_waits_for_its_address() -> None:
    assert code("http://crm.example/", PRIVATE) is None


wild = st.text(st.characters(codec=None, categories=None), max_size=60)
hosts = st.text(st.sampled_from("0123456789abcdefx.:[]%@/\\?#-_１２。＠：/ⓛ"), max_size=30)


@given(
    url=wild
    | wild.map("https://".__add__)
    | hosts.map("https://".__add__)
    | hosts.map(lambda host: f"https://{host}/x")
)
def test_whatever_is_asked_for_is_answered(url: str) -> None:
    found = examine(url)
    if isinstance(found, Destination):
        assert found.url.isascii()
        assert found.url.startswith("https://")
        assert examine(found.url) == found
        assert found.address is None or is_public(found.address)
