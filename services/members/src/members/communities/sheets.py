"""Communities as a file."""

from chassis.sheets import Column, Sheet

COMMUNITIES = Sheet(
    name="communities",
    source="community",
    keys=(("community.id", "uuid"),),
    columns=(
        Column("id", {"en": "Community", "zh": "社群编号"}, "community.id"),
        Column("slug", {"en": "Short name", "zh": "短名"}, "community.slug"),
        Column("name", {"en": "Name", "zh": "名称"}, "community.name"),
        Column("state", {"en": "State", "zh": "状态"}, "community.state"),
        Column("zone", {"en": "Time zone", "zh": "时区"}, "community.zone"),
        Column(
            "members",
            {"en": "Members", "zh": "成员数"},
            "(SELECT count(*) FROM membership WHERE membership.community_id = community.id AND membership.state = 'approved')",
        ),
        Column("created_at", {"en": "Made", "zh": "创建时间"}, "community.created_at", moment=True),
    ),
)
