"""What must be true of every build of the manifests. Each rule returns what it finds wrong, in words."""

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

import kubernetes_validate
import kubernetes_validate.utils
from tests.deploy.manifests import (
    COMPONENT,
    NAME,
    PROCESSES,
    Document,
    Pod,
    environment,
    matches,
    named,
    of_kind,
    pods,
    urls,
)

from chassis import bus, db
from chassis.app import ROLES
from chassis.health import CHECK_TIMEOUT_SECONDS, Health, internal_app
from chassis.settings import Settings
from content.settings import ContentSettings
from engagement.settings import EngagementSettings
from gateway.deliveries.dispatch.jobs import FINISH_SECONDS
from gateway.partner_settings import PartnerSettings
from gateway.settings import GatewaySettings
from members.settings import MembersSettings

OLDEST, NEWEST = "1.33", "1.37"
"""The releases of Kubernetes between which the manifests are meant to be applied."""

SETTINGS: dict[str, tuple[type[Settings], ...]] = {
    "members": (MembersSettings,),
    "content": (ContentSettings,),
    "engagement": (EngagementSettings,),
    "gateway": (GatewaySettings, PartnerSettings),
}
"""What each process reads; the gateway reads what the proxy and what its part for partners needs."""

SHARED = {"HEARTH_DELEGATION_SECRET": {"members", "gateway"}}
"""Secrets that some processes have in common, and no other may hold."""

ROLE_OF = {"api": "api", "worker": "worker", "migration": "migrate"}
"""The role that a container is started in, by the component that its pod's label states."""

Rule = Callable[[list[Document]], Iterator[str]]

# The library reads 2 MB of definitions anew for each document.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)


def schemas(documents: list[Document]) -> Iterator[str]:
    for document in documents:
        for version in (OLDEST, NEWEST):
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                where = ".".join(str(step) for step in error.path)
                yield f"{document['kind']} {document['metadata']['name']}: {version}: {where}: {error.message}"


def hardening(documents: list[Document]) -> Iterator[str]:
    for pod in pods(documents):
        expected: dict[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        context = pod.spec.get("securityContext", {})
        if {key: context.get(key) for key in expected} != expected or not context.get("runAsUser"):
            yield f"{pod.name}: the pod may run as root or without seccomp"
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{pod.name}: is handed a service account token"
        if pod.spec.get("enableServiceLinks") is not False:
            yield f"{pod.name}: gets variables of every Service"
        for one in pod.containers:
            inner = one.get("securityContext", {})
            if inner.get("allowPrivilegeEscalation") is not False or inner.get("privileged"):
                yield f"{pod.name}: may gain privileges"
            if inner.get("readOnlyRootFilesystem") is not True:
                yield f"{pod.name}: may write to its image"
            if inner.get("capabilities") != {"drop": ["ALL"]}:
                yield f"{pod.name}: keeps capabilities"


def resources(documents: list[Document]) -> Iterator[str]:
    for pod in pods(documents):
        for one in pod.containers:
            for part in ("requests", "limits"):
                if set(one.get("resources", {}).get(part, {})) != {"cpu", "memory"}:
                    yield f"{pod.name}: does not state its {part} of cpu and memory"


def images(documents: list[Document]) -> Iterator[str]:
    for pod in pods(documents):
        for one in pod.containers:
            name, _, tag = one["image"].partition(":")
            if not tag or tag == "latest":
                yield f"{pod.name}: {one['image']} may be another image tomorrow"
            if pod.ours and name != f"hearth-{pod.process}":
                yield f"{pod.name}: runs {name}"


def roles(documents: list[Document]) -> Iterator[str]:
    for pod in pods(documents):
        if not pod.ours:
            continue
        role = ROLE_OF[pod.labels[COMPONENT]]
        if pod.containers[0].get("args", []) != [role] or role not in ROLES or "command" in pod.containers[0]:
            yield f"{pod.name}: is started with {pod.containers[0].get('args')}"


def probes(documents: list[Document]) -> Iterator[str]:
    served = {route.path for route in internal_app(Health({})).routes if hasattr(route, "path")}
    expected = {"startupProbe": "/startupz", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
    for pod in pods(documents):
        if pod.kind == "Job":
            continue
        for one in pod.containers:
            for kind, path in expected.items():
                probe = one.get(kind, {})
                if not probe:
                    yield f"{pod.name}: has no {kind}"
                elif pod.ours and probe.get("httpGet") != {"path": path, "port": "internal"}:
                    yield f"{pod.name}: its {kind} asks {probe.get('httpGet')}"
                elif pod.ours and path not in served:
                    yield f"{pod.name}: nothing answers {path}"
                elif pod.ours and probe.get("timeoutSeconds", 1) <= CHECK_TIMEOUT_SECONDS:
                    yield f"{pod.name}: its {kind} gives up before the process's own checks do"


def grace(documents: list[Document]) -> Iterator[str]:
    for pod in pods(documents):
        if not pod.serving:
            continue
        one = pod.containers[0]
        pause = one.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if "http" in pod.ports and not pause:
            yield f"{pod.name}: refuses connections while its Service still sends them"
        needed = (
            pause
            + int(environment(documents, pod)["HEARTH_SHUTDOWN_GRACE_SECONDS"])
            + bus.PULL_EXPIRES_SECONDS
            + db.STATEMENT_TIMEOUT_SECONDS
            # Webhooks under way, and then what came of them.
            + (2 * FINISH_SECONDS if pod.process == "gateway" and pod.labels[COMPONENT] == "worker" else 0)
        )
        if pod.spec.get("terminationGracePeriodSeconds", 30) <= needed:
            yield f"{pod.name}: is killed before {needed:.0f} s, which an orderly stop may take"


def ports(documents: list[Document]) -> Iterator[str]:
    for pod in pods(documents):
        if not pod.ours:
            continue
        told = environment(documents, pod)
        expected = {"http": int(told["HEARTH_PORT"])} if pod.labels[COMPONENT] == "api" else {}
        if pod.serving:
            expected["internal"] = int(told["HEARTH_INTERNAL_PORT"])
        if pod.ports != expected:
            yield f"{pod.name}: opens {pod.ports} and listens on {expected}"


def services(documents: list[Document]) -> Iterator[str]:
    for service in of_kind(documents, "Service"):
        name, spec = service["metadata"]["name"], service["spec"]
        behind = [pod for pod in pods(documents) if matches({"matchLabels": spec["selector"]}, pod.labels)]
        if not behind:
            yield f"Service {name}: selects nothing"
        if spec.get("type", "ClusterIP") != "ClusterIP":
            yield f"Service {name}: can be reached past the Ingress"
        for port in spec["ports"]:
            for pod in behind:
                if port["targetPort"] not in pod.ports:
                    yield f"Service {name}: {pod.name} has no port {port['targetPort']}"
        internal = [port for port in spec["ports"] if port["targetPort"] == "internal"]
        if internal and (len(spec["ports"]) > 1 or spec.get("clusterIP") != "None"):
            yield f"Service {name}: opens the internal port beside the public one"


def selectors(documents: list[Document]) -> Iterator[str]:
    chosen: dict[tuple[str, str], str] = {}
    for pod in pods(documents):
        if pod.kind != "Job" and not matches(pod.owner["spec"]["selector"], pod.labels):
            yield f"{pod.name}: does not select its own pods"
        identity = pod.labels[NAME], pod.labels[COMPONENT]
        if identity in chosen:
            yield f"{pod.name}: shares its labels with {chosen[identity]}"
        chosen[identity] = pod.name


def variables(process: str) -> dict[str, Any]:
    """Return the settings of a process by the variable that gives each."""
    return {
        str(field.validation_alias or f"HEARTH_{name.upper()}"): field
        for kind in SETTINGS[process]
        for name, field in kind.model_fields.items()
    }


def needed(process: str) -> set[str]:
    """Return the variables without which a process does not start, or would look for its servers on its own machine."""
    wanted = set()
    for variable, field in variables(process).items():
        default = field.default.get_secret_value() if hasattr(field.default, "get_secret_value") else field.default
        if field.is_required() or "127.0.0.1" in str(default) or default == "development":
            wanted.add(variable)
    return wanted


def settings(documents: list[Document]) -> Iterator[str]:
    known = set().union(*(variables(process) for process in SETTINGS))
    for pod in pods(documents):
        if not pod.ours:
            continue
        told = environment(documents, pod)
        for name in sorted(needed(pod.process) - set(told)):
            yield f"{pod.name}: is not told {name}"
        for name in sorted(set(told) - known):
            if name.startswith("HEARTH_"):
                yield f"{pod.name}: nothing reads {name}"


def addresses(documents: list[Document]) -> Iterator[str]:
    """What a pod is told to call inside the cluster is a Service of the build at a port that it has."""
    open_ports = {
        (service["metadata"]["name"], port["port"])
        for service in of_kind(documents, "Service")
        for port in service["spec"]["ports"]
    }
    in_cluster = {"http"} if not of_kind(documents, "Secret") else {"http", "postgresql", "nats"}
    for pod in pods(documents):
        told = environment(documents, pod)
        for name, host, port in urls(told):
            if told[name].partition(":")[0] in in_cluster and (host, port) not in open_ports:
                yield f"{pod.name}: {name} leads to {host}:{port}, where no Service is"


def secrets(documents: list[Document]) -> Iterator[str]:
    """Each process holds its own secrets, and the owner's URL is the migration's alone."""
    for pod in pods(documents):
        if not pod.ours:
            continue
        told = environment(documents, pod)
        others = [other for other in PROCESSES if other != pod.process]
        for name in sorted(told):
            if any(
                name.startswith(f"HEARTH_{other.upper()}_") and not name.endswith(f"{other.upper()}_URL")
                for other in others
            ):
                yield f"{pod.name}: holds {name} of another service"
            if pod.process not in SHARED.get(name, {pod.process}):
                yield f"{pod.name}: holds {name}, which is none of its own"
            if name.endswith("_OWNER_DATABASE_URL") and pod.labels[COMPONENT] != "migration":
                yield f"{pod.name}: holds the owner's {name}"
        if pod.labels[COMPONENT] == "migration" and f"HEARTH_{pod.process.upper()}_OWNER_DATABASE_URL" not in told:
            yield f"{pod.name}: cannot migrate without the owner's URL"


def openness(documents: list[Document]) -> Iterator[str]:
    """No secret stands where everybody may read it."""
    name_of_secret = re.compile(r"_(SECRET|TOKEN|PASSWORD|DATABASE_URL|NATS_URL)$")
    password = re.compile(r"//[^/\s]*:[^/\s]*@")
    for pod in pods(documents):
        for one in pod.containers[0].get("env", []):
            yield f"{pod.name}: {one['name']} stands in the manifest; it belongs into a ConfigMap or a Secret"
    for configuration in of_kind(documents, "ConfigMap"):
        for name, value in configuration["data"].items():
            if name_of_secret.search(name) or password.search(value):
                yield f"ConfigMap {configuration['metadata']['name']}: {name} is a secret"


def replicas(documents: list[Document]) -> Iterator[str]:
    """Production survives the loss of a node and the emptying of another."""
    budgets = of_kind(documents, "PodDisruptionBudget")
    for pod in pods(documents):
        if not pod.serving:
            continue
        count = pod.owner["spec"]["replicas"]
        if count < 2:
            yield f"{pod.name}: runs once"
        mine = [one["spec"] for one in budgets if matches(one["spec"]["selector"], pod.labels)]
        if len(mine) != 1 or mine[0].get("maxUnavailable") != 1:
            yield f"{pod.name}: has no budget of its own that lets one pod go"
        spread = {one["topologyKey"] for one in pod.spec.get("topologySpreadConstraints", [])}
        if spread != {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}:
            yield f"{pod.name}: may stand on one node or in one zone"
        if pod.owner["spec"]["strategy"]["rollingUpdate"] != {"maxSurge": 1, "maxUnavailable": 0}:
            yield f"{pod.name}: is replaced with a gap"


def entrance(documents: list[Document]) -> Iterator[str]:
    """The gateway's public port is the one way in, by TLS."""
    for ingress in of_kind(documents, "Ingress"):
        hosts = {host for entry in ingress["spec"].get("tls", []) for host in entry["hosts"]}
        for rule in ingress["spec"]["rules"]:
            if rule["host"] not in hosts:
                yield f"Ingress: {rule['host']} has no TLS"
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                if backend["name"] != "gateway" or backend["port"] != {"name": "http"}:
                    yield f"Ingress: leads to {backend}"
                target = named(documents, "Service", backend["name"])["spec"]["ports"]
                if backend["port"].get("name") not in {port["name"] for port in target}:
                    yield f"Ingress: {backend['name']} has no such port"


EVERYWHERE: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        schemas,
        hardening,
        resources,
        images,
        roles,
        probes,
        grace,
        ports,
        services,
        selectors,
        settings,
        addresses,
        secrets,
        openness,
        entrance,
    )
}
IN_PRODUCTION: dict[str, Rule] = {"replicas": replicas}


def serving(documents: list[Document]) -> list[Pod]:
    return [pod for pod in pods(documents) if pod.serving]
