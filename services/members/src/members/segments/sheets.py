"""Segments and who is in them as files."""

from chassis.sheets import Column, Filter, Sheet

SEGMENTS = Sheet(
    name="segments",
    source="segment",
    where="segment.community_id = :community_id AND segment.deleted_at IS NULL",
    keys=(("segment.id", "uuid"),),
    columns=(
        Column("id", {"en": "Segment", "zh": "分群编号"}, "segment.id"),
        Column("name", {"en": "Name", "zh": "名称"}, "segment.name"),
        Column("members", {"en": "Members", "zh": "成员数"}, "segment.members"),
        Column("filter", {"en": "Filter", "zh": "条件"}, "segment.filter::text"),
        Column("current_at", {"en": "As of", "zh": "更新时间"}, "segment.current_at", moment=True),
        Column("created_at", {"en": "Made", "zh": "创建时间"}, "segment.created_at", moment=True),
    ),
)
SEGMENT_MEMBERS = Sheet(
    name="segment-members",
    source="""segment_member AS inside JOIN account ON account.id = inside.account_id
        JOIN segment ON segment.id = inside.segment_id AND segment.deleted_at IS NULL""",
    where="inside.community_id = :community_id",
    keys=(("inside.segment_id", "uuid"), ("inside.account_id", "uuid")),
    filters={"segment_id": Filter("inside.segment_id = :segment_id", "uuid", required=True)},
    columns=(
        Column("account_id", {"en": "Account", "zh": "账号"}, "inside.account_id"),
        Column("display_name", {"en": "Name", "zh": "昵称"}, "account.display_name"),
        Column("segment", {"en": "Segment", "zh": "分群"}, "segment.name"),
        Column("entered_at", {"en": "Entered", "zh": "进入时间"}, "inside.entered_at", moment=True),
    ),
)
SHEETS = (SEGMENTS, SEGMENT_MEMBERS)
