"""By which rule somebody sits in a group, so that the rule may take them out again; what rules took out is kept like what they brought in."""

from chassis.migrations import run

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run(
        [
            "ALTER TABLE group_member ADD COLUMN rule_key text",
            # The newest reason for a seat is the one by which it is held; a rule alone has a key.
            """UPDATE group_member SET rule_key = why.rule_key FROM (
            SELECT DISTINCT ON (group_id, account_id) group_id, account_id, rule_key FROM group_assignment
            ORDER BY group_id, account_id, id DESC
        ) AS why WHERE why.group_id = group_member.group_id AND why.account_id = group_member.account_id""",
            "CREATE INDEX group_member_by_rule ON group_member (community_id, rule_key) WHERE rule_key IS NOT NULL",
            "ALTER TABLE group_assignment ADD COLUMN gone boolean NOT NULL DEFAULT false",
            "ALTER TABLE group_rules_run ADD COLUMN taken_out integer NOT NULL DEFAULT 0 CHECK (taken_out >= 0)",
        ]
    )
