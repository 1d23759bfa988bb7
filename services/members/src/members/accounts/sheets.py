"""Accounts as a file."""

from chassis.sheets import Column, Sheet

ACCOUNTS = Sheet(
    name="accounts",
    source="account LEFT JOIN credential ON credential.account_id = account.id",
    where="account.merged_into IS NULL",
    keys=(("account.id", "uuid"),),
    columns=(
        Column("id", {"en": "Account", "zh": "账号"}, "account.id"),
        Column("display_name", {"en": "Name", "zh": "昵称"}, "account.display_name"),
        Column(
            "identities",
            {"en": "Known as", "zh": "身份"},
            "ARRAY(SELECT provider || ':' || subject FROM identity WHERE identity.account_id = account.id ORDER BY 1)",
        ),
        Column("role", {"en": "Role in the organization", "zh": "组织角色"}, "account.organization_role"),
        Column("bot", {"en": "Bot", "zh": "机器人"}, "account.bot"),
        Column("locale", {"en": "Language", "zh": "语言"}, "account.locale"),
        Column("zone", {"en": "Time zone", "zh": "时区"}, "account.zone"),
        Column("signs_in", {"en": "Has a password", "zh": "已设密码"}, "credential.account_id IS NOT NULL"),
        Column("created_at", {"en": "Since", "zh": "创建时间"}, "account.created_at", moment=True),
    ),
)
