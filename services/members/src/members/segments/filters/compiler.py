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
    Amount,
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
    """Conditions over one row of `membership` each, the joins that they share, and the values that are bound.

    For few members (`each`) figures are looked up for each of them, whatever the planner believes, and a condition that
    several filters share is asked once; for a whole community people are grouped once and joined.
    """

    each: bool = False
    conditions: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    account: bool = False
    orders: bool = False
    facts: bool = False
    days: dict[int, set[Figure]] = field(default_factory=dict)
    received: set[int | None] = field(default_factory=set)
    grouped: bool = False

    @property
    def windows(self) -> bool:
        """Whether people are grouped."""
        return bool(self.days or self.received or self.grouped)

    def where(self) -> str:
        """Return the condition of the only filter."""
        [condition] = self.conditions
        return condition

    def source(self, members: str = "membership") -> str:
        """Return FROM and its joins; `members` is the relation of members."""
        lines = [f"FROM {members} AS membership"]
        if self.account:
            lines.append(self._joined("JOIN", "account", "account", "account.id = membership.account_id"))
        if self.orders:
            same = "bought.community_id = membership.community_id AND bought.account_id = membership.account_id"
            lines.append(self._joined("LEFT JOIN", "member_orders", "bought", same))
        if self.facts:
            same = "facts.community_id = membership.community_id AND facts.account_id = membership.account_id"
            lines.append(self._joined("LEFT JOIN", "member_facts", "facts", same))
        for window, figures in sorted(self.days.items()):
            columns = ", ".join(f"{_GROUPED[figure]} AS {figure.value}" for figure in sorted(figures))
            since = f"AND day > CAST(:since_{window} AS date)"
            lines.append(self._grouped("member_day", columns, since, f"days_{window}"))
        for reach in sorted(self.received, key=lambda one: one or 0):
            since = "" if reach is None else f"AND day > CAST(:since_{reach} AS date)"
            columns = "count(DISTINCT from_account_id) AS people"
            lines.append(self._grouped("reaction_received", columns, since, f"received_{reach or 'ever'}"))
        if self.asked:
            columns = ", ".join(f"{sql} AS {name}" for sql, name in self.asked.items())
            lines.append(f"CROSS JOIN LATERAL (SELECT {columns} OFFSET 0) AS asked")
        return "\n".join(lines)

    def _joined(self, join: str, table: str, name: str, same: str) -> str:
        if self.each:
            return f"{join} LATERAL (SELECT * FROM {table} AS {name} WHERE {same} OFFSET 0) AS {name} ON true"
        return f"{join} {table} AS {name} ON {same}"

    def _grouped(self, table: str, columns: str, since: str, name: str) -> str:
        if self.each:
            return (
                f"LEFT JOIN LATERAL (SELECT {columns} FROM {table} AS acts WHERE acts.community_id = :community_id "
                f"AND acts.account_id = membership.account_id {since}) AS {name} ON true"
            )
        return (
            f"LEFT JOIN (SELECT account_id, {columns} FROM {table} WHERE community_id = :community_id {since} "
            f"GROUP BY account_id) AS {name} ON {name}.account_id = membership.account_id"
        )


BELONGS = "membership.community_id = :community_id AND membership.state = 'approved'"
"""Only approved members are in segments."""


def compile_filters(
    nodes: Sequence[Node], filters: Filters, moment: Moment, community_id: UUID, *, each: bool = False
) -> Compiled:
    """Compile filters that are asked together, one condition each; `each` when only few members are asked about."""
    compiler = _Compiler(filters, moment, each=each)
    compiler.out.parameters["community_id"] = community_id
    # Several filters share their joins; one alone lets the grouping leave people out.
    alone = len(nodes) == 1 and not each
    compiler.out.conditions = [compiler.guarded(node, required=alone) for node in nodes]
    return compiler.out


class _Compiler:
    def __init__(self, filters: Filters, moment: Moment, *, each: bool) -> None:
        self.filters = filters
        self.moment = moment
        self.out = Compiled(each=each)
        self.bound: dict[tuple[str, str], str] = {}

    def bind(self, value: Any, kind: str) -> str:  # noqa: ANN401  any bound value
        """Bind a value; the same one again is the same parameter, so that equal conditions are equal text."""
        key = (kind, repr(value))
        if key not in self.bound:
            self.bound[key] = f"p{len(self.out.parameters)}"
            self.out.parameters[self.bound[key]] = value
        return f"CAST(:{self.bound[key]} AS {kind})"

    def share(self, sql: str) -> str:
        """Return what stands for an expression that other filters may hold too: asked once for each of few members."""
        if not self.out.each:
            return sql
        return "asked." + self.out.asked.setdefault(sql, f"c{len(self.out.asked)}")

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
        self.out.grouped = True
        window = counts[0].window
        tests = " AND ".join(f"{_GROUPED[one.figure]} {_sign(one)} {self.bind(one.value, 'bigint')}" for one in counts)
        table = "reaction_received" if counts[0].figure is Figure.REACTIONS_FROM_DISTINCT else "member_day"
        return (
            f"(membership.account_id IN (SELECT account_id FROM {table} WHERE community_id = :community_id "
            f"AND day > {self.since(window or 0)} GROUP BY account_id HAVING {tests}))"
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
                # NOT EXISTS can be an anti-join, EXISTS … IS NOT TRUE cannot.
                certain = not self.out.each and _certain(part)
                return f"(NOT {self.condition(part)})" if certain else f"({self.condition(part)} IS NOT TRUE)"
            case InSegment(segment_id):
                return self.guarded(self.filters[segment_id])
            case NeverActive():
                return self.share(
                    "(NOT EXISTS (SELECT FROM member_facts AS acted WHERE acted.community_id = membership.community_id "
                    "AND acted.account_id = membership.account_id))"
                )
            case Bucket(salt, bucket, of):
                digest = f"sha256(convert_to({self.bind(salt, 'text')} || ':' || membership.account_id::text, 'UTF8'))"
                number = self.share(f"CAST(CAST('x' || left(encode({digest}, 'hex'), 8) AS bit(32)) AS bigint)")
                # A cast of 32 bits may come out negative nowhere: a bigint has room for them all.
                return f"({number} % {self.bind(of, 'bigint')} = {self.bind(bucket, 'bigint')})"
            case Count():
                return self.count(node)
            case _:
                return self.asked(node)

    def asked(self, node: OneOf | Is | When | Within | Amount) -> str:
        known = node.field
        self.out.account = self.out.account or known.of_account
        self.out.orders = self.out.orders or known.of_orders
        match node:
            case OneOf():
                values = self.bind(list(node.values), "uuid[]" if known.ids else "text[]")
                if known.kind is Kind.SET:
                    return self.share(f"({known.sql.replace('{values}', values)})")
                return f"({known.sql} = ANY({values}))"
            case Is():
                return f"({known.sql})" if node.value else f"(NOT {known.sql})"
            case When():
                return f"({known.sql} {'<' if node.before else '>='} {self.bind(node.instant, 'timestamptz')})"
            case Amount():
                return f"({known.sql} {_sign(node)} {self.bind(node.value, 'bigint')})"
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


def _certain(node: Node) -> bool:
    """Whether a condition is true or false of everybody, and never null."""
    return isinstance(node, NeverActive) or (isinstance(node, OneOf) and node.field.sql.startswith("EXISTS ("))


def _sign(node: Count | Amount) -> str:
    return node.comparison.value.replace("!=", "<>")
