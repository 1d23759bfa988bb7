"""Screening: forms, policies, personas, applications with their decisions, entry links.

SECURITY DEFINER functions (they alone read across tenants, and return an id and nothing else):
`organization_of_entry_link(text)`: whose door a token opens, before there is a tenant.
"""

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0006"
down_revision = "0005"

OF_COMMUNITY = "FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id)"

TENANT_TABLES = {
    "form_version": [
        f"""CREATE TABLE form_version (
            community_id uuid NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            organization_id uuid NOT NULL,
            title jsonb NOT NULL CHECK (jsonb_typeof(title) = 'object' AND title <> '{{}}'),
            introduction jsonb NOT NULL CHECK (jsonb_typeof(introduction) = 'object'),
            questions jsonb NOT NULL CHECK (jsonb_typeof(questions) = 'array'),
            changed_by uuid NOT NULL,
            changed_at timestamptz NOT NULL,
            PRIMARY KEY (community_id, version),
            {OF_COMMUNITY}
        )"""
    ],
    "screening_policy": [
        f"""CREATE TABLE screening_policy (
            community_id uuid NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            organization_id uuid NOT NULL,
            mode text NOT NULL CHECK (mode IN ('open', 'automatic', 'review')),
            approve_at integer,
            reject_below integer,
            decide_within_hours integer NOT NULL CHECK (decide_within_hours > 0),
            reapply_after_days integer NOT NULL CHECK (reapply_after_days >= 0),
            tag_rules jsonb NOT NULL CHECK (jsonb_typeof(tag_rules) = 'array'),
            changed_by uuid NOT NULL,
            changed_at timestamptz NOT NULL,
            PRIMARY KEY (community_id, version),
            {OF_COMMUNITY},
            CHECK (mode = 'automatic' OR (approve_at IS NULL AND reject_below IS NULL)),
            CHECK (reject_below <= approve_at)
        )"""
    ],
    "persona": [
        f"""CREATE TABLE persona (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            name jsonb NOT NULL CHECK (jsonb_typeof(name) = 'object' AND name <> '{{}}'),
            description jsonb NOT NULL CHECK (jsonb_typeof(description) = 'object'),
            position integer NOT NULL CHECK (position >= 0),
            rule jsonb NOT NULL CHECK (jsonb_typeof(rule) = 'object'),
            quota integer CHECK (quota >= 0),
            taken integer NOT NULL CHECK (taken >= 0),
            created_at timestamptz NOT NULL,
            retired_at timestamptz,
            version integer NOT NULL CHECK (version > 0),
            UNIQUE (organization_id, id),
            {OF_COMMUNITY}
        )""",
        "CREATE INDEX persona_standing ON persona (community_id, position, id) WHERE retired_at IS NULL",
    ],
    "persona_version": [
        """CREATE TABLE persona_version (
            persona_id uuid NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            organization_id uuid NOT NULL,
            position integer NOT NULL,
            rule jsonb NOT NULL CHECK (jsonb_typeof(rule) = 'object'),
            PRIMARY KEY (persona_id, version),
            FOREIGN KEY (organization_id, persona_id) REFERENCES persona (organization_id, id)
        )"""
    ],
    "entry_link": [
        f"""CREATE TABLE entry_link (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            token text NOT NULL UNIQUE CHECK (token ~ '^[A-Za-z0-9_-]{{22}}$'),
            kind text NOT NULL CHECK (kind IN ('link', 'qr')),
            channel text NOT NULL CHECK (length(channel) BETWEEN 1 AND 40),
            title jsonb NOT NULL CHECK (jsonb_typeof(title) = 'object' AND title <> '{{}}'),
            most integer CHECK (most > 0),
            used integer NOT NULL CHECK (used >= 0),
            tags text[] NOT NULL,
            group_id uuid,
            expires_at timestamptz,
            withdrawn_at timestamptz,
            created_by uuid NOT NULL,
            created_at timestamptz NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            UNIQUE (organization_id, id),
            {OF_COMMUNITY}
        )""",
        "CREATE INDEX entry_link_newest ON entry_link (community_id, id DESC)",
    ],
    "application": [
        f"""CREATE TABLE application (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            membership_id uuid NOT NULL REFERENCES membership (id),
            state text NOT NULL CHECK (state IN
                ('submitted', 'in_review', 'waiting', 'needs_information', 'approved', 'rejected', 'withdrawn')),
            form_version integer NOT NULL CHECK (form_version >= 0),
            policy_version integer NOT NULL CHECK (policy_version >= 0),
            answers jsonb NOT NULL CHECK (jsonb_typeof(answers) = 'object'),
            score integer NOT NULL,
            persona_id uuid,
            holds_place boolean NOT NULL,
            personas jsonb NOT NULL CHECK (jsonb_typeof(personas) = 'array'),
            link_id uuid,
            group_id uuid,
            tags text[] NOT NULL,
            contact_hash bytea CHECK (length(contact_hash) = 32),
            device_hash bytea CHECK (length(device_hash) = 32),
            question text CHECK (length(question) BETWEEN 1 AND 2000),
            information text CHECK (length(information) BETWEEN 1 AND 2000),
            submitted_at timestamptz NOT NULL,
            deadline timestamptz,
            overdue_at timestamptz,
            waiting_since timestamptz,
            decided_at timestamptz,
            version integer NOT NULL CHECK (version > 0),
            UNIQUE (organization_id, id),
            {OF_COMMUNITY},
            FOREIGN KEY (organization_id, account_id) REFERENCES account (organization_id, id),
            FOREIGN KEY (organization_id, persona_id) REFERENCES persona (organization_id, id),
            FOREIGN KEY (organization_id, link_id) REFERENCES entry_link (organization_id, id),
            CHECK (NOT holds_place OR (persona_id IS NOT NULL AND state = 'approved')),
            CHECK ((state = 'waiting') = (waiting_since IS NOT NULL)),
            CHECK (state <> 'waiting' OR persona_id IS NOT NULL),
            CHECK (state <> 'in_review' OR deadline IS NOT NULL)
        )""",
        # One application at a time: of a double click one counts.
        """CREATE UNIQUE INDEX application_open ON application (community_id, account_id)
            WHERE state IN ('submitted', 'in_review', 'waiting', 'needs_information')""",
        "CREATE INDEX application_of_account ON application (account_id, community_id, id DESC)",
        "CREATE INDEX application_review ON application (community_id, deadline, id) WHERE state = 'in_review'",
        "CREATE INDEX application_by_state ON application (community_id, state, id)",
        "CREATE INDEX application_waiting ON application (persona_id, waiting_since, id) WHERE state = 'waiting'",
        "CREATE INDEX application_of_link ON application (link_id, state) WHERE link_id IS NOT NULL",
        "CREATE INDEX application_contact ON application (organization_id, contact_hash) WHERE contact_hash IS NOT NULL",
        "CREATE INDEX application_device ON application (organization_id, device_hash) WHERE device_hash IS NOT NULL",
    ],
    # Append-only but for `undone_at`: what was decided, by what, on what.
    "application_decision": [
        """CREATE TABLE application_decision (
            application_id uuid NOT NULL,
            number integer NOT NULL CHECK (number > 0),
            organization_id uuid NOT NULL,
            outcome text NOT NULL CHECK (outcome IN ('approved', 'rejected', 'waiting', 'in_review')),
            form_version integer NOT NULL,
            policy_version integer NOT NULL,
            answers jsonb NOT NULL,
            personas jsonb NOT NULL CHECK (jsonb_typeof(personas) = 'array'),
            room boolean NOT NULL,
            score integer NOT NULL,
            persona_id uuid,
            reason_code text NOT NULL,
            reason_params jsonb NOT NULL,
            words jsonb NOT NULL CHECK (jsonb_typeof(words) = 'object'),
            judged_by text NOT NULL CHECK (judged_by IN ('policy', 'reviewer', 'place')),
            decided_by uuid,
            decided_at timestamptz NOT NULL,
            undone_at timestamptz,
            undone_by uuid,
            PRIMARY KEY (application_id, number),
            FOREIGN KEY (organization_id, application_id) REFERENCES application (organization_id, id),
            CHECK ((judged_by = 'reviewer') = (decided_by IS NOT NULL)),
            CHECK ((undone_at IS NULL) = (undone_by IS NULL))
        )"""
    ],
}

DOOR = [
    """CREATE FUNCTION organization_of_entry_link(wanted text) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
        AS $$ SELECT organization_id FROM entry_link WHERE token = wanted $$""",
    "REVOKE ALL ON FUNCTION organization_of_entry_link(text) FROM PUBLIC",
]


def upgrade() -> None:
    names = roles()
    for table, statements in TENANT_TABLES.items():
        run(statements)
        run(tenant_table(table, names))
    run(DOOR)
    run([f"GRANT EXECUTE ON FUNCTION organization_of_entry_link(text) TO {names.application}"])
