"""Memberships, tags and notes as files."""

from chassis.sheets import Column, Filter, Sheet
from contracts.members import MembershipState

ACCOUNT = Column("account_id", {"en": "Account", "zh": "账号"}, "membership.account_id")
NAME = Column("display_name", {"en": "Name", "zh": "昵称"}, "account.display_name")
OF_ACCOUNT = "membership JOIN account ON account.id = membership.account_id"

MEMBERSHIPS = Sheet(
    name="memberships",
    source=f"{OF_ACCOUNT} LEFT JOIN account AS owner ON owner.id = membership.owner_id",
    where="membership.community_id = :community_id",
    keys=(("membership.state", "text"), ("membership.id", "uuid")),
    filters={
        "state": Filter("membership.state = :state", known=tuple(MembershipState)),
        "owner": Filter("membership.owner_id = :owner", "uuid"),
    },
    columns=(
        Column("id", {"en": "Membership", "zh": "成员编号"}, "membership.id"),
        ACCOUNT,
        NAME,
        Column("state", {"en": "State", "zh": "状态"}, "membership.state"),
        Column("roles", {"en": "Roles", "zh": "角色"}, "membership.roles"),
        Column("staff", {"en": "Staff", "zh": "员工"}, "membership.staff"),
        Column("owner", {"en": "Looked after by", "zh": "专属负责人"}, "owner.display_name"),
        Column(
            "tags",
            {"en": "Tags", "zh": "标签"},
            """ARRAY(SELECT held.tag FROM membership_tag AS held WHERE held.community_id = membership.community_id
                AND held.account_id = membership.account_id ORDER BY held.tag)""",
        ),
        Column("applied_at", {"en": "Applied", "zh": "申请时间"}, "membership.applied_at", moment=True),
        Column("decided_at", {"en": "Decided", "zh": "审核时间"}, "membership.decided_at", moment=True),
        Column("joined_at", {"en": "Joined", "zh": "加入时间"}, "membership.joined_at", moment=True),
        Column("ended_at", {"en": "Ended", "zh": "离开时间"}, "membership.ended_at", moment=True),
        Column("message", {"en": "Message", "zh": "申请留言"}, "membership.message"),
        Column("reason", {"en": "Reason", "zh": "原因"}, "membership.reason"),
    ),
)
TAGS = Sheet(
    name="tags",
    source="(SELECT DISTINCT tag FROM membership_tag WHERE community_id = :community_id) AS known",
    keys=(("known.tag", "text"),),
    columns=(
        Column("tag", {"en": "Tag", "zh": "标签"}, "known.tag"),
        Column(
            "members",
            {"en": "Members", "zh": "成员数"},
            """(SELECT count(*) FROM membership_tag AS held JOIN membership USING (community_id, account_id)
                WHERE held.community_id = :community_id AND held.tag = known.tag AND membership.state = 'approved')""",
        ),
    ),
)
NOTES = Sheet(
    name="notes",
    source="""membership_note AS note JOIN membership ON membership.id = note.membership_id
        JOIN account ON account.id = membership.account_id JOIN account AS author ON author.id = note.author_id""",
    # Nobody reads the notes on themselves, in no file either.
    where="note.community_id = :community_id AND note.deleted_at IS NULL AND note.account_id <> :caller",
    keys=(("note.id", "uuid"),),
    columns=(
        ACCOUNT,
        NAME,
        Column("author", {"en": "Written by", "zh": "作者"}, "author.display_name"),
        Column("body", {"en": "Note", "zh": "备注"}, "note.body"),
        Column("written_at", {"en": "Written", "zh": "写于"}, "note.written_at", moment=True),
        Column("edited_at", {"en": "Edited", "zh": "修改于"}, "note.edited_at", moment=True),
    ),
)
FILE_ROWS = Sheet(
    name="member-file-rows",
    source="member_file_row AS line JOIN member_file AS file ON file.id = line.file_id",
    where="file.community_id = :community_id",
    keys=(("line.file_id", "uuid"), ("line.number", "integer")),
    filters={"file_id": Filter("line.file_id = :file_id", "uuid", required=True)},
    columns=(
        Column("number", {"en": "Row", "zh": "行号"}, "line.number"),
        Column("outcome", {"en": "Outcome", "zh": "结果"}, "line.outcome"),
        Column("code", {"en": "Reason", "zh": "原因"}, "line.code"),
        Column("account_id", {"en": "Account", "zh": "账号"}, "line.account_id"),
        Column("cells", {"en": "Cells", "zh": "内容"}, "line.cells"),
    ),
)
SHEETS = (MEMBERSHIPS, TAGS, NOTES, FILE_ROWS)
