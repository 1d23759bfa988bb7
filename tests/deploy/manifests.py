"""The manifests as kustomize builds them, and what one reads from them."""

import base64
import copy
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "k8s"
EXAMPLES = KUBERNETES / "overlays" / "dev" / "secrets"
SERVICES = ("members", "content", "engagement")
PROCESSES = (*SERVICES, "gateway")
"""What runs as api, worker and migration, each with a database of its own."""

NAME = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"

Document = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod as a Deployment, a Job or a StatefulSet makes it."""

    kind: str
    name: str
    owner: Document
    template: Document

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.template["metadata"]["labels"])

    @property
    def spec(self) -> Document:
        return dict(self.template["spec"])

    @property
    def containers(self) -> list[Document]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def ours(self) -> bool:
        """Whether it runs Hearth, and not a server that the try-out cluster has beside it."""
        return bool(self.labels.get("app.kubernetes.io/part-of") == "hearth")

    @property
    def serving(self) -> bool:
        return self.ours and self.kind == "Deployment"

    @property
    def process(self) -> str:
        """Return members, content, engagement or gateway."""
        return self.labels[NAME].removesuffix("-migrate")

    @property
    def ports(self) -> dict[str, int]:
        return {port["name"]: port["containerPort"] for one in self.containers for port in one.get("ports", [])}


def kustomize(folder: Path) -> list[Document]:
    """Build a kustomization. Skips the test where kubectl is missing."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not there to build the manifests")
    built = subprocess.run(
        [kubectl, "kustomize", str(folder)],
        env={"PATH": os.defpath, "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return [document for document in yaml.safe_load_all(built.stdout) if document]


def copy_of(target: Path) -> Path:
    """Copy deploy/k8s as it is committed, with the try-out cluster's secrets filled in; return the copy."""
    folder = shutil.copytree(KUBERNETES, target / "k8s", ignore=shutil.ignore_patterns("*.env"))
    subprocess.run([folder / "overlays" / "dev" / "make-secrets"], env={"PATH": os.defpath}, check=True)
    return Path(folder)


def planted(documents: Iterable[Document]) -> list[Document]:
    """Return a copy to plant a violation in."""
    return copy.deepcopy(list(documents))


def of_kind(documents: Iterable[Document], *kinds: str) -> list[Document]:
    return [document for document in documents if document["kind"] in kinds]


def named(documents: Iterable[Document], kind: str, name: str) -> Document:
    found = [one for one in of_kind(documents, kind) if one["metadata"]["name"] == name]
    assert len(found) == 1, f"{kind} {name}: {len(found)}"
    return found[0]


def pods(documents: Iterable[Document]) -> list[Pod]:
    return [
        Pod(one["kind"], one["metadata"]["name"], one, one["spec"]["template"])
        for one in of_kind(documents, "Deployment", "Job", "StatefulSet", "DaemonSet", "CronJob")
    ]


def container(documents: Iterable[Document], kind: str, name: str) -> Document:
    """Return the only container of a workload, to change it."""
    (only,) = named(documents, kind, name)["spec"]["template"]["spec"]["containers"]
    return dict_in_place(only)


def dict_in_place(value: Any) -> Document:
    assert isinstance(value, dict)
    return value


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector of an API object takes these labels; none takes nothing, an empty one everything."""
    if selector is None:
        return False
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions", []):
        value = labels.get(expression["key"])
        match expression["operator"]:
            case "In":
                fits = value in expression["values"]
            case "NotIn":
                fits = value not in expression["values"]
            case "Exists":
                fits = value is not None
            case "DoesNotExist":
                fits = value is None
            case _:
                raise ValueError(expression["operator"])
        if not fits:
            return False
    return True


def examples() -> dict[str, dict[str, str]]:
    """Return what each Secret holds, by the committed examples: name, then variable, then the value with its placeholders."""
    return {
        path.name.removesuffix(".env.example"): dict(
            line.split("=", 1) for line in path.read_text().splitlines() if line and not line.startswith("#")
        )
        for path in sorted(EXAMPLES.glob("*.env.example"))
    }


def environment(documents: Iterable[Document], pod: Pod) -> dict[str, str]:
    """Return what a pod's container is told, the Secrets that are not in the build by their examples."""
    documents = list(documents)
    told: dict[str, str] = {}
    (only,) = pod.containers
    for source in only.get("envFrom", []):
        if "configMapRef" in source:
            told |= named(documents, "ConfigMap", source["configMapRef"]["name"])["data"]
            continue
        name = source["secretRef"]["name"]
        built = [one for one in of_kind(documents, "Secret") if one["metadata"]["name"] == name]
        if built:
            told |= {key: base64.b64decode(value).decode() for key, value in built[0]["data"].items()}
        else:
            told |= examples()[name]
    return told | {one["name"]: one["value"] for one in only.get("env", [])}


def urls(told: Mapping[str, str]) -> Iterator[tuple[str, str, int]]:
    """Yield the variable, host and port of each URL of a server that a pod is told to use."""
    standard = {"http": 80, "https": 443, "postgresql": 5432, "nats": 4222}
    for name, value in told.items():
        if name.endswith("_URL") and "://" in value and name != "HEARTH_PUBLIC_URL":
            parts = urlsplit(value)
            yield name, parts.hostname or "", parts.port or standard[parts.scheme]
