"""What NetworkPolicies let through, as a cluster's network would read them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from tests.deploy.manifests import COMPONENT, NAME, Document, matches, named, of_kind

NAMESPACE = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class End:
    """One end of a connection: a pod by its namespace and labels, or something outside the cluster. Pods have private addresses."""

    namespace: str | None
    labels: Mapping[str, str] = field(default_factory=dict)
    address: str = "10.42.0.7"


OUTSIDE = End(None, address="1.1.1.1")


def pod(process: str, component: str) -> End:
    name = f"{process}-migrate" if component == "migration" else process
    return End("hearth", {NAME: name, COMPONENT: component, "app.kubernetes.io/part-of": "hearth"})


def allowed(documents: list[Document], source: End, target: End, port: int, protocol: str = "TCP") -> bool:
    """Whether a connection is let out at its source and in at its target."""
    return _passes(documents, "egress", source, target, port, protocol) and _passes(
        documents, "ingress", target, source, port, protocol
    )


def _passes(documents: list[Document], direction: str, here: End, there: End, port: int, protocol: str) -> bool:
    policies = [
        one["spec"]
        for one in of_kind(documents, "NetworkPolicy")
        if one["metadata"]["namespace"] == here.namespace
        and direction.capitalize() in one["spec"]["policyTypes"]
        and matches(one["spec"]["podSelector"], here.labels)
    ]
    if not policies:
        return True  # a pod that no policy selects is open
    return any(
        _peer(documents, here, rule.get("from" if direction == "ingress" else "to"), there)
        and _port(rule.get("ports"), port, protocol)
        for policy in policies
        for rule in policy.get(direction, [])
    )


def _peer(documents: list[Document], here: End, peers: list[Document] | None, there: End) -> bool:
    if peers is None:
        return True
    if any(_block(peer["ipBlock"], there) for peer in peers if "ipBlock" in peer):
        return True
    return there.namespace is not None and any(
        "ipBlock" not in peer
        and (
            matches(peer["namespaceSelector"], _namespace_labels(documents, there.namespace))
            if "namespaceSelector" in peer
            else there.namespace == here.namespace
        )
        and ("podSelector" not in peer or matches(peer["podSelector"], there.labels))
        for peer in peers
    )


def _block(block: Document, there: End) -> bool:
    address = ip_address(there.address)
    return address in ip_network(block["cidr"]) and not any(
        address in ip_network(network) for network in block.get("except", [])
    )


def _namespace_labels(documents: list[Document], namespace: str) -> dict[str, str]:
    labels = named(documents, "Namespace", namespace)["metadata"].get("labels", {}) if namespace == "hearth" else {}
    return {**labels, NAMESPACE: namespace}


def _port(ports: list[Document] | None, port: int, protocol: str) -> bool:
    return ports is None or any(
        one.get("protocol", "TCP") == protocol and one["port"] <= port <= one.get("endPort", one["port"])
        for one in ports
    )
