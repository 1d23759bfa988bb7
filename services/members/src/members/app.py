"""The composition root of members."""

from __future__ import annotations

from pathlib import Path

from chassis.app import Service
from chassis.runtime import Runtime
from members import reasons
from members.accounts import routes as accounts
from members.accounts import sheets as account_sheets
from members.accounts.clients import routes as clients
from members.accounts.credentials import jobs as credential_jobs
from members.accounts.invitations import routes as invitations
from members.accounts.keys import jobs as key_jobs
from members.accounts.keys import operations as key_operations
from members.accounts.keys import routes as keys
from members.accounts.merging import routes as merging
from members.accounts.organizations import routes as organizations
from members.accounts.registration import routes as registration
from members.accounts.sessions import jobs as session_jobs
from members.accounts.sessions import routes as sessions
from members.accounts.staff import routes as staff
from members.communities import queries as community_queries
from members.communities import routes as communities
from members.communities import sheets as community_sheets
from members.communities.charter import routes as charter
from members.communities.goals import routes as goals
from members.communities.readiness import queries as readiness_queries
from members.communities.readiness import routes as readiness
from members.communities.rhythm import consumers as rhythm_consumers
from members.communities.rhythm import queries as rhythm_queries
from members.communities.templates import commands as template_commands
from members.communities.templates import routes as templates
from members.contacts import consumers as contact_consumers
from members.contacts import routes as contacts
from members.contacts.consents import routes as contact_consents
from members.contacts.tagging import routes as contact_tags
from members.exports import queries as export_queries
from members.exports import routes as exports
from members.groups import consumers as groups_consumers
from members.groups import queries as group_queries
from members.groups import routes as groups
from members.groups import sheets as group_sheets
from members.groups.assignments import consumers as assignment_consumers
from members.groups.assignments import jobs as assignment_jobs
from members.groups.assignments import routes as assignments
from members.groups.cards import routes as cards
from members.groups.templated import commands as templated
from members.groups.templated import routes as group_templates
from members.memberships import commands as membership_commands
from members.memberships import consumers as memberships_consumers
from members.memberships import routes as memberships
from members.memberships import sheets as membership_sheets
from members.memberships.files import jobs as member_file_jobs
from members.memberships.files import routes as member_files
from members.memberships.files import words as member_file_words
from members.memberships.imports import routes as imports
from members.memberships.notes import routes as notes
from members.memberships.owners import routes as owners
from members.memberships.tags import routes as tags
from members.pages import routes as pages
from members.privacy.consents import consumers as consent_consumers
from members.privacy.consents import routes as consents
from members.screening import sheets as screening_sheets
from members.screening.applications import commands as application_commands
from members.screening.applications import jobs as application_jobs
from members.screening.applications import policy as application_policy
from members.screening.applications import routes as applications
from members.screening.decisions import consumers as screening_consumers
from members.screening.decisions import jobs as decision_jobs
from members.screening.decisions import routes as decisions
from members.screening.figures import consumers as figure_consumers
from members.screening.figures import routes as figures
from members.screening.forms import routes as forms
from members.screening.links import routes as links
from members.screening.personas import routes as personas
from members.screening.policies import queries as policy_queries
from members.screening.policies import routes as policies
from members.segments import routes as segments
from members.segments import sheets as segment_sheets
from members.segments.currency import consumers as segments_consumers
from members.segments.currency import jobs as segments_jobs
from members.segments.facts import commands as facts
from members.segments.facts import consumers as facts_consumers
from members.segments.filters import fields as segment_fields
from members.segments.orders import consumers as orders_consumers
from members.segments.orders import queries as order_queries
from members.settings import MembersSettings
from members.tiers import sheets as tier_sheets
from members.tiers.evaluation import commands as tier_commands
from members.tiers.evaluation import consumers as tier_consumers
from members.tiers.evaluation import jobs as tier_jobs
from members.tiers.evaluation import queries as tier_queries
from members.tiers.evaluation import routes as tiers
from members.tiers.evaluation import words as tier_words
from members.tiers.placements import jobs as placement_jobs
from members.tiers.placements import routes as placements
from members.tiers.removal import jobs as silence_jobs
from members.tiers.removal import policy as silence_policy
from members.tiers.removal import routes as silence
from members.tiers.standards import queries as standard_queries
from members.tiers.standards import routes as tier_standards


async def start(runtime: Runtime) -> None:
    """Have what members cannot run without: a signing key; and its chores scheduled."""
    await key_jobs.start(runtime)
    await credential_jobs.start(runtime)


readiness_queries.REQUIREMENTS.append(policy_queries.policy_missing)
membership_commands.CHECKS.append(application_commands.check_step)
reasons.register(application_policy.WORDS)
reasons.register(member_file_words.WORDS)

# Groups know communities and segments, and not the other way round: what these need to know of groups is told here.
template_commands.PARTS.extend(templated.PARTS)
segment_fields.add(group_queries.FIELD)

readiness_queries.REQUIREMENTS.append(standard_queries.missing)
readiness_queries.REQUIREMENTS.append(rhythm_queries.missing)
facts.LISTENERS.append(tier_commands.touch)
segment_fields.add(tier_queries.TIER_FIELD)
for order_field in order_queries.FIELDS:
    segment_fields.add(order_field)
reasons.register(tier_words.WORDS)
reasons.register(silence_policy.WORDS)

for sheets in (membership_sheets, group_sheets, segment_sheets, tier_sheets, screening_sheets):
    export_queries.register(export_queries.COMMUNITY, *sheets.SHEETS)
export_queries.register(export_queries.ORGANIZATION, account_sheets.ACCOUNTS, community_sheets.COMMUNITIES)

service = Service(
    name="members",
    title="Hearth members",
    settings=MembersSettings,
    migrations=Path(__file__).parents[2] / "migrations",
    standing_query=community_queries.STANDING,
    routers=[
        registration.routes,
        organizations.routes,
        accounts.routes,
        staff.routes,
        merging.routes,
        invitations.routes,
        sessions.routes,
        clients.routes,
        contacts.routes,
        contact_tags.routes,
        contact_consents.routes,
        consents.routes,
        keys.routes,
        communities.routes,
        charter.routes,
        goals.routes,
        readiness.routes,
        memberships.routes,
        imports.routes,
        member_files.routes,
        tags.routes,
        notes.routes,
        owners.routes,
        pages.routes,
        exports.routes,
        segments.routes,
        forms.routes,
        policies.routes,
        personas.routes,
        applications.routes,
        decisions.routes,
        links.routes,
        figures.routes,
        templates.routes,
        groups.routes,
        cards.routes,
        assignments.routes,
        group_templates.routes,
        tier_standards.routes,
        tiers.routes,
        placements.routes,
        silence.routes,
    ],
    consumers=[
        rhythm_consumers.consumers,
        memberships_consumers.consumers,
        facts_consumers.consumers,
        orders_consumers.consumers,
        segments_consumers.consumers,
        screening_consumers.consumers,
        figure_consumers.consumers,
        groups_consumers.consumers,
        assignment_consumers.consumers,
        tier_consumers.consumers,
        contact_consumers.consumers,
        consent_consumers.consumers,
    ],
    jobs=[
        credential_jobs.jobs,
        session_jobs.jobs,
        member_file_jobs.jobs,
        segments_jobs.jobs,
        application_jobs.jobs,
        decision_jobs.jobs,
        assignment_jobs.jobs,
        tier_jobs.jobs,
        placement_jobs.jobs,
        silence_jobs.jobs,
    ],
    jwks=key_jobs.source,
    operations=key_operations.routes,
    on_start=start,
    tags={
        "templates": "What communities and groups are made from, and how a change reaches them.",
        "groups": "Sub-communities along a dimension, their cards, and how members come into them.",
        "registration": "A brand signs up, a person joins.",
        "organizations": "The brands.",
        "accounts": "The people of an organization, and its staff.",
        "invitations": "Imported people take over their accounts.",
        "sessions": "Signing in, refreshing, signing out.",
        "clients": "The programs of partners, and their tokens.",
        "contacts": "The people of partners' systems: who they are here, their tags, what they agreed to.",
        "consents": "What people agreed to, and how it came to that.",
        "keys": "The public keys of access tokens.",
        "communities": "What a brand runs: each with its zone and its state.",
        "charter": "What a community is for, its goals, and what it needs before it opens.",
        "exports": "Every list as a file, and who took which out.",
        "notes": "What staff write down about a member, for one another.",
        "member-files": "Members from CSV and XLSX files: mapping, dry run, import, rejected rows.",
        "tags": "The brand's own words on its members.",
        "segments": "Sets of members by what they are and did, kept current.",
        "screening": "Who is let in: forms, policies, personas, applications, entry links.",
        "tiers": "Layers of members, by a standard that everybody can read.",
        "memberships": "Who belongs to a community, since when and as what.",
    },
)
