"""Who is in which tier, how they came there, and notices for silence as files."""

from chassis.sheets import Column, Filter, Sheet
from members.tiers.removal.policy import NoticeState

ACCOUNT, NAME = {"en": "Account", "zh": "账号"}, {"en": "Name", "zh": "昵称"}

TIER_MEMBERS = Sheet(
    name="tier-members",
    source="tier_member AS held JOIN account ON account.id = held.account_id",
    where="held.community_id = :community_id AND held.tier_code IS NOT NULL",
    keys=(("held.account_id", "uuid"),),
    filters={"tier": Filter("held.tier_code = :tier")},
    columns=(
        Column("account_id", ACCOUNT, "held.account_id"),
        Column("display_name", NAME, "account.display_name"),
        Column("tier", {"en": "Tier", "zh": "层级"}, "held.tier_code"),
        Column("standard", {"en": "Standard", "zh": "标准版本"}, "held.standard_version"),
        Column("since", {"en": "Since", "zh": "起始时间"}, "held.since", moment=True),
        Column("grace_until", {"en": "Grace until", "zh": "宽限至"}, "held.grace_until", moment=True),
        Column("manual_until", {"en": "Placed by hand until", "zh": "手动安排至"}, "held.manual_until", moment=True),
    ),
)
TIER_MOVES = Sheet(
    name="tier-moves",
    source="tier_move AS move JOIN account ON account.id = move.account_id LEFT JOIN account AS actor ON actor.id = move.actor",
    where="move.community_id = :community_id",
    keys=(("move.account_id", "uuid"), ("move.id", "uuid")),
    columns=(
        Column("at", {"en": "At", "zh": "时间"}, "move.at", moment=True),
        Column("account_id", ACCOUNT, "move.account_id"),
        Column("display_name", NAME, "account.display_name"),
        Column("from_tier", {"en": "From", "zh": "原层级"}, "move.from_tier"),
        Column("to_tier", {"en": "To", "zh": "新层级"}, "move.to_tier"),
        Column("reason", {"en": "Reason", "zh": "原因"}, "move.reason"),
        Column("standard", {"en": "Standard", "zh": "标准版本"}, "move.standard_version"),
        Column("actor", {"en": "By", "zh": "操作人"}, "actor.display_name"),
        Column("note", {"en": "Note", "zh": "说明"}, "move.note"),
    ),
)
SILENCE_NOTICES = Sheet(
    name="silence-notices",
    source="silence_notice AS notice JOIN account ON account.id = notice.account_id",
    where="notice.community_id = :community_id",
    keys=(("notice.state", "text"), ("notice.id", "uuid")),
    filters={"state": Filter("notice.state = :state", known=tuple(NoticeState))},
    columns=(
        Column("id", {"en": "Notice", "zh": "通知编号"}, "notice.id"),
        Column("account_id", ACCOUNT, "notice.account_id"),
        Column("display_name", NAME, "account.display_name"),
        Column("state", {"en": "State", "zh": "状态"}, "notice.state"),
        Column("silent_since", {"en": "Silent since", "zh": "沉默起始"}, "notice.silent_since", moment=True),
        Column("given_at", {"en": "Given", "zh": "通知时间"}, "notice.given_at", moment=True),
        Column("remove_at", {"en": "Removed on", "zh": "移除时间"}, "notice.remove_at", moment=True),
        Column("appeal", {"en": "Appeal", "zh": "申诉"}, "notice.appeal"),
        Column("appealed_at", {"en": "Appealed", "zh": "申诉时间"}, "notice.appealed_at", moment=True),
        Column("decision", {"en": "Decision", "zh": "裁定"}, "notice.decision"),
    ),
)
SHEETS = (TIER_MEMBERS, TIER_MOVES, SILENCE_NOTICES)
