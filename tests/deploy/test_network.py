"""Production lets through what the processes need, and nothing else."""

from itertools import product

import pytest
from tests.deploy.manifests import COMPONENT, NAME, SERVICES, Document, named, planted
from tests.deploy.network import OUTSIDE, End, allowed, pod
from tests.deploy.rules import serving

PUBLIC, INTERNAL, POSTGRES, NATS, NAMES, TRACES = 8080, 9090, 5432, 4222, 53, 4318

GATEWAY = pod("gateway", "api")
APIS = {service: pod(service, "api") for service in SERVICES}
WORKERS = {service: pod(service, "worker") for service in SERVICES}
MIGRATIONS = {service: pod(service, "migration") for service in SERVICES}
PROCESSES = [GATEWAY, *APIS.values(), *WORKERS.values()]
INGRESS, MONITORING, ELSEWHERE = End("ingress"), End("monitoring"), End("default")

NEEDED = [
    (INGRESS, GATEWAY, PUBLIC),
    *((GATEWAY, api, PUBLIC) for api in APIS.values()),
    *((APIS[service], GATEWAY, PUBLIC) for service in ("content", "engagement")),
    *((one, OUTSIDE, POSTGRES) for one in PROCESSES + list(MIGRATIONS.values()) if one is not GATEWAY),
    *((one, OUTSIDE, NATS) for one in PROCESSES),
    *((MONITORING, one, INTERNAL) for one in PROCESSES),
    *((one, MONITORING, TRACES) for one in PROCESSES),
]


def label(end: End) -> str:
    return "-".join([end.namespace or "outside", *list(end.labels.values())[:2]])


@pytest.mark.parametrize("connection", NEEDED, ids=lambda c: f"{label(c[0])}>{label(c[1])}:{c[2]}")
def test_what_is_needed_is_open(prod: list[Document], connection: tuple[End, End, int]) -> None:
    assert allowed(prod, *connection)


def test_everything_else_is_closed(prod: list[Document]) -> None:
    ends = [*PROCESSES, *MIGRATIONS.values(), INGRESS, MONITORING, ELSEWHERE, OUTSIDE]
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
def test_nothing_calls_the_outside(prod: list[Document], port: int) -> None:
    assert not [one for one in PROCESSES if allowed(prod, one, OUTSIDE, port)]


def test_every_pod_may_ask_for_names(prod: list[Document]) -> None:
    for one, protocol in product([*PROCESSES, *MIGRATIONS.values()], ("UDP", "TCP")):
        assert allowed(prod, one, End("kube-system"), NAMES, protocol)


def test_the_table_knows_every_process(prod: list[Document]) -> None:
    assert {(one.labels[NAME], one.labels[COMPONENT]) for one in PROCESSES} == {
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
    del named(documents, "NetworkPolicy", "services")["spec"]["ingress"][0]["from"]
    assert allowed(documents, ELSEWHERE, APIS["members"], PUBLIC)
