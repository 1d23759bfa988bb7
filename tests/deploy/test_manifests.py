"""Both overlays keep every rule, and each rule is shown to find a planted violation."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.deploy import rules
from tests.deploy.manifests import (
    COMPONENT,
    EXAMPLES,
    KUBERNETES,
    PROCESSES,
    ROOT,
    Document,
    container,
    environment,
    examples,
    kustomize,
    named,
    of_kind,
    planted,
    pods,
)

from chassis import migrations
from chassis.settings import ServiceSettings

DEPLOYMENTS = {f"{process}-{role}" for process in PROCESSES for role in ("api", "worker")}


def configuration(documents: list[Document], name: str = "hearth") -> dict[str, str]:
    (found,) = (
        one["data"] for one in of_kind(documents, "ConfigMap") if one["metadata"]["name"].rpartition("-")[0] == name
    )
    values: dict[str, str] = found
    return values


def deployed(documents: list[Document], name: str = "content-api") -> Document:
    spec: Document = named(documents, "Deployment", name)["spec"]
    return spec


def pod_of(documents: list[Document], name: str = "content-api") -> Document:
    spec: Document = deployed(documents, name)["template"]["spec"]
    return spec


def running(documents: list[Document], name: str = "content-api") -> Document:
    return container(documents, "Deployment", name)


def service(documents: list[Document], name: str) -> Document:
    spec: Document = named(documents, "Service", name)["spec"]
    return spec


PLANTED: dict[str, tuple[str, Callable[[list[Document]], object]]] = {
    "a misspelt field": ("schemas", lambda all_: pod_of(all_).update(automountServiceAcountToken=False)),
    "a number as text": ("schemas", lambda all_: deployed(all_).update(replicas="2")),
    "a kind of an old release": ("schemas", lambda all_: named(all_, "Ingress", "gateway")["spec"].update(backend={})),
    "root": ("hardening", lambda all_: pod_of(all_)["securityContext"].update(runAsNonRoot=False)),
    "no seccomp": ("hardening", lambda all_: pod_of(all_)["securityContext"].pop("seccompProfile")),
    "a token": ("hardening", lambda all_: pod_of(all_).pop("automountServiceAccountToken")),
    "service links": ("hardening", lambda all_: pod_of(all_).pop("enableServiceLinks")),
    "a writable image": ("hardening", lambda all_: running(all_)["securityContext"].pop("readOnlyRootFilesystem")),
    "a capability": (
        "hardening",
        lambda all_: running(all_)["securityContext"]["capabilities"].update(add=["NET_RAW"]),
    ),
    "a privileged helper": ("hardening", lambda all_: pod_of(all_).update(initContainers=[{"name": "helper"}])),
    "no limit": ("resources", lambda all_: running(all_)["resources"].pop("limits")),
    "no tag": ("images", lambda all_: running(all_).update(image="hearth-content")),
    "a moving tag": ("images", lambda all_: running(all_).update(image="hearth-content:latest")),
    "another's image": ("images", lambda all_: running(all_).update(image="hearth-members:0.1.0")),
    "another role": ("roles", lambda all_: running(all_).update(args=["all"])),
    "a gateway that does everything": ("roles", lambda all_: running(all_, "gateway-api").pop("args")),
    "no readiness": ("probes", lambda all_: running(all_).pop("readinessProbe")),
    "liveness by the database": (
        "probes",
        lambda all_: running(all_)["livenessProbe"]["httpGet"].update(path="/readyz"),
    ),
    "a probe of the public port": (
        "probes",
        lambda all_: running(all_)["livenessProbe"]["httpGet"].update(port="http"),
    ),
    "an impatient probe": ("probes", lambda all_: running(all_)["readinessProbe"].update(timeoutSeconds=1)),
    "an early kill": ("grace", lambda all_: pod_of(all_).update(terminationGracePeriodSeconds=30)),
    "a longer grace inside": ("grace", lambda all_: configuration(all_).update(HEARTH_SHUTDOWN_GRACE_SECONDS="45")),
    "no pause": ("grace", lambda all_: running(all_).pop("lifecycle")),
    "a worker that is killed amid its webhooks": (
        "grace",
        lambda all_: pod_of(all_, "gateway-worker").update(terminationGracePeriodSeconds=40),
    ),
    "another port": ("ports", lambda all_: configuration(all_).update(HEARTH_PORT="8000")),
    "a worker with a public port": (
        "ports",
        lambda all_: running(all_, "content-worker")["ports"].append({"name": "http", "containerPort": 8080}),
    ),
    "a Service of nothing": ("services", lambda all_: service(all_, "content")["selector"].update(a="b")),
    "a Service with workers": ("services", lambda all_: service(all_, "content")["selector"].pop(COMPONENT)),
    "a node port": ("services", lambda all_: service(all_, "gateway").update(type="NodePort")),
    "a published internal port": (
        "services",
        lambda all_: service(all_, "gateway")["ports"].append({"name": "i", "port": 90, "targetPort": "internal"}),
    ),
    "twins": (
        "selectors",
        lambda all_: deployed(all_, "content-worker")["template"]["metadata"]["labels"].update({COMPONENT: "api"}),
    ),
    "a missing setting": ("settings", lambda all_: configuration(all_).pop("HEARTH_JWKS_URL")),
    "a missing secret": ("settings", lambda all_: running(all_)["envFrom"].pop()),
    "a gateway without partners": ("settings", lambda all_: running(all_, "gateway-api")["envFrom"].pop()),
    "a worker that finds no members": (
        "settings",
        lambda all_: configuration(all_, "hearth-gateway").pop("HEARTH_MEMBERS_URL"),
    ),
    "a misspelt setting": ("settings", lambda all_: configuration(all_).update(HEARTH_LOGLEVEL="INFO")),
    "a wrong address": (
        "addresses",
        lambda all_: configuration(all_, "hearth-gateway").update(HEARTH_CONTENT_URL="http://contents"),
    ),
    "a wrong port": ("addresses", lambda all_: configuration(all_).update(HEARTH_JWKS_URL="http://gateway:8080/")),
    "the owner's URL": (
        "secrets",
        lambda all_: running(all_)["envFrom"].append({"secretRef": {"name": "hearth-content-owner"}}),
    ),
    "another's secrets": (
        "secrets",
        lambda all_: running(all_)["envFrom"].append({"secretRef": {"name": "hearth-members"}}),
    ),
    "the gateway's vault elsewhere": (
        "secrets",
        lambda all_: running(all_, "members-api")["envFrom"].append({"secretRef": {"name": "hearth-gateway"}}),
    ),
    "a shared secret elsewhere": (
        "secrets",
        lambda all_: configuration(all_, "hearth-content").update(HEARTH_DELEGATION_SECRET="x"),
    ),
    "the gateway's owner in its worker": (
        "secrets",
        lambda all_: running(all_, "gateway-worker")["envFrom"].append({"secretRef": {"name": "hearth-gateway-owner"}}),
    ),
    "a migration without its URL": (
        "secrets",
        lambda all_: container(all_, "Job", "content-migrate")["envFrom"].pop(),
    ),
    "a secret in the open": ("openness", lambda all_: configuration(all_).update(HEARTH_OPS_TOKEN="x")),
    "a password in the open": (
        "openness",
        lambda all_: configuration(all_).update(HEARTH_OTLP_ENDPOINT="http://u:p@x"),
    ),
    "a value in a manifest": ("openness", lambda all_: running(all_).update(env=[{"name": "A", "value": "b"}])),
    "an Ingress to a service": (
        "entrance",
        lambda all_: named(all_, "Ingress", "gateway")["spec"]["rules"][0]["http"]["paths"][0]["backend"].update(
            service={"name": "content", "port": {"name": "http"}}
        ),
    ),
    "an Ingress without TLS": ("entrance", lambda all_: named(all_, "Ingress", "gateway")["spec"].pop("tls")),
    "a single gateway": ("replicas", lambda all_: deployed(all_, "gateway-api").update(replicas=1)),
    "no budget": (
        "replicas",
        lambda all_: all_.remove(named(all_, "PodDisruptionBudget", "gateway-worker")),
    ),
    "no spread": ("replicas", lambda all_: pod_of(all_).pop("topologySpreadConstraints")),
    "a gap": ("replicas", lambda all_: deployed(all_)["strategy"]["rollingUpdate"].update(maxUnavailable=1)),
}


@pytest.mark.parametrize("rule", rules.EVERYWHERE)
def test_an_overlay_keeps_the_rule(overlay: list[Document], rule: str) -> None:
    assert list(rules.EVERYWHERE[rule](overlay)) == []


@pytest.mark.parametrize("rule", rules.IN_PRODUCTION)
def test_production_keeps_the_rule(prod: list[Document], rule: str) -> None:
    assert list(rules.IN_PRODUCTION[rule](prod)) == []


@pytest.mark.parametrize("violation", PLANTED)
def test_a_planted_violation_is_found(prod: list[Document], violation: str) -> None:
    name, plant = PLANTED[violation]
    documents = planted(prod)
    plant(documents)
    rule = (rules.EVERYWHERE | rules.IN_PRODUCTION)[name]
    assert list(rule(documents)), f"{name} does not see {violation}"


def test_every_rule_has_its_planted_violation() -> None:
    assert {name for name, _ in PLANTED.values()} == set(rules.EVERYWHERE | rules.IN_PRODUCTION)


def test_the_processes_are_those_of_the_design(overlay: list[Document]) -> None:
    assert {pod.name for pod in rules.serving(overlay)} == DEPLOYMENTS
    assert {pod.name for pod in pods(overlay) if pod.kind == "Job"} == {f"{process}-migrate" for process in PROCESSES}


def test_a_process_starts_with_what_it_is_told(overlay: list[Document], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("HEARTH_")]:
        monkeypatch.delenv(name)
    for pod in (pod for pod in pods(overlay) if pod.ours):
        told = {
            name: value.replace("<", "k" * 40).replace(">", "") for name, value in environment(overlay, pod).items()
        }
        with monkeypatch.context() as inside:
            for name, value in (told | {"HEARTH_ENV": "production"}).items():
                inside.setenv(name, value)
            all_of_it = [kind() for kind in rules.SETTINGS[pod.process]]
        for settings in all_of_it:
            assert settings.host == "0.0.0.0"
        (of_database,) = (settings for settings in all_of_it if isinstance(settings, ServiceSettings))
        assert (of_database.owner_database_url is not None) == (pod.kind == "Job")


def test_a_migration_knows_three_roles(overlay: list[Document]) -> None:
    for service_ in PROCESSES:
        (job,) = (pod for pod in pods(overlay) if pod.name == f"{service_}-migrate")
        told = environment(overlay, job)
        prefix = f"HEARTH_{service_.upper()}"
        roles = migrations.roles_of(
            told[f"{prefix}_OWNER_DATABASE_URL"], told[f"{prefix}_DATABASE_URL"], told[f"{prefix}_WORKER_DATABASE_URL"]
        )
        assert (roles.owner, roles.application, roles.worker) == tuple(
            f"{service_}_{role}" for role in ("owner", "app", "worker")
        )
        assert told["HEARTH_NATS_URL"].startswith(f"nats://{service_}:")


def test_production_is_production_and_makes_no_secret(prod: list[Document]) -> None:
    assert configuration(prod)["HEARTH_ENV"] == "production"
    assert of_kind(prod, "Secret") == []
    named_there = {
        source["secretRef"]["name"]
        for pod in pods(prod)
        for source in pod.containers[0]["envFrom"]
        if "secretRef" in source
    }
    # The README makes them by the same examples, whose other two are for the servers of the try-out cluster.
    assert named_there == set(examples()) - {"postgres", "nats"}


def test_no_secret_is_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "deploy"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not [path for path in listed if path.endswith((".env", ".pem", ".key"))]
    for path in [*KUBERNETES.rglob("*.yaml")]:
        for document in yaml.safe_load_all(path.read_text()):
            assert document["kind"] != "Secret", path
    for name, values in examples().items():
        for variable, value in values.items():
            hidden = value.partition("://")[2].partition("@")[0].partition(":")[2] if "://" in value else value
            assert hidden[0] + hidden[-1] == "<>", f"{name}: {variable} has a value in its example"


def test_git_ignores_the_filled_in_secrets() -> None:
    for example in EXAMPLES.glob("*.env.example"):
        ignored = subprocess.run(["git", "check-ignore", "-q", example.with_suffix("")], cwd=ROOT, check=False)
        assert ignored.returncode == 0, example


def test_filled_in_secrets_are_random_private_and_kept(folder: Path) -> None:
    filled = sorted((folder / "overlays/dev/secrets").glob("*.env"))
    assert len(filled) == len(examples())
    before = {path: path.read_text() for path in filled}
    assert not [path for path in filled if "<" in before[path] or path.stat().st_mode & 0o077]
    again = subprocess.run([folder / "overlays/dev/make-secrets"], capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "already" in again.stderr
    assert {path: path.read_text() for path in filled} == before


def test_secrets_for_production_go_where_one_says(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "secrets"
    subprocess.run([folder / "overlays/dev/make-secrets", target], check=True)
    assert {path.name.removesuffix(".env") for path in target.iterdir()} == set(examples())
    # What is filled in for one server is known to the other.
    passwords = set((target / "postgres.env").read_text().splitlines())
    (owner,) = (line for line in (target / "hearth-content-owner.env").read_text().splitlines() if line[0] != "#")
    hidden = owner.partition("content_owner:")[2].partition("@")[0]
    assert f"CONTENT_OWNER_PASSWORD={hidden}" in passwords


def test_a_changed_setting_rolls_the_pods(folder: Path, prod: list[Document], tmp_path: Path) -> None:
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    literal = {"name": "hearth", "namespace": "hearth", "behavior": "merge", "literals": ["HEARTH_LOG_LEVEL=DEBUG"]}
    relative = os.path.relpath(folder / "overlays" / "prod", overlay)
    (overlay / "kustomization.yaml").write_text(
        yaml.safe_dump({"resources": [relative], "configMapGenerator": [literal]})
    )
    changed = kustomize(overlay)
    for name in DEPLOYMENTS:
        before, after = (running(documents, name)["envFrom"][0]["configMapRef"] for documents in (prod, changed))
        assert before != after
