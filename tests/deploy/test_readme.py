"""What the operator's page names is there, and its figures are those of the manifests."""

import re
from datetime import timedelta
from typing import cast

import pytest
from tests.deploy.manifests import KUBERNETES, PROCESSES, ROOT, Document, environment, examples, of_kind, pods
from tests.deploy.rules import SETTINGS, serving, variables

from chassis import bus, telemetry
from chassis.app import build_app
from chassis.consuming import UNKNOWN_SECONDS, UNKNOWN_TIMES
from chassis.runtime import Runtime
from gateway import access
from gateway.calls import ledger
from gateway.deliveries import policy
from gateway.deliveries.backlog import jobs as backlog
from gateway.deliveries.dispatch import attempts
from gateway.deliveries.dispatch import jobs as dispatch
from gateway.deliveries.fanout import commands as fanout
from gateway.lanes.leases import commands as leases
from gateway.partner_settings import PartnerSettings
from gateway.routing import Router
from gateway.service import service as partners
from hearth.internal import TOKEN_VARIABLE, URLS_VARIABLE

README = (KUBERNETES / "README.md").read_text()
OPERATING = (ROOT / "docs" / "operating.md").read_text()


def test_every_process_secret_and_service_is_named(prod: list[Document]) -> None:
    names = [pod.name for pod in pods(prod)] + [one["metadata"]["name"] for one in of_kind(prod, "Service")]
    for name in (*names, *(name for name in examples() if name not in {"postgres", "nats"})):
        assert f"`{name}`" in README, name


@pytest.mark.parametrize("page", [README, OPERATING], ids=["kubernetes", "operating"])
def test_every_variable_exists(page: str) -> None:
    known = set().union(*(variables(process) for process in SETTINGS)) | {TOKEN_VARIABLE, URLS_VARIABLE}
    assert set(re.findall(r"HEARTH_[A-Z_]*[A-Z]", page)) <= known


@pytest.mark.parametrize("process", SETTINGS)
def test_every_secret_is_explained(process: str) -> None:
    secrets_ = {name for name in variables(process) if name.endswith("_SECRET")}
    assert secrets_ <= set(re.findall(r"HEARTH_[A-Z_]*[A-Z]", OPERATING))


@pytest.mark.parametrize("page", [README, OPERATING], ids=["kubernetes", "operating"])
def test_every_route_that_is_named_exists(page: str) -> None:
    named_there = {re.sub(r"\{[^}]*\}", "x", path) for path in re.findall(r"`(?:[A-Z]+ )?(/v1/[^`\s]*)`", page)}
    assert [path for path in named_there if Router().match(path) is None] == []
    own = {re.sub(r"\{[^}]*\}", "x", path) for path in build_app(partners, cast("Runtime", None)).openapi()["paths"]}
    assert {path for path in named_there if path.startswith("/v1/endpoints/")} <= own


@pytest.mark.parametrize("page", [README, OPERATING], ids=["kubernetes", "operating"])
def test_every_metric_exists(page: str) -> None:
    measured: set[str] = set()
    for module in (telemetry, access, backlog, attempts, dispatch, fanout):
        for value in vars(module).values():
            name = getattr(value, "_name", None)
            if isinstance(name, str) and name.startswith("hearth_"):
                measured |= {name, f"{name}_total"}
    databases = {f"hearth_{process}" for process in PROCESSES}
    assert set(re.findall(r"`(hearth_[a-z_]+)`", page)) <= measured | databases


def test_what_is_said_of_partners_is_so(prod: list[Document]) -> None:
    assert (
        f"a lease of {leases.LEASE_SECONDS:.0f} seconds that it renews every {dispatch.RENEW_SECONDS:.0f}" in OPERATING
    )
    assert f"within some {leases.LEASE_SECONDS + dispatch.RENEW_SECONDS:.0f} seconds" in OPERATING
    settings = PartnerSettings.model_fields
    assert f"({settings['delivery_connections'].default}; a quarter of them" in OPERATING
    assert (dispatch.AILING_SHARE, settings["delivery_seconds"].default) == (4, 15)
    assert (len(policy.SCHEDULE), policy.FAILING.days, policy.RECOVERABLE.days) == (10, 5, 14)
    assert timedelta(seconds=UNKNOWN_SECONDS * UNKNOWN_TIMES) == timedelta(hours=1)
    assert timedelta(days=30).total_seconds() == bus.STREAM_AGE_SECONDS
    for process in ("members", "gateway"):
        assert re.search(rf"\b{connections(prod, process)} for (a service|the gateway)", OPERATING)


def test_every_file_exists() -> None:
    overlay = KUBERNETES / "overlays"
    for path in re.findall(r"(?:deploy/k8s/)?overlays/[\w./-]+\w", README):
        assert (overlay / path.rpartition("overlays/")[2]).exists(), path
    assert (ROOT / "Dockerfile").exists()


def test_the_sum_of_connections_is_right(prod: list[Document]) -> None:
    for process in PROCESSES:
        total = connections(prod, process)
        assert (f"calls: {total}." if process == "gateway" else f"is {total} for each service.") in README


def connections(prod: list[Document], process: str) -> int:
    """Return how many connections the pods of a process may have during a release."""
    # The record of partners' calls has connections of its own, in the gateway's api.
    of_calls = sum(isinstance(part, ledger._Line) for part in vars(ledger.Ledger("")).values())
    total = 0
    for pod in serving(prod):
        if pod.process == process:
            several = pod.owner["spec"]["replicas"] + pod.owner["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
            own = of_calls if pod.name == "gateway-api" else 0
            total += several * (3 * int(environment(prod, pod)["HEARTH_DATABASE_CONNECTIONS"]) + own)
    return total


def test_the_times_are_those_of_the_manifests(prod: list[Document]) -> None:
    for pod in serving(prod):
        one = pod.containers[0]
        startup, liveness = one["startupProbe"], one["livenessProbe"]
        assert f"restarted after {startup['periodSeconds'] * startup['failureThreshold'] // 60} min" in README
        assert f"restarted after {liveness['periodSeconds'] * liveness['failureThreshold']} s" in README
        assert f"after {pod.spec['terminationGracePeriodSeconds']} s it would be killed" in README
        assert f"`HEARTH_SHUTDOWN_GRACE_SECONDS` ({environment(prod, pod)['HEARTH_SHUTDOWN_GRACE_SECONDS']})" in README
        if "lifecycle" in one:
            assert f"waits {one['lifecycle']['preStop']['sleep']['seconds']} s (`preStop`)" in README
