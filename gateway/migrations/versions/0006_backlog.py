"""How much waits in the whole installation.

SECURITY DEFINER function (it reads across tenants, and returns numbers and nothing else): webhook_backlog, for the worker.
"""

from __future__ import annotations

from chassis.migrations import roles, run

revision = "0006"
down_revision = "0005"

BACKLOG = """CREATE FUNCTION webhook_backlog(most integer) RETURNS TABLE (what text, label text, number bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT 'deliveries', CASE WHEN endpoint.enabled THEN 'pending' ELSE 'held' END, count(*)
    FROM (SELECT endpoint_id FROM delivery WHERE due_at IS NOT NULL LIMIT most) AS waiting
        JOIN endpoint ON endpoint.id = waiting.endpoint_id AND endpoint.deleted_at IS NULL
    GROUP BY endpoint.enabled
    UNION ALL
    SELECT 'endpoints', disabled_reason, count(*) FROM endpoint WHERE NOT enabled AND deleted_at IS NULL GROUP BY disabled_reason
$$"""


def upgrade() -> None:
    run(
        [
            BACKLOG,
            "REVOKE ALL ON FUNCTION webhook_backlog(integer) FROM PUBLIC",
            f"GRANT EXECUTE ON FUNCTION webhook_backlog(integer) TO {roles().worker}",
        ]
    )
