"""Applications, personas and entry links with their figures as files."""

from chassis.sheets import Column, Filter, Sheet
from members.screening.applications.policy import State
from members.screening.figures import queries as figures
from members.screening.links.policy import PERIODS

APPLICATIONS = Sheet(
    name="applications",
    source="""application JOIN account ON account.id = application.account_id
        LEFT JOIN persona ON persona.id = application.persona_id
        LEFT JOIN entry_link ON entry_link.id = application.link_id
        LEFT JOIN LATERAL (SELECT decision.outcome, decision.judged_by, decision.reason_code, decision.words
            FROM application_decision AS decision WHERE decision.application_id = application.id
                AND decision.undone_at IS NULL ORDER BY decision.number DESC LIMIT 1) AS why ON true""",
    where="application.community_id = :community_id",
    keys=(("application.state", "text"), ("application.id", "uuid")),
    filters={
        "state": Filter("application.state = :state", known=tuple(State)),
        "persona_id": Filter("application.persona_id = :persona_id", "uuid"),
    },
    columns=(
        Column("id", {"en": "Application", "zh": "申请编号"}, "application.id"),
        Column("account_id", {"en": "Account", "zh": "账号"}, "application.account_id"),
        Column("display_name", {"en": "Name", "zh": "昵称"}, "account.display_name"),
        Column("state", {"en": "State", "zh": "状态"}, "application.state"),
        Column("score", {"en": "Score", "zh": "得分"}, "application.score"),
        Column("persona", {"en": "Persona", "zh": "画像"}, "persona.name"),
        Column("channel", {"en": "Channel", "zh": "渠道"}, "entry_link.channel"),
        Column("answers", {"en": "Answers", "zh": "答案"}, "application.answers::text"),
        Column("submitted_at", {"en": "Submitted", "zh": "提交时间"}, "application.submitted_at", moment=True),
        Column("deadline", {"en": "Deadline", "zh": "截止时间"}, "application.deadline", moment=True),
        Column("decided_at", {"en": "Decided", "zh": "审核时间"}, "application.decided_at", moment=True),
        Column("outcome", {"en": "Outcome", "zh": "结果"}, "why.outcome"),
        Column("judged_by", {"en": "Judged by", "zh": "审核方式"}, "why.judged_by"),
        Column("reason_code", {"en": "Reason", "zh": "原因"}, "why.reason_code"),
        Column("words", {"en": "Words to the applicant", "zh": "给申请人的话"}, "why.words"),
    ),
)
PERSONAS = Sheet(
    name="personas",
    source="persona",
    where="persona.community_id = :community_id AND persona.retired_at IS NULL",
    keys=(("persona.position", "integer"), ("persona.id", "uuid")),
    columns=(
        Column("id", {"en": "Persona", "zh": "画像编号"}, "persona.id"),
        Column("name", {"en": "Name", "zh": "名称"}, "persona.name"),
        Column("description", {"en": "Description", "zh": "说明"}, "persona.description"),
        Column("position", {"en": "Position", "zh": "次序"}, "persona.position"),
        Column("quota", {"en": "Quota", "zh": "名额"}, "persona.quota"),
        Column("taken", {"en": "Taken", "zh": "已占"}, "persona.taken"),
    ),
)


def _still_here(days: int) -> tuple[Column, ...]:
    """Return the columns about those who joined at least so many days ago: how many, who stayed, who is active."""
    titles = {
        "joined": {"en": f"Joined {days} days ago or earlier", "zh": f"加入满{days}天"},
        "here": {"en": f"Of them, stayed {days} days", "zh": f"其中{days}天后仍在"},
        "active": {"en": f"Of them, active in {days} days", "zh": f"其中近{days}天活跃"},
    }
    return tuple(Column(f"{name}_{days}", title, f"coalesce(came.{name}_{days}, 0)") for name, title in titles.items())


# The figures of the list itself (screening.figures), door by door.
_DOOR = "WITH door AS (SELECT entry_link.id, entry_link.id AS key)"
_ORDERS = f"""SELECT sum(orders) AS orders, array_agg(currency || ' ' || buyers) AS buyers, array_agg(currency || ' ' || amount_fen) AS amounts
    FROM ({_DOOR} {figures.ORDERS}) AS by_currency"""
ENTRY_LINKS = Sheet(
    name="entry-links",
    source=f"""entry_link LEFT JOIN entry_link_opens AS opened ON opened.link_id = entry_link.id
        LEFT JOIN LATERAL ({_DOOR} {figures.CAME}) AS came ON true
        LEFT JOIN LATERAL ({_DOOR} {figures.MOMENTS}) AS valued ON true
        LEFT JOIN LATERAL ({_ORDERS}) AS bought ON true""",
    where="entry_link.community_id = :community_id",
    keys=(("entry_link.id", "uuid"),),
    filters={"channel": Filter("entry_link.channel = :channel")},
    columns=(
        Column("id", {"en": "Entry link", "zh": "入口编号"}, "entry_link.id"),
        Column("title", {"en": "Title", "zh": "标题"}, "entry_link.title"),
        Column("kind", {"en": "Kind", "zh": "类型"}, "entry_link.kind"),
        Column("channel", {"en": "Channel", "zh": "渠道"}, "entry_link.channel"),
        Column("tags", {"en": "Tags", "zh": "标签"}, "entry_link.tags"),
        Column("most", {"en": "Limit", "zh": "上限"}, "entry_link.most"),
        Column("opens", {"en": "Opened", "zh": "打开次数"}, "coalesce(opened.opens, 0)"),
        Column("applications", {"en": "Applications", "zh": "申请数"}, "coalesce(came.applications, 0)"),
        Column("joins", {"en": "Joined", "zh": "加入数"}, "coalesce(came.joins, 0)"),
        Column("members", {"en": "Still members", "zh": "仍为成员"}, "coalesce(came.members, 0)"),
        Column("active", {"en": "Active in 30 days", "zh": "近30天活跃"}, "coalesce(came.active, 0)"),
        *(column for days in PERIODS for column in _still_here(days)),
        Column("value_reached", {"en": "Had a moment of value", "zh": "达成价值时刻"}, "coalesce(valued.reached, 0)"),
        Column("orders", {"en": "Orders", "zh": "订单数"}, "coalesce(bought.orders, 0)::bigint"),
        Column("buyers", {"en": "Buyers by currency", "zh": "各币种买家数"}, "bought.buyers"),
        Column("amounts", {"en": "Amounts in the smallest unit", "zh": "各币种金额（最小单位）"}, "bought.amounts"),
        Column("expires_at", {"en": "Expires", "zh": "过期时间"}, "entry_link.expires_at", moment=True),
        Column("withdrawn_at", {"en": "Withdrawn", "zh": "停用时间"}, "entry_link.withdrawn_at", moment=True),
        Column("created_at", {"en": "Made", "zh": "创建时间"}, "entry_link.created_at", moment=True),
    ),
)
SHEETS = (APPLICATIONS, PERSONAS, ENTRY_LINKS)
