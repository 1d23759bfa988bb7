"""Applications, personas and entry links with their figures as files."""

from chassis.sheets import Column, Filter, Sheet

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
        "state": Filter("application.state = :state"),
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
_CAME = """(SELECT count(*) AS applications, count(*) FILTER (WHERE application.state = 'approved') AS joins,
        count(*) FILTER (WHERE application.state = 'approved' AND membership.state = 'approved') AS members
    FROM application JOIN membership ON membership.id = application.membership_id
    WHERE application.link_id = entry_link.id)"""
ENTRY_LINKS = Sheet(
    name="entry-links",
    source=f"""entry_link LEFT JOIN entry_link_opens AS opened ON opened.link_id = entry_link.id
        CROSS JOIN LATERAL {_CAME} AS came""",
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
        Column("applications", {"en": "Applications", "zh": "申请数"}, "came.applications"),
        Column("joins", {"en": "Joined", "zh": "加入数"}, "came.joins"),
        Column("members", {"en": "Still members", "zh": "仍为成员"}, "came.members"),
        Column("expires_at", {"en": "Expires", "zh": "过期时间"}, "entry_link.expires_at", moment=True),
        Column("withdrawn_at", {"en": "Withdrawn", "zh": "停用时间"}, "entry_link.withdrawn_at", moment=True),
        Column("created_at", {"en": "Made", "zh": "创建时间"}, "entry_link.created_at", moment=True),
    ),
)
SHEETS = (APPLICATIONS, PERSONAS, ENTRY_LINKS)
