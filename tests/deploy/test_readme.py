"""What the operator's page names is there, and its figures are those of the manifests."""

import re

from tests.deploy.manifests import KUBERNETES, PROCESSES, ROOT, Document, environment, examples, of_kind, pods
from tests.deploy.rules import SETTINGS, serving, variables

from chassis import telemetry
from gateway import access
from gateway.calls import ledger
from gateway.deliveries.backlog import jobs as backlog
from gateway.deliveries.dispatch import attempts
from gateway.deliveries.fanout import commands as fanout
from hearth.internal import TOKEN_VARIABLE, URLS_VARIABLE

README = (KUBERNETES / "README.md").read_text()


def test_every_process_secret_and_service_is_named(prod: list[Document]) -> None:
    names = [pod.name for pod in pods(prod)] + [one["metadata"]["name"] for one in of_kind(prod, "Service")]
    for name in (*names, *(name for name in examples() if name not in {"postgres", "nats"})):
        assert f"`{name}`" in README, name


def test_every_variable_exists() -> None:
    known = set().union(*(variables(process) for process in SETTINGS)) | {TOKEN_VARIABLE, URLS_VARIABLE}
    assert set(re.findall(r"HEARTH_[A-Z_]*[A-Z]", README)) <= known


def test_every_metric_exists() -> None:
    measured: set[str] = set()
    for module in (telemetry, access, backlog, attempts, fanout):
        for value in vars(module).values():
            name = getattr(value, "_name", None)
            if isinstance(name, str) and name.startswith("hearth_"):
                measured |= {name, f"{name}_total"}
    assert set(re.findall(r"`(hearth_[a-z_]+)`", README)) <= measured


def test_every_file_exists() -> None:
    overlay = KUBERNETES / "overlays"
    for path in re.findall(r"(?:deploy/k8s/)?overlays/[\w./-]+\w", README):
        assert (overlay / path.rpartition("overlays/")[2]).exists(), path
    assert (ROOT / "Dockerfile").exists()


def test_the_sum_of_connections_is_right(prod: list[Document]) -> None:
    # The record of partners' calls has connections of its own, in the gateway's api.
    of_calls = sum(isinstance(part, ledger._Line) for part in vars(ledger.Ledger("")).values())
    for process in PROCESSES:
        total = 0
        for pod in serving(prod):
            if pod.process == process:
                several = pod.owner["spec"]["replicas"] + pod.owner["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
                own = of_calls if pod.name == "gateway-api" else 0
                total += several * (3 * int(environment(prod, pod)["HEARTH_DATABASE_CONNECTIONS"]) + own)
        assert (f"calls: {total}." if process == "gateway" else f"is {total} for each service.") in README


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
