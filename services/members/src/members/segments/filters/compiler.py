"""Filters as SQL: one statement, in which everything that a filter says is a bound parameter.

A condition is true of those it means, and false or null of all others; only `NOT` needs to tell null from false, and
says `IS NOT TRUE`. Figures in windows come by joins on people grouped once, so that no plan goes over people times days;
where all must match, those who do too little are left out while they are grouped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from members.segments.filters.evaluation import Moment
from members.segments.filters.fields import Kind
from members.segments.filters.policy import (
    Bucket,
    Count,
    Either,
    Every,
    Figure,
    Filters,
    InSegment,
    Is,
    NeverActive,
    Node,
    Not,
    OneOf,
    When,
    Within,
    compare,
    names,
)

_GROUPED = {
    Figure.ACTIVE_DAYS: "count(*)",
    Figure.POSTS: "sum(posts)",
    Figure.COMMENTS: "sum(comments)",
    Figure.REACTIONS: "sum(reactions)",
    Figure.REACTIONS_FROM_DISTINCT: "count(DISTINCT from_account_id)",
}


@dataclass
class Compiled:
    """Conditions over one row of `membership` each, the joins that they share, and the values that are bound."""

    conditions: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    account: bool = False
    facts: bool = False
    days: dict[int, set[Figure]] = field(default_factory=dict)
    received: set[int | None] = field(default_factory=set)

    @property
    def windows(self) -> bool:
        """Whether people are grouped."""
        return bool(self.days or self.received) or any(_ONLY in condition for condition in self.conditions)

    def where(self, *, only: str = "") -> str:
        """Return the condition of the only filter; `only` as in `source`."""
        [condition] = self.conditions
        return condition.replace(_ONLY, only)

    def source(self, *, members: str = "membership", only: str = "") -> str:
        """Return FROM and its joins. `members` is the relation of members; `only` narrows what is grouped (`AND account_id …`)."""
        lines = [f"FROM {members} AS membership"]
        if self.account:
            lines.append("JOIN account ON account.id = membership.account_id")
        if self.facts:
            lines.append(
                "LEFT JOIN member_facts AS facts ON facts.community_id = membership.community_id "
                "AND facts.account_id = membership.account_id"
            )
        for window, figures in sorted(self.days.items()):
            columns = ", ".join(f"{_GROUPED[figure]} AS {figure.value}" for figure in sorted(figures))
            lines.append(
                f"LEFT JOIN (SELECT account_id, {columns} FROM member_day WHERE community_id = :community_id "
                f"AND day > CAST(:since_{window} AS date) {only} GROUP BY account_id) AS days_{window} "
                f"ON days_{window}.account_id = membership.account_id"
            )
        for reach in sorted(self.received, key=lambda one: one or 0):
            since = "" if reach is None else f"AND day > CAST(:since_{reach} AS date)"
            lines.append(
                "LEFT JOIN (SELECT account_id, count(DISTINCT from_account_id) AS people FROM reaction_received "
                f"WHERE community_id = :community_id {since} {only} GROUP BY account_id) AS received_{reach or 'ever'} "
                f"ON received_{reach or 'ever'}.account_id = membership.account_id"
            )
        return "\n".join(lines)


_ONLY = "/*only*/"

BELONGS = "membership.community_id = :community_id AND membership.state = 'approved'"
"""Only approved members are in segments."""


def compile_filters(nodes: Sequence[Node], filters: Filters, moment: Moment, community_id: UUID) -> Compiled:
    """Compile filters that are asked together, one condition each."""
    compiler = _Compiler(filters, moment)
    compiler.out.parameters["community_id"] = community_id
    # Several filters share their joins; one alone lets the grouping leave people out.
    compiler.out.conditions = [compiler.guarded(node, required=len(nodes) == 1) for node in nodes]
    return compiler.out


class _Compiler:
    def __init__(self, filters: Filters, moment: Moment) -> None:
        self.filters = filters
        self.moment = moment
        self.out = Compiled()

    def bind(self, value: Any, kind: str) -> str:  # noqa: ANN401  any bound value
        name = f"p{len(self.out.parameters)}"
        self.out.parameters[name] = value
        return f"CAST(:{name} AS {kind})"

    def guarded(self, node: Node, *, required: bool = False) -> str:
        """Return the condition of a whole filter: staff and bots only when it names them."""
        named = names(node, self.filters)
        guards = [f"NOT membership.{flag}" for flag in ("staff", "bot") if flag not in named]
        return "(" + " AND ".join([*guards, self.required(node) if required else self.condition(node)]) + ")"

    def required(self, node: Node) -> str:
        """Return the condition of a node without which nobody matches."""
        match node:
            case Every(parts):
                counts = [part for part in parts if isinstance(part, Count) and self.leaves_out(part)]
                grouped: dict[tuple[bool, int], list[Count]] = {}
                for one in counts:
                    key = (one.figure is Figure.REACTIONS_FROM_DISTINCT, one.window or 0)
                    grouped.setdefault(key, []).append(one)
                rest = [self.required(part) for part in parts if part not in counts]
                return "(" + (" AND ".join([*rest, *map(self.having, grouped.values())]) or "true") + ")"
            case InSegment(segment_id):
                return self.guarded(self.filters[segment_id], required=True)
            case Count() if self.leaves_out(node):
                return self.having([node])
            case _:
                return self.condition(node)

    @staticmethod
    def leaves_out(node: Count) -> bool:
        """Whether those who did nothing in a window do not match."""
        return node.figure in _GROUPED and node.window is not None and not compare(0, node.comparison, node.value)

    def having(self, counts: Sequence[Count]) -> str:
        """Return the condition that a member's figures of one window compare so."""
        window = counts[0].window
        tests = " AND ".join(f"{_GROUPED[one.figure]} {_sign(one)} {self.bind(one.value, 'bigint')}" for one in counts)
        table = "reaction_received" if counts[0].figure is Figure.REACTIONS_FROM_DISTINCT else "member_day"
        return (
            f"(membership.account_id IN (SELECT account_id FROM {table} WHERE community_id = :community_id "
            f"AND day > {self.since(window or 0)} {_ONLY} GROUP BY account_id HAVING {tests}))"
        )

    def since(self, window: int) -> str:
        """Bind the last day before a window."""
        self.out.parameters[f"since_{window}"] = self.moment.today - timedelta(days=window)
        return f"CAST(:since_{window} AS date)"

    def condition(self, node: Node) -> str:  # noqa: PLR0911  one per kind of node
        match node:
            case Every(parts):
                return "(" + (" AND ".join(self.condition(part) for part in parts) or "true") + ")"
            case Either(parts):
                return "(" + " OR ".join(self.condition(part) for part in parts) + ")"
            case Not(part):
                return f"({self.condition(part)} IS NOT TRUE)"
            case InSegment(segment_id):
                return self.guarded(self.filters[segment_id])
            case NeverActive():
                return (
                    "(NOT EXISTS (SELECT FROM member_facts AS acted WHERE acted.community_id = membership.community_id "
                    "AND acted.account_id = membership.account_id))"
                )
            case Bucket(salt, bucket, of):
                digest = f"sha256(convert_to({self.bind(salt, 'text')} || ':' || membership.account_id::text, 'UTF8'))"
                number = f"CAST(CAST('x' || left(encode({digest}, 'hex'), 8) AS bit(32)) AS bigint)"
                # A cast of 32 bits may come out negative nowhere: a bigint has room for them all.
                return f"({number} % {self.bind(of, 'bigint')} = {self.bind(bucket, 'bigint')})"
            case Count():
                return self.count(node)
            case _:
                return self.asked(node)

    def asked(self, node: OneOf | Is | When | Within) -> str:
        known = node.field
        self.out.account = self.out.account or known.of_account
        match node:
            case OneOf():
                values = self.bind(list(node.values), "uuid[]" if known.ids else "text[]")
                if known.kind is Kind.SET:
                    return f"({known.sql.replace('{values}', values)})"
                return f"({known.sql} = ANY({values}))"
            case Is():
                return f"({known.sql})" if node.value else f"(NOT {known.sql})"
            case When():
                return f"({known.sql} {'<' if node.before else '>='} {self.bind(node.instant, 'timestamptz')})"
            case Within():
                since = self.moment.now - timedelta(days=node.days)
                return f"({known.sql} >= {self.bind(since, 'timestamptz')})"

    def count(self, node: Count) -> str:
        comparison, value = _sign(node), self.bind(node.value, "bigint")
        if node.figure is Figure.LAST_ACTIVITY_DAYS_AGO:
            self.out.facts = True
            today, zone = self.bind(self.moment.today, "date"), self.bind(self.moment.zone, "text")
            return f"({today} - CAST(facts.last_active_at AT TIME ZONE {zone} AS date) {comparison} {value})"
        column = self.column(node.figure, node.window)
        # Who is not in the join did nothing; where nothing fits the comparison, that must be said.
        if compare(0, node.comparison, node.value):
            column = f"coalesce({column}, 0)"
        return f"({column} {comparison} {value})"

    def column(self, figure: Figure, window: int | None) -> str:
        if window is not None:
            self.since(window)
        if figure is Figure.REACTIONS_FROM_DISTINCT:
            self.out.received.add(window)
            return f"received_{window or 'ever'}.people"
        if window is None:
            self.out.facts = True
            return f"facts.{figure.value}"
        self.out.days.setdefault(window, set()).add(figure)
        return f"days_{window}.{figure.value}"


def _sign(node: Count) -> str:
    return node.comparison.value.replace("!=", "<>")
