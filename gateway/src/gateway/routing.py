"""The one route table: which service answers which path. Methods are the service's matter; who needs no token is the gateway's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

PARAMETER = "{}"
REST = "**"

# What two readers of one path could take for different paths: empty and dot segments, encoded or not, backslashes, encoded slashes and
# control characters, and a percent sign that encodes nothing. Whatever is left splits into the same segments before and after decoding.
AMBIGUOUS = re.compile(
    rb"//|\\|[\x00-\x20\x7f-\xff]|%(?![0-9A-Fa-f]{2})|%2[Ff]|%5[Cc]|%[01][0-9A-Fa-f]|%7[Ff]|/(?:\.|%2[Ee]){1,2}(?:/|$)"
)


class Access(Enum):
    """What the gateway asks of a caller; the service decides the rest."""

    TOKEN = "token"  # noqa: S105  the name of a rule
    """A valid access token."""
    OPTIONAL = "optional"
    """None, or a valid access token."""
    OPEN = "open"
    """Nothing: the route has credentials of its own or none, and its Authorization header is not looked at."""


@dataclass(frozen=True)
class Route:
    """One row: a path pattern (`{}` is one segment, a final `**` any number), the service behind it and what is special about it."""

    pattern: str
    service: str
    access: dict[str, Access] = field(default_factory=dict)
    imports: bool = False
    composed: bool = False
    credentials: bool = False

    @property
    def segments(self) -> tuple[str, ...]:
        """The pattern's segments."""
        return tuple(self.pattern.strip("/").split("/"))


def _open(method: str, access: Access = Access.OPEN) -> dict[str, Access]:
    return {method: access}


TABLE: tuple[Route, ...] = (
    # Put together by the gateway itself, from what each service knows.
    Route("/v1/communities/{}/members/{}/page", "gateway", composed=True),
    Route("/v1/communities/{}/members/{}/file", "members"),
    Route("/v1/communities/{}/members/{}/contributions", "content"),
    Route("/v1/communities/{}/members/{}/presence", "engagement"),
    Route("/v1/communities/{}/members/{}/orders", "engagement"),
    Route("/v1/communities/{}/card/page", "gateway", composed=True),
    Route("/v1/communities/{}/groups/{}/card/page", "gateway", composed=True),
    Route("/v1/communities/{}/programme", "content"),
    Route("/v1/communities/{}/groups/{}/programme", "content"),
    Route("/v1/event-types", "gateway"),
    # Imports come in batches or as files; they alone may be large.
    Route("/v1/communities/{}/memberships/imports", "members", imports=True),
    Route("/v1/communities/{}/member-files", "members", imports=True),
    Route("/v1/communities/{}/posts/imports", "content", imports=True),
    Route("/v1/communities/{}/comments/imports", "content", imports=True),
    Route("/v1/communities/{}/reactions/imports", "content", imports=True),
    # members: who belongs.
    Route("/.well-known/jwks.json", "members", _open("GET")),
    Route("/v1/organizations", "members", _open("POST", Access.OPTIONAL), credentials=True),
    Route("/v1/organizations/{}", "members"),
    Route("/v1/accounts", "members", _open("POST", Access.OPTIONAL), credentials=True),
    Route("/v1/accounts/**", "members"),
    Route("/v1/me/**", "members"),
    Route("/v1/invitations/claim", "members", _open("POST", Access.OPTIONAL), credentials=True),
    Route("/v1/sessions", "members", _open("POST"), credentials=True),
    Route("/v1/sessions/refresh", "members", _open("POST"), credentials=True),
    Route("/v1/sessions/current", "members"),
    Route("/v1/oauth/token", "members", _open("POST"), credentials=True),
    Route("/v1/clients/**", "members"),
    Route("/v1/contacts/**", "members"),
    Route("/v1/communities", "members"),
    Route("/v1/communities/{}", "members"),
    Route("/v1/communities/{}/open", "members"),
    Route("/v1/communities/{}/pause", "members"),
    Route("/v1/communities/{}/archive", "members"),
    Route("/v1/communities/{}/charter/**", "members"),
    Route("/v1/communities/{}/goals/**", "members"),
    Route("/v1/communities/{}/readiness", "members"),
    Route("/v1/communities/{}/memberships/**", "members"),
    Route("/v1/communities/{}/member-files/**", "members"),
    Route("/v1/communities/{}/groups/**", "members"),
    Route("/v1/communities/{}/card/**", "members"),
    Route("/v1/community-templates/**", "members"),
    Route("/v1/group-templates/**", "members"),
    Route("/v1/communities/{}/tags/**", "members"),
    Route("/v1/communities/{}/segments/**", "members"),
    Route("/v1/communities/{}/exports/**", "members"),
    Route("/v1/exports/**", "members"),
    Route("/v1/communities/{}/form", "members"),
    Route("/v1/communities/{}/forms/**", "members"),
    Route("/v1/communities/{}/screening-policy", "members"),
    Route("/v1/communities/{}/screening-policies/**", "members"),
    Route("/v1/communities/{}/personas/**", "members"),
    Route("/v1/communities/{}/applications/**", "members"),
    Route("/v1/communities/{}/entry-links/**", "members"),
    Route("/v1/entry-links/{}", "members", _open("GET")),
    Route("/v1/communities/{}/tier-standards/**", "members"),
    Route("/v1/communities/{}/tiers/**", "members"),
    Route("/v1/communities/{}/membership-standard/**", "members"),
    Route("/v1/communities/{}/silence-notices/**", "members"),
    # content: what is said.
    Route("/v1/communities/{}/posts/**", "content"),
    Route("/v1/communities/{}/comments/**", "content"),
    Route("/v1/communities/{}/feed", "content"),
    Route("/v1/communities/{}/unread", "content"),
    Route("/v1/communities/{}/reads/**", "content"),
    Route("/v1/communities/{}/bookmarks", "content"),
    Route("/v1/communities/{}/mentions", "content"),
    Route("/v1/communities/{}/search", "content"),
    Route("/v1/communities/{}/themes/**", "content"),
    Route("/v1/communities/{}/items/**", "content"),
    Route("/v1/communities/{}/slots/**", "content"),
    Route("/v1/communities/{}/occurrences/**", "content"),
    Route("/v1/communities/{}/calendar/**", "content"),
    Route("/v1/communities/{}/deliveries/**", "content"),
    Route("/v1/communities/{}/punctuality", "content"),
    Route("/v1/communities/{}/worth/**", "content"),
    Route("/v1/communities/{}/detectors/**", "content"),
    Route("/v1/communities/{}/detections", "content"),
    Route("/v1/communities/{}/holds/**", "content"),
    Route("/v1/communities/{}/moderation-policy", "content"),
    Route("/v1/checks/**", "content"),
    Route("/v1/communities/{}/publication-log/**", "content"),
    Route("/v1/calendar/**", "content"),
    Route("/v1/communities/{}/writing-policy", "content"),
    Route("/v1/brand-personas/**", "content"),
    Route("/v1/media/**", "content"),
    # Parts of files; and the bytes at an address that is signed itself.
    Route("/v1/media/{}/content", "content", imports=True),
    Route("/v1/media/{}/content/{}", "content", _open("GET")),
    # The gateway's own: what partners are told.
    Route("/v1/endpoints/**", "gateway"),
    Route("/v1/inbound/{}", "gateway", _open("POST")),
    Route("/v1/sources/**", "gateway"),
    Route("/v1/orders/**", "gateway"),
    Route("/v1/clients/{}/calls", "gateway"),
    # engagement: what is done and what it brings back.
    Route("/v1/communities/{}/pulse/**", "engagement"),
    Route("/v1/communities/{}/orders/**", "engagement"),
)


@dataclass
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    rest: Route | None = None
    route: Route | None = None


class Router:
    """The table as a tree: a literal segment is preferred to a parameter, and both to the rest."""

    def __init__(self, table: Iterable[Route] = TABLE) -> None:
        self.table: tuple[Route, ...] = tuple(table)
        self._root = _Node()
        for route in self.table:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        segments = route.segments
        for position, segment in enumerate(segments):
            if segment == REST:
                if position != len(segments) - 1:
                    raise ValueError(f"{REST} stands last: {route.pattern}")
                if node.rest is not None:
                    raise ValueError(f"two rows for {route.pattern}")
                node.rest = route
                return
            if segment == PARAMETER:
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
        if node.route is not None:
            raise ValueError(f"two rows for {route.pattern}")
        node.route = route

    def match(self, path: str) -> Route | None:
        """Return the row for a decoded path, or None. The path must have passed AMBIGUOUS while it was raw."""
        return _find(self._root, path.split("/"), 1) if path.startswith("/") else None


def _find(node: _Node, segments: Sequence[str], position: int) -> Route | None:
    if position == len(segments):
        return node.route or node.rest
    segment = segments[position]
    literal = node.literals.get(segment)
    if literal is not None:
        found = _find(literal, segments, position + 1)
        if found is not None:
            return found
    if segment:
        if node.parameter is not None:
            found = _find(node.parameter, segments, position + 1)
            if found is not None:
                return found
        if "" not in segments[position:]:
            return node.rest
    return None
