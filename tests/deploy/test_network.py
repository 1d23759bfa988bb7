"""Production lets through what the processes need, and nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from itertools import product

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.deploy.manifests import COMPONENT, NAME, PROCESSES, SERVICES, Document, named, planted
from tests.deploy.network import OUTSIDE, End, allowed, pod
from tests.deploy.rules import serving

from gateway import destinations

PUBLIC, INTERNAL, POSTGRES, NATS, NAMES, TRACES = 8080, 9090, 5432, 4222, 53, 4318

GATEWAY = pod("gateway", "api")
APIS = {service: pod(service, "api") for service in SERVICES}
WORKERS = {process: pod(process, "worker") for process in PROCESSES}
MIGRATIONS = {process: pod(process, "migration") for process in PROCESSES}
SENDER = WORKERS["gateway"]
PODS = [GATEWAY, *APIS.values(), *WORKERS.values()]
INGRESS, MONITORING, ELSEWHERE = End("ingress"), End("monitoring"), End("default")

NEEDED = [
    (INGRESS, GATEWAY, PUBLIC),
    *((GATEWAY, api, PUBLIC) for api in APIS.values()),
    *((APIS[service], GATEWAY, PUBLIC) for service in ("content", "engagement")),
    (SENDER, APIS["members"], PUBLIC),
    *((SENDER, OUTSIDE, port) for port in (80, 443, 1024, 8443, 65_535)),
    *((one, OUTSIDE, POSTGRES) for one in PODS + list(MIGRATIONS.values())),
    *((one, OUTSIDE, NATS) for one in PODS),
    *((MONITORING, one, INTERNAL) for one in PODS),
    *((one, MONITORING, TRACES) for one in PODS),
]


def label(end: End) -> str:
    return "-".join([end.namespace or "outside", *list(end.labels.values())[:2]])


@pytest.mark.parametrize("connection", NEEDED, ids=lambda c: f"{label(c[0])}>{label(c[1])}:{c[2]}")
def test_what_is_needed_is_open(prod: list[Document], connection: tuple[End, End, int]) -> None:
    assert allowed(prod, *connection)


def test_everything_else_is_closed(prod: list[Document]) -> None:
    ends = [*PODS, *MIGRATIONS.values(), INGRESS, MONITORING, ELSEWHERE, OUTSIDE]
    ports = [22, 80, 443, PUBLIC, INTERNAL, POSTGRES, NATS, TRACES]
    open_ = [
        (source, target, port)
        for source, target, port in product(ends, ends, ports)
        if "hearth" in {source.namespace, target.namespace}
        and target != OUTSIDE
        and allowed(prod, source, target, port)
    ]
    unexpected = [one for one in open_ if one not in NEEDED]
    # PostgreSQL and NATS are let out without an address until there is one: pods of elsewhere could listen there.
    assert [one for one in unexpected if one[2] not in {POSTGRES, NATS}] == []
    assert not [one for one in unexpected if one[1].namespace == "hearth"]


@pytest.mark.parametrize("port", [80, 443, PUBLIC, INTERNAL])
def test_nothing_but_the_sender_of_webhooks_calls_the_outside(prod: list[Document], port: int) -> None:
    assert [one for one in [*PODS, *MIGRATIONS.values()] if allowed(prod, one, OUTSIDE, port)] == [SENDER]


@pytest.mark.parametrize("port", [0, 22, 25, 53, 110, 1023])
def test_webhooks_go_to_no_port_of_something_else(prod: list[Document], port: int) -> None:
    assert not allowed(prod, SENDER, OUTSIDE, port)
    assert not allowed(prod, SENDER, OUTSIDE, 443, "UDP")


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1", "0.0.0.0", "100.64.0.1"),
        *("169.254.169.254", "100.100.100.200", "168.63.129.16", "224.0.0.1", "255.255.255.255"),
        *(
            "::1",
            "::",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "2002:a00:1::1",
            "64:ff9b::a00:1",
        ),
    ],
)
def test_webhooks_go_nowhere_inside(prod: list[Document], address: str) -> None:
    for port in (80, 443, 8080):
        assert not allowed(prod, SENDER, replace(OUTSIDE, address=address), port)


def edges(networks: Sequence[destinations.Network]) -> list[str]:
    """Return the addresses at the ends of networks, and those just outside."""
    found = []
    for network in networks:
        first, last = int(network.network_address), int(network.broadcast_address)
        make = IPv4Address if network.version == 4 else IPv6Address
        found += [str(make(one)) for one in (first - 1, first, last, last + 1) if 0 <= one < 2**network.max_prefixlen]
    return found


@given(st.sampled_from(edges(destinations.REFUSED)) | st.ip_addresses(v=4).map(str))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_network_and_the_process_judge_addresses_alike(prod: list[Document], address: str) -> None:
    public = destinations.is_public(IPv4Address(address))
    assert allowed(prod, SENDER, replace(OUTSIDE, address=address), 443) == public


@given(
    st.sampled_from(edges([destinations.GLOBAL_UNICAST, *destinations.REFUSED_SIX, destinations.SIX_TO_FOUR]))
    | st.ip_addresses(v=6).map(str)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_network_and_the_process_judge_addresses_of_six_alike(prod: list[Document], address: str) -> None:
    judged = IPv6Address(address)
    # That an interface's number spells another address no network reads; the process does.
    assume(int(judged) >> 32 & 0xFFFFFFFF not in destinations.ISATAP)
    public = destinations.is_public(judged) and not destinations.embedded(judged)
    assert allowed(prod, SENDER, replace(OUTSIDE, address=address), 443) == public


def test_every_pod_may_ask_for_names(prod: list[Document]) -> None:
    for one, protocol in product([*PODS, *MIGRATIONS.values()], ("UDP", "TCP")):
        assert allowed(prod, one, End("kube-system"), NAMES, protocol)


def test_the_table_knows_every_process(prod: list[Document]) -> None:
    assert {(one.labels[NAME], one.labels[COMPONENT]) for one in PODS} == {
        (found.labels[NAME], found.labels[COMPONENT]) for found in serving(prod)
    }


def test_planted_openings_are_seen(prod: list[Document]) -> None:
    documents = planted(prod)
    documents.remove(named(documents, "NetworkPolicy", "closed"))
    assert allowed(documents, GATEWAY, OUTSIDE, NATS)
    assert allowed(documents, MIGRATIONS["members"], OUTSIDE, POSTGRES)
    assert allowed(documents, INGRESS, WORKERS["members"], INTERNAL) is False
    assert allowed(documents, ELSEWHERE, MIGRATIONS["members"], PUBLIC)

    documents = planted(prod)
    blocks = named(documents, "NetworkPolicy", "webhooks")["spec"]["egress"][0]["to"]
    del blocks[0]["ipBlock"]["except"]
    assert allowed(documents, SENDER, End(None, address="169.254.169.254"), 80)
    assert allowed(documents, SENDER, ELSEWHERE, 443)

    documents = planted(prod)
    del named(documents, "NetworkPolicy", "services")["spec"]["ingress"][0]["from"]
    assert allowed(documents, ELSEWHERE, APIS["members"], PUBLIC)
