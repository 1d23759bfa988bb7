"""Know partners' contacts by the ids by which members tell of them, and from when on.

The columns are made by expressions, for a migration's own UPDATE would see no row under row-level security; from then on they are written
like others. The expression is that of contracts.members.contact_id_of.
"""

from __future__ import annotations

from chassis.migrations import run

revision = "0008"
down_revision = "0007"

STATEMENTS = [
    statement
    for table, name in (("partner_contact", "external_id"), ("partner_order", "contact"))
    for statement in (
        f"""ALTER TABLE {table} ADD COLUMN contact_id uuid GENERATED ALWAYS AS
            (substr(encode(sha256((client_id::text || ':' || {name})::bytea), 'hex'), 1, 32)::uuid) STORED""",
        f"ALTER TABLE {table} ALTER COLUMN contact_id DROP EXPRESSION",
    )
]


def upgrade() -> None:
    run(
        [
            *STATEMENTS,
            "ALTER TABLE partner_contact DROP COLUMN external_id, ALTER COLUMN account_id DROP NOT NULL",
            "ALTER TABLE partner_contact ADD PRIMARY KEY (client_id, contact_id)",
            # Of members' news of the contact; 0 while only an answer of theirs was heard.
            "ALTER TABLE partner_contact ADD COLUMN link_version bigint NOT NULL DEFAULT 0",
            "DROP INDEX partner_order_contact",
            "CREATE INDEX partner_order_contact ON partner_order (client_id, contact_id)",
        ]
    )
