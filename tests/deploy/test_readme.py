"""What the operator's page names is there, and its figures are those of the manifests."""

import re

from tests.deploy.manifests import KUBERNETES, ROOT, SERVICES, Document, environment, examples, of_kind, pods
from tests.deploy.rules import SETTINGS, serving, variables

from chassis import telemetry
from gateway import access
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
    for module in (telemetry, access):
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
    for service in SERVICES:
        processes = [pod for pod in serving(prod) if pod.process == service]
        pools = int(environment(prod, processes[0])["HEARTH_DATABASE_CONNECTIONS"])
        pods_ = sum(
            pod.owner["spec"]["replicas"] + pod.owner["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
            for pod in processes
        )
        assert f"is {pods_ * 3 * pools} for each service" in README


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
