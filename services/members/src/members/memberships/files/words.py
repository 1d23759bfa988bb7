"""Why rows are not taken, in the operator's language."""

from __future__ import annotations

WORDS = {
    "row-too-wide": {
        "en": "The row has more cells than the {columns} columns.",
        "zh": "这一行的单元格多于表头的 {columns} 列。",
    },
    "cell-too-long": {
        "en": "Column {column} ({field}): more than {most} characters.",
        "zh": "第 {column} 列({field}):超过 {most} 个字符。",
    },
    "cell-control-character": {
        "en": "Column {column} ({field}): control characters are not accepted.",
        "zh": "第 {column} 列({field}):不接受控制字符。",
    },
    "cell-formula": {
        "en": "Column {column} ({field}): a formula is no value. Write what it should say.",
        "zh": "第 {column} 列({field}):公式不是内容,请填写实际的值。",
    },
    "cell-error": {
        "en": "Column {column} ({field}): the spreadsheet could not work the cell out ({value}).",
        "zh": "第 {column} 列({field}):表格未能算出该单元格({value})。",
    },
    "name-missing": {"en": "The row has no name that can be seen.", "zh": "这一行没有可见的姓名。"},
    "name-too-long": {"en": "The name has more than {most} characters.", "zh": "姓名超过 {most} 个字符。"},
    "nobody-named": {
        "en": "The row has no external id, e-mail or phone number: nobody could be told apart.",
        "zh": "这一行没有编号、邮箱或手机号,无法确定是谁。",
    },
    "external-id-too-long": {
        "en": "The external id has more than {most} characters.",
        "zh": "编号超过 {most} 个字符。",
    },
    "email-invalid": {"en": "That is no e-mail address.", "zh": "邮箱地址无效。"},
    "phone-invalid": {
        "en": "That is no phone number: write it with its country code, such as +86.",
        "zh": "电话号码无效:请带上国家代码,例如 +86。",
    },
    "tag-invalid": {
        "en": "A tag has 1 to 40 visible characters and no slash.",
        "zh": "标签须为 1 至 40 个可见字符,不含斜杠。",
    },
    "row-too-many-tags": {"en": "A row gives at most {most} tags.", "zh": "每行最多 {most} 个标签。"},
    "time-unreadable": {
        "en": "That is no date: write it as 2024-01-31, or 2024-01-31 09:00.",
        "zh": "日期无法识别:请写成 2024-01-31 或 2024-01-31 09:00。",
    },
    "time-out-of-range": {
        "en": "The date lies in the future, or before {earliest}.",
        "zh": "日期在未来,或早于 {earliest} 年。",
    },
    "locale-invalid": {"en": "That is no language tag, such as zh or en.", "zh": "语言标签无效,例如 zh 或 en。"},
    "zone-invalid": {
        "en": "That is no time zone, such as Asia/Shanghai.",
        "zh": "时区无效,例如 Asia/Shanghai。",
    },
    "duplicate-row": {
        "en": "Row {row} is the same person.",
        "zh": "与第 {row} 行是同一个人。",
    },
    "contacts-disagree": {
        "en": "Its id, e-mail and phone number belong to different accounts: merge them, or correct the row.",
        "zh": "编号、邮箱和手机号属于不同的账号:请合并账号或更正这一行。",
    },
    "member-applied": {"en": "The person's application waits for a decision.", "zh": "此人的入群申请正等待审核。"},
    "member-rejected": {"en": "The person's application was declined.", "zh": "此人的入群申请已被拒绝。"},
    "member-left": {"en": "The person has left the community.", "zh": "此人已退出社群。"},
    "member-removed": {
        "en": "The person was removed; only a manager's approval lets them in again.",
        "zh": "此人已被移出,须由管理员重新批准。",
    },
    "member-too-many-tags": {"en": "A member has at most {most} tags.", "zh": "每位成员最多 {most} 个标签。"},
    "community-archived": {"en": "The community was archived.", "zh": "社群已归档。"},
}
