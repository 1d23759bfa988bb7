"""When silence ends a membership, and who may judge an appeal."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from contracts.members import CommunityRole

EVERY_ROLE = tuple(CommunityRole)


class NoticeState(StrEnum):
    """The life of a notice."""

    GIVEN = "given"
    LIFTED = "lifted"
    REMOVED = "removed"
    APPEALED = "appealed"
    GRANTED = "granted"
    DECLINED = "declined"


WORDS: dict[str, dict[str, str]] = {
    "silence-given": {
        "zh": "已经很久没有活跃。如果到{day}仍没有发帖、评论或回应，将被移出社群。",
        "en": "Silent for long. Without a post, a comment or a reaction until {day}, the membership ends.",
    },
    "silence-removed": {
        "zh": "因长期未活跃被移出，可以申诉一次。",
        "en": "Removed for long silence; one appeal is open.",
    },
    "silence-active": {"zh": "重新活跃，通知已取消。", "en": "Active again: the notice is lifted."},
    "silence-exempt": {"zh": "属于豁免范围，通知已取消。", "en": "Exempt: the notice is lifted."},
    "silence-left": {"zh": "已不是成员，通知已取消。", "en": "No member any more: the notice is lifted."},
    "silence-standard": {
        "zh": "成员标准已改变，通知已取消。",
        "en": "The membership standard changed: the notice is lifted.",
    },
    "silence-appealed": {"zh": "申诉等待另一位管理员处理。", "en": "The appeal waits for another manager."},
    "silence-granted": {"zh": "申诉成立，已恢复成员身份。", "en": "The appeal was granted: a member again."},
    "silence-declined": {"zh": "申诉未被接受。", "en": "The appeal was declined."},
}
REMOVAL = "长期未活跃，已按成员标准通知后移出。 Removed for long silence, after notice, by the membership standard."
"""The reason that stays with the membership; it is kept as text, in both languages."""


def silent_before(now: datetime, silent_days: int) -> datetime:
    """Return the instant since when a silent member has done nothing."""
    return now - timedelta(days=silent_days)


def may_judge(judge: UUID, *, appellant: UUID, author: UUID) -> bool:
    """Whether somebody may judge an appeal: neither who was removed nor who set the standard that removed them."""
    return judge not in {appellant, author}
