"""What members and staff read of tiers, in their language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from members import reasons
from members.reasons import Reason
from members.tiers.evaluation.policy import Progress
from members.tiers.evaluation.schemas import CriterionProgress

_METRICS = {
    "active_days": ("活跃{need}天", "be active on {need} days", "{have}天", "{have} days"),
    "posts": ("发帖{need}篇", "publish {need} posts", "{have}篇", "{have}"),
    "comments": ("评论{need}条", "write {need} comments", "{have}条", "{have}"),
    "reactions_received_from_distinct": (
        "获得{need}位不同成员的回应",
        "get reactions from {need} different people",
        "{have}位",
        "{have} people",
    ),
    "reactions_received_on_distinct_days": (
        "在{need}个不同的日子获得回应",
        "get reactions on {need} different days",
        "{have}天",
        "{have} days",
    ),
}

WORDS: dict[str, dict[str, str]] = {
    "criterion-days_since_joined-ever": {
        "zh": "加入满{need}天（目前{have}天）",
        "en": "have been a member for {need} days (so far {have})",
    },
    "criterion-last_activity_days_ago-ever": {
        "zh": "最近一次活跃在{need}天以内（目前{have}天前）",
        "en": "have been active within the last {need} days (last time {have} days ago)",
    },
    "criterion-last_activity_days_ago-never": {
        "zh": "最近一次活跃在{need}天以内（目前还没有活跃过）",
        "en": "have been active within the last {need} days (so far never)",
    },
    "tier-entered": {"zh": "按标准进入“{to}”。", "en": "Came into {to} by the standard."},
    "tier-rose": {"zh": "达到进入标准，从“{from}”升到“{to}”。", "en": "Met what {to} asks, and rose from {from}."},
    "tier-fell": {
        "zh": "在整个宽限期内未达到“{from}”的保持标准，转到“{to}”。",
        "en": "Did not meet what keeping {from} asks through the whole grace, and went to {to}.",
    },
    "tier-grace-began": {
        "zh": "暂未达到“{from}”的保持标准，宽限期开始。",
        "en": "Does not meet what keeping {from} asks; the grace began.",
    },
    "tier-in-grace": {
        "zh": "仍未达到“{from}”的保持标准，宽限期内。",
        "en": "Still does not meet what keeping {from} asks; in grace.",
    },
    "tier-recovered": {"zh": "重新达到“{to}”的保持标准。", "en": "Meets what keeping {to} asks again."},
    "tier-gone": {
        "zh": "新标准不再有原来的层级，按标准转到“{to}”。",
        "en": "The new standard has the former tier no longer; went to {to} by the standard.",
    },
    "tier-placement-ended": {
        "zh": "手动安排已到期，按标准在“{to}”。",
        "en": "The placement by hand ended; in {to} by the standard.",
    },
    "tier-left": {"zh": "不再参与分层。", "en": "Is in no tier any more."},
    "tier-stays": {"zh": "留在“{to}”。", "en": "Stays in {to}."},
    "tier-placed": {"zh": "由管理员安排在“{to}”。", "en": "Placed in {to} by a manager."},
    "tier-none": {"zh": "目前还没有层级。", "en": "No tier yet."},
    "tier-next": {"zh": "要进入“{tier}”：", "en": "To come into {tier}:"},
    "tier-top": {"zh": "已经在最高层级。", "en": "This is the highest tier."},
    "tier-keep": {"zh": "要保持“{tier}”：", "en": "To keep {tier}:"},
    "tier-open": {"zh": "每位成员都可以留在“{tier}”。", "en": "Every member may stay in {tier}."},
    "tier-falls": {
        "zh": "如果到{day}仍未达到保持标准，会离开“{tier}”。",
        "en": "Unless keeping succeeds again, {tier} is lost on {day}.",
    },
    "tier-held": {
        "zh": "有效期到{day}，之后重新按标准决定。",
        "en": "This holds until {day}; then the standard decides again.",
    },
}
for _metric, (_zh, _en, _have_zh, _have_en) in _METRICS.items():
    WORDS[f"criterion-{_metric}-window"] = {
        "zh": f"最近{{window}}天内{_zh}（目前{_have_zh}）",
        "en": f"{_en} within {{window}} days (so far {_have_en})",
    }
    WORDS[f"criterion-{_metric}-ever"] = {"zh": f"累计{_zh}（目前{_have_zh}）", "en": f"{_en} (so far {_have_en})"}


class Teller:
    """Tells of one standard in one language."""

    def __init__(self, tiers: Sequence[Mapping[str, Any]], language: str) -> None:
        self.language = language
        self._names = {tier["code"]: reasons.choose(tier["name"], language) or tier["code"] for tier in tiers}

    def name(self, code: str | None) -> str:
        """Return a tier's name; one that is of another standard goes by its code."""
        return self._names.get(code, code) if code is not None else "–"

    def say(self, code: str, **parameters: str | int) -> str:
        """Return words."""
        return reasons.render(Reason(code, parameters), self.language)

    def move(self, reason: str, came: str | None, goes: str | None) -> str:
        """Return why a member is where they are."""
        return self.say(reason, **{"from": self.name(came), "to": self.name(goes)})

    def criterion(self, one: Progress) -> CriterionProgress:
        """Return how far a member is with a criterion, in numbers and words."""
        kind = "window" if one.window_days else "ever"
        if one.have is None:
            kind = "never"
        words = self.say(
            f"criterion-{one.metric}-{kind}",
            need=one.need,
            have="–" if one.have is None else one.have,
            window=one.window_days or 0,
        )
        return CriterionProgress(
            metric=one.metric, window_days=one.window_days, need=one.need, have=one.have, met=one.met, words=words
        )

    def day(self, instant: datetime) -> str:
        """Return an instant's day as this language writes it."""
        return (
            f"{instant.year}年{instant.month}月{instant.day}日" if self.language == "zh" else instant.date().isoformat()
        )
