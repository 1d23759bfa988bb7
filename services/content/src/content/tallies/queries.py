"""How hot reads count. A count is what was folded, and what was appended since: one statement sees both as they stand together.

Whoever reacts, answers, reads or saves only appends; folding never makes anybody wait (docs/reading.md).
"""

from __future__ import annotations

APPENDED = """
    SELECT subject_id, sum(delta) FILTER (WHERE what = 'comments') AS comments, sum(delta) FILTER (WHERE what = 'readers') AS readers,
        sum(delta) FILTER (WHERE what = 'saves') AS saves, sum(delta) FILTER (WHERE what = 'reactors') AS reactors,
        json_object_agg(emoji, delta) FILTER (WHERE what = 'emoji') AS reactions
    FROM tally_delta WHERE subject_id = ANY(ARRAY(SELECT id FROM {of})) GROUP BY subject_id
"""
"""What was appended for the rows of a table expression `of`: to be joined as `appended`, beside `tally`."""
JOINED = "LEFT JOIN tally ON tally.subject_id = {id} LEFT JOIN appended ON appended.subject_id = {id}"
REACTIONS = """CASE WHEN appended.reactions IS NULL THEN coalesce(tally.reactions, '{}')
    ELSE tally_reactions(coalesce(tally.reactions, '{}'), appended.reactions) END"""
"""Emojis and how many people, most people first."""


def counted(what: str) -> str:
    """Return the SQL of a count: comments, readers, saves or reactors."""
    return f"(coalesce(tally.{what}, 0) + coalesce(appended.{what}, 0))"
