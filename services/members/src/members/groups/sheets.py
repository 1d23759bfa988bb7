"""Groups and who is in them as files."""

from chassis.sheets import Column, Filter, Sheet
from contracts.members import GroupDimension

GROUPS = Sheet(
    name="groups",
    source="community_group",
    where="community_group.community_id = :community_id",
    keys=(("community_group.id", "uuid"),),
    filters={"dimension": Filter("community_group.dimension = :dimension", known=tuple(GroupDimension))},
    columns=(
        Column("id", {"en": "Group", "zh": "小组编号"}, "community_group.id"),
        Column("name", {"en": "Name", "zh": "名称"}, "community_group.name"),
        Column("dimension", {"en": "Dimension", "zh": "维度"}, "community_group.dimension"),
        Column("ordinal", {"en": "Number in its series", "zh": "序号"}, "community_group.ordinal"),
        Column("state", {"en": "State", "zh": "状态"}, "community_group.state"),
        Column("members", {"en": "Members", "zh": "成员数"}, "community_group.members"),
        Column("capacity", {"en": "Capacity", "zh": "容量"}, "community_group.capacity"),
        Column(
            "hosts",
            {"en": "Hosts", "zh": "主持人"},
            "ARRAY(SELECT account.display_name FROM account WHERE account.id = ANY(community_group.hosts) ORDER BY 1)",
        ),
        Column("created_at", {"en": "Made", "zh": "创建时间"}, "community_group.created_at", moment=True),
    ),
)
GROUP_MEMBERS = Sheet(
    name="group-members",
    source="""group_member AS seat JOIN account ON account.id = seat.account_id
        JOIN community_group AS held ON held.id = seat.group_id""",
    where="seat.community_id = :community_id",
    keys=(("seat.group_id", "uuid"), ("seat.joined_at", "timestamptz"), ("seat.account_id", "uuid")),
    filters={"group_id": Filter("seat.group_id = :group_id", "uuid")},
    columns=(
        Column("group_id", {"en": "Group", "zh": "小组编号"}, "seat.group_id"),
        Column("group", {"en": "Name of the group", "zh": "小组名称"}, "held.name"),
        Column("account_id", {"en": "Account", "zh": "账号"}, "seat.account_id"),
        Column("display_name", {"en": "Name", "zh": "昵称"}, "account.display_name"),
        Column("host", {"en": "Host", "zh": "主持人"}, "seat.account_id = ANY(held.hosts)"),
        Column("joined_at", {"en": "Joined", "zh": "加入时间"}, "seat.joined_at", moment=True),
    ),
)
SHEETS = (GROUPS, GROUP_MEMBERS)
