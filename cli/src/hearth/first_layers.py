"""How the demo community is layered: its groups, the rules into them, its tiers, a segment and a door."""

from __future__ import annotations

from typing import Any, Final

GROUPS: Final[tuple[dict[str, Any], ...]] = (
    {
        "tag": "beginner",
        "group": {
            "dimension": "department",
            "name": {"zh": "新芽组", "en": "Sprouts"},
            "capacity": 30,
        },
        "card": {
            "purpose": {"zh": "不怕错，先说出三句话。", "en": "No fear of mistakes: three sentences first."},
            "rules": [
                {
                    "text": {"zh": "可以夹中文", "en": "Chinese in between is fine"},
                    "interpretation": {
                        "zh": "想不起来的词先用中文，同伴会告诉你英文怎么说。",
                        "en": "Say a missing word in Chinese; somebody will tell you the English one.",
                    },
                }
            ],
            "times": {"zh": "每天 20:00 三句话", "en": "Three sentences at 20:00 daily"},
        },
    },
    {
        "tag": "talker",
        "group": {
            "dimension": "department",
            "name": {"zh": "口语角", "en": "Speaking corner"},
            "capacity": 30,
        },
        "card": {
            "purpose": {"zh": "围绕当日话题聊十分钟。", "en": "Ten minutes of talk about the topic of the day."},
            "rules": [
                {
                    "text": {"zh": "聊天时只说英语", "en": "English only while we talk"},
                    "interpretation": {
                        "zh": "卡住了可以停下来查词；结束以后再用中文讨论。",
                        "en": "Stop and look a word up when stuck; discuss in Chinese afterwards.",
                    },
                }
            ],
            "times": {"zh": "每天 21:00，周六直播", "en": "21:00 daily, live on Saturdays"},
        },
    },
)
"""Who has the tag comes into the group; a full group opens its next."""

TIERS: Final[dict[str, Any]] = {
    "grace_days": 14,
    "tiers": [
        {"code": "sprout", "name": {"zh": "新芽", "en": "Sprout"}},
        {
            "code": "classmate",
            "name": {"zh": "同学", "en": "Classmate"},
            "privileges": [
                {"code": "materials", "name": {"zh": "下载每周资料", "en": "Download the weekly materials"}}
            ],
            "entry": {"all": [{"metric": "active_days", "threshold": 3, "window_days": 30}]},
        },
        {
            "code": "companion",
            "name": {"zh": "学伴", "en": "Companion"},
            "privileges": [
                {"code": "materials", "name": {"zh": "下载每周资料", "en": "Download the weekly materials"}},
                {
                    "code": "early-signup",
                    "name": {"zh": "提前一天报名直播", "en": "Sign up for live hours a day earlier"},
                    "params": {"hours": 24},
                },
            ],
            "entry": {
                "all": [
                    {"metric": "active_days", "threshold": 6, "window_days": 30},
                    {"metric": "comments", "threshold": 5, "window_days": 30},
                ]
            },
        },
        {
            "code": "lead-reader",
            "name": {"zh": "领读", "en": "Lead reader"},
            "privileges": [
                {"code": "materials", "name": {"zh": "下载每周资料", "en": "Download the weekly materials"}},
                {
                    "code": "early-signup",
                    "name": {"zh": "提前两天报名直播", "en": "Sign up for live hours two days earlier"},
                    "params": {"hours": 48},
                },
                {"code": "lead-topic", "name": {"zh": "带一天的话题", "en": "Lead the topic for a day"}},
            ],
            "entry": {
                "all": [
                    {"metric": "active_days", "threshold": 12, "window_days": 30},
                    {"metric": "reactions_received_from_distinct", "threshold": 5, "window_days": 30},
                    {"metric": "reactions_received_on_distinct_days", "threshold": 3, "window_days": 30},
                ]
            },
        },
    ],
}

SEGMENT: Final = {
    "name": {"zh": "来过又安静下来的人", "en": "Who came and fell silent"},
    "filter": {
        "any": [
            {"never_active": True},
            {"fact": "last_activity_days_ago", "window_days": None, "op": ">=", "value": 14},
        ]
    },
}

DOOR: Final = {
    "kind": "qr",
    "channel": "article",
    "title": {"zh": "公众号文末的二维码", "en": "QR code at the end of the article"},
    "most": 500,
    "tags": ["from-article"],
}
