"""What the demo community is for and whom it lets in: the answers that every community needs before it opens."""

from __future__ import annotations

from typing import Final

CHARTER: Final = {
    "audience": {
        "zh": "每天能拿出二十分钟、想真正用起英语的成年人，从初学到能聊天的都欢迎。",
        "en": "Adults with twenty minutes a day who want to use English for real, from beginners to those who can chat.",
    },
    "need": {
        "zh": "学了很多年，能读一点，却不敢开口；一个人坚持不下来，写了也没有人改。",
        "en": "Years of study, some reading, and still afraid to speak; hard to keep up alone, and nobody to correct a sentence.",
    },
    "activity": {
        "zh": "每天一个话题，写或说三句话，给两位同伴回应；周三交流方法，周五交换资料。",
        "en": "One topic a day: write or say three sentences and answer two others. Methods on Wednesday, materials on Friday.",
    },
    "voice": {
        "zh": "陈老师带话题、改句子；机器人小火苗只发提醒，并且写明自己是机器人。",
        "en": "Chen, the teacher, leads topics and corrects sentences. Ember, a bot that says it is one, only reminds.",
    },
    "offering": {
        "zh": "每日话题、逐句修改、每周资料，以及可以练口语的小组。",
        "en": "Daily topics, sentence by sentence corrections, weekly materials, and small groups to speak in.",
    },
    "promise": {
        "zh": "坚持四周，你能不打草稿，用英语讲完自己的一天。",
        "en": "Keep it up for four weeks and you can tell your day in English without a draft.",
    },
    "business_link": {
        "zh": "学得起劲的人会报名小班课；群里不发广告，课程只在周五的资料帖里提一次。",
        "en": "Who enjoys learning signs up for small classes; no advertising here, one mention in Friday's post of materials.",
    },
}

GOALS: Final = (
    {
        "title": {"zh": "每周有三十人开口", "en": "Thirty people speak every week"},
        "metric": "active_members_7_days",
        "target": 30,
        "days": 90,
    },
    {
        "title": {
            "zh": "社群满一百人，人人说得出为什么来",
            "en": "A hundred members, each of whom can say why they came",
        },
        "metric": "members",
        "target": 100,
        "days": 180,
    },
)
"""`days` from the first start is when a goal is due."""

FORM: Final = {
    "title": {"zh": "入群申请", "en": "Application to join"},
    "introduction": {
        "zh": "四个问题，一分钟。答案只用来分组，不作他用。",
        "en": "Four questions, one minute. Your answers find you a group and serve nothing else.",
    },
    "questions": [
        {
            "key": "level",
            "kind": "single",
            "label": {"zh": "你现在的英语？", "en": "Your English today?"},
            "options": [
                {
                    "key": "beginner",
                    "label": {"zh": "能读一点，不敢说", "en": "I read a little and dare not speak"},
                    "points": 3,
                },
                {"key": "talker", "label": {"zh": "能聊几句", "en": "I can chat a bit"}, "points": 3},
                {
                    "key": "seller",
                    "label": {"zh": "我来推广课程", "en": "I promote courses"},
                    "knock_out": {
                        "zh": "这里只欢迎来学习的人，不接待推广。",
                        "en": "This place is for people who learn; promotion is not welcome.",
                    },
                },
            ],
        },
        {
            "key": "days",
            "kind": "scale",
            "label": {"zh": "一周能来几天？", "en": "How many days a week can you come?"},
            "lowest": 0,
            "highest": 7,
            "points_per_step": 1,
        },
        {
            "key": "why",
            "kind": "text",
            "label": {"zh": "为什么想学？", "en": "Why do you want to learn?"},
            "required": False,
            "max_length": 300,
        },
        {
            "key": "rules",
            "kind": "consent",
            "label": {
                "zh": "我会友善改错，不发广告，不外传别人的练习。",
                "en": "I correct kindly, post no advertising, and share nobody's practice elsewhere.",
            },
        },
    ],
}

POLICY: Final = {
    "mode": "automatic",
    "approve_at": 5,
    "reject_below": 1,
    "decide_within_hours": 48,
    "reapply_after_days": 14,
    "tag_rules": [
        {"when": {"all": [{"question": "level", "any_of": ["beginner"]}]}, "tags": ["beginner"]},
        {"when": {"all": [{"question": "level", "any_of": ["talker"]}]}, "tags": ["talker"]},
    ],
}

PERSONAS: Final = (
    {
        "name": {"zh": "重新开始的初学者", "en": "Beginners starting again"},
        "description": {
            "zh": "学过，放下了，想从开口重新开始。",
            "en": "Learnt once, let it go, start again by speaking.",
        },
        "position": 1,
        "rule": {"all": [{"question": "level", "any_of": ["beginner"]}]},
        "quota": 200,
    },
    {
        "name": {"zh": "能聊几句的同伴", "en": "Companions who can chat"},
        "description": {"zh": "愿意练，也愿意带一带别人。", "en": "Willing to practise, and to take others along."},
        "position": 2,
        "rule": {"all": [{"question": "level", "any_of": ["talker"]}]},
        "quota": 100,
    },
)

CARD: Final = {
    "purpose": {"zh": "每天一起用二十分钟英语。", "en": "Twenty minutes of English together, every day."},
    "rules": [
        {
            "text": {"zh": "先夸一句，再改一处", "en": "One praise, then one correction"},
            "interpretation": {
                "zh": "一次只改一处，改到对方能记住；不嘲笑发音和拼写。",
                "en": "One correction at a time, so that it can be remembered; nobody's sounds or spelling are laughed at.",
            },
        },
        {
            "text": {"zh": "不发广告", "en": "No advertising"},
            "interpretation": {
                "zh": "课程链接、二维码、求关注都算；资料先发到周五的资料帖。",
                "en": "Links to courses, QR codes and calls to follow count too; materials go to Friday's post.",
            },
        },
    ],
    "times": {
        "zh": "每天 12:00 话题，周三方法，周五资料",
        "en": "A topic at 12:00 daily, methods on Wednesday, materials on Friday",
    },
}
