"""The words of the demo community 英语学习社群: four weeks of people who learn English together. All of it is invented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the demo, with the number of days since they joined."""

    key: str
    name: str
    days: int
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A comment, so many minutes after its post; `{key}` in a text mentions a person."""

    author: str
    minutes: int
    body: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A post: so many days ago, at a time of day in the community's zone. `reactions` maps an emoji to people's keys."""

    key: str
    author: str
    days: int
    time: str
    section: str
    body: str
    replies: tuple[Reply, ...] = ()
    reactions: tuple[tuple[str, str], ...] = ()


PEOPLE: Final = (
    Person("chen", "陈老师", 40),
    Person("ember", "小火苗 Ember", 40, bot=True),
    Person("lin", "林小雨", 29),
    Person("amy", "Amy Wang", 29),
    Person("tao", "张涛 Tom", 28),
    Person("daniel", "Daniel O'Connor", 28),
    Person("grace", "Grace Liu", 27),
    Person("zhou", "周明", 26),
    Person("mei", "梅子", 22),
    Person("kevin", "Kevin 李凯", 20),
    Person("bei", "小北", 14),
    Person("ruth", "Ruth Huang", 8),
    Person("jie", "阿杰", 25),
)

ENTRIES: Final = (
    Entry(
        "welcome",
        "chen",
        27,
        "09:00",
        "announcements",
        "大家好，欢迎来到英语学习社群！🌱\n\n"
        "我们的约定很简单：**每天二十分钟**，一起读、一起说、一起改。早上有问候，中午有当日话题，周三发学习方法，周五分享资料。\n\n"
        "Make mistakes here. That is what this place is for.\n\n先来报个到吧：你为什么学英语？",
        (
            Reply("lin", 14, "报到！我是林小雨，做外贸跟单的，想把邮件写得不那么“翻译腔”。"),
            Reply("amy", 22, "Hi everyone, I'm Amy. I read a lot but I freeze when I have to speak. 我想敢开口。"),
            Reply("tao", 41, "张涛，程序员。文档都能看懂，开会一句话都插不进去 😅"),
            Reply(
                "daniel",
                95,
                "Hello from Galway! I'm Daniel, I teach English and I'm learning Chinese. 我的中文不太好，请多多帮我。",
            ),
            Reply("chen", 101, "{daniel} 你的中文已经很好了！大家的问题可以放心交给他。"),
        ),
        (("❤️", "lin amy tao daniel grace"), ("👏", "zhou amy")),
    ),
    Entry(
        "first-topic",
        "chen",
        26,
        "12:30",
        "daily-topic",
        "**今日话题 · Daily topic**\n\nDescribe your morning in exactly three sentences. 用三句话描述你的早晨。",
        (
            Reply("amy", 12, "I wake up at seven. My cat wakes up at five. So I wake up at five."),
            Reply(
                "grace",
                18,
                "I make coffee before I open my eyes. Then I look for my glasses. They are usually in the kitchen.",
            ),
            Reply("tao", 35, "I very like sleep. Alarm is ring three times. After I run to metro."),
            Reply(
                "daniel",
                60,
                "{tao} Lovely rhythm! Small fixes: *I really like sleeping. The alarm rings three times. "
                "Then I run to the metro.* “Very like” is the one to watch.",
            ),
            Reply("tao", 66, "原来 very 不能直接修饰动词，学到了，谢谢！"),
        ),
        (("😂", "lin grace daniel"), ("👍", "chen zhou")),
    ),
    Entry(
        "method-shadowing",
        "chen",
        24,
        "20:00",
        "articles",
        "## 影子跟读：每天十分钟的开口练习\n\n"
        "1. 选一段 **30–60 秒** 的录音，语速比你舒服的速度快一点点。\n"
        "2. 先听两遍，不看文字，只抓节奏。\n"
        "3. 落后半秒跟着读，听不清的地方哼过去也可以。\n"
        "4. 对照文字，把哼过去的地方圈出来。\n"
        "5. 最后录一遍自己的声音。\n\n"
        "不要追求每个音都对，先追求**不断**。坚持两周，你会发现自己说话时停顿变少了。",
        (
            Reply("amy", 30, "第 2 步我老是忍不住看字幕……有什么办法吗？"),
            Reply("chen", 38, "把手机扣过来 😄 真的，物理隔离最有效。"),
            Reply("zhou", 120, "试了一段天气预报，第三遍才跟上。The rhythm is harder than the words."),
        ),
        (("🔥", "amy lin zhou"), ("👍", "grace tao")),
    ),
    Entry(
        "email-closing",
        "lin",
        23,
        "15:20",
        "questions",
        "给客户写邮件，结尾总写 *Please kindly reply as soon as possible*，老板说太催了。有没有更自然的说法？",
        (
            Reply(
                "daniel",
                25,
                "“Could you let me know by Thursday?” A date is polite *and* clear. “Kindly … ASAP” sounds cold to many of us.",
            ),
            Reply("grace", 33, "我一般写 *I look forward to hearing from you.*，安全但是没有期限。"),
            Reply("lin", 50, "周四那句太好用了，已经发出去了！"),
            Reply("lin", 1500, "后续：客户第二天就回了 🎉"),
        ),
        (("🙏", "tao amy"), ("🎉", "chen daniel")),
    ),
    Entry(
        "morning-1",
        "ember",
        21,
        "07:30",
        "greetings",
        "早安！☀️ Word of the day: **errand** /ˈerənd/ 差事，跑腿的事。*I have a few errands to run.* 今天你有什么 errands？",
        (
            Reply("grace", 20, "I need to pick up a parcel and buy soy sauce. Two errands!"),
            Reply("mei", 47, "Return a library book, three weeks late… 新人梅子报到 🙋"),
        ),
        (("☀️", "lin grace"),),
    ),
    Entry(
        "correct-weekend",
        "zhou",
        20,
        "21:10",
        "corrections",
        "求批改：\n\n> Last weekend I go to mountain with my friends. The weather was so good that we are very happy. "
        "We saw many people take photos there.",
        (
            Reply("grace", 15, "第一句时态：*went*，还有 *to the mountains*。"),
            Reply(
                "daniel",
                40,
                "*Last weekend I **went to the mountains** … so good that we **were** very happy. We saw many people **taking** photos.* "
                "“See somebody take” is the whole action; “taking” is a glimpse of it. Both exist!",
            ),
            Reply("zhou", 52, "see doing 和 see do 的区别第一次看懂，谢谢 {daniel}！"),
        ),
        (("👏", "chen mei"), ("💡", "amy lin kevin")),
    ),
    Entry(
        "podcasts",
        "grace",
        19,
        "18:40",
        "materials",
        "周五分享 📚 我在听的三类节目，由易到难：\n\n- 慢速新闻：每条两分钟，适合通勤\n- 访谈：语速自然，嘉宾口音多\n- 讲故事：词汇难，但情节会拉着你走\n\n大家补充！",
        (
            Reply("kevin", 26, "我加一个：听自己行业的播客。内容熟，英语就没那么难了。新人 Kevin，做产品的。"),
            Reply("chen", 70, "{kevin} 欢迎！这条非常对：**熟悉的内容 + 陌生的语言**，是最好的难度。"),
        ),
        (("📌", "chen"), ("❤️", "amy mei lin")),
    ),
    Entry(
        "topic-food",
        "chen",
        18,
        "12:30",
        "daily-topic",
        "**今日话题**：How would you explain 豆汁 (or your own hometown's strangest food) to a visitor?",
        (
            Reply("tao", 10, "It is a soup that fights back."),
            Reply("mei", 19, "长沙臭豆腐: it smells like a mistake and tastes like a memory."),
            Reply("daniel", 44, "{mei} That sentence is better than anything I've written this year."),
            Reply("kevin", 58, "潮汕生腌: the raw crab is sleeping in garlic. Is that right?"),
            Reply("grace", 75, "可以说 *marinated in garlic*，不过 sleeping 更可爱 😂"),
        ),
        (("😂", "amy lin grace daniel zhou"), ("🔥", "chen mei")),
    ),
    Entry(
        "used-to",
        "mei",
        16,
        "22:05",
        "questions",
        "*used to do*、*be used to doing*、*get used to doing*，我永远分不清，救救我 🆘",
        (
            Reply(
                "chen",
                600,
                "一张图记住：**过去常做**（现在不做了）→ used to do；**已经习惯** → be used to doing；**正在习惯** → get used to doing。",
            ),
            Reply(
                "amy", 630, "我的例句：*I used to hate mornings. I'm getting used to them. I'm not used to them yet!*"
            ),
            Reply("mei", 655, "Amy 这三句我要背下来。"),
        ),
        (("💯", "chen grace kevin"),),
    ),
    Entry(
        "method-notebook",
        "amy",
        15,
        "19:30",
        "articles",
        "## 我的“一页错题本”\n\n"
        "坚持三周了，来分享一下。每天只记**一条**自己真的说错过的话：\n\n"
        "| 我说的 | 应该说 |\n|---|---|\n| I am agree. | I agree. |\n| Open the light. | Turn on the light. |\n| How to say? | How do you say it? |\n\n"
        "周日把一周的七条大声读三遍。It is boring, and it works.",
        (
            Reply("lin", 18, "*Open the light* 我上周还说过……"),
            Reply("daniel", 33, "And I say 我开灯了吗 with the wrong tone every single time. We're even."),
            Reply("chen", 90, "这个方法我想放进下周的学习任务里，{amy} 可以吗？"),
            Reply("amy", 97, "Of course! 😊"),
        ),
        (("❤️", "chen lin mei grace"), ("📌", "chen")),
    ),
    Entry(
        "hello-bei",
        "bei",
        13,
        "10:15",
        "greetings",
        "大家好，我是小北，高三毕业生，暑假想把口语捡起来。Nice to meet you all!",
        (
            Reply("grace", 8, "Welcome! 先去看看置顶的影子跟读。"),
            Reply("chen", 15, "欢迎小北！今天中午的话题就等你了。"),
            Reply("kevin", 42, "Welcome aboard 🚀"),
        ),
        (("👋", "lin amy mei kevin daniel"),),
    ),
    Entry(
        "topic-advice",
        "chen",
        13,
        "12:30",
        "daily-topic",
        "**今日话题**：What is the best advice you ignored? 你没听的那条最好的建议是什么？",
        (
            Reply("bei", 21, "My mother said: take umbrella. I am writing this from under a bridge."),
            Reply("daniel", 30, "{bei} *take **an** umbrella*. And please stay dry!"),
            Reply("zhou", 64, "“Read the contract.” 我没读。The gym still has my money."),
        ),
        (("😂", "amy chen grace mei"),),
    ),
    Entry(
        "materials-films",
        "kevin",
        12,
        "20:20",
        "materials",
        "整理了一份**看电影学英语**的清单，按语速分了三档，每部标了 5 分钟最值得反复听的片段。重点不是看完，是把 5 分钟听透。",
        (
            Reply("mei", 25, "5 分钟这个想法太好了，我以前都是看完一部什么也没记住。"),
            Reply("amy", 44, "Do you turn the subtitles off?"),
            Reply("kevin", 49, "先英文字幕，第三遍关掉。"),
        ),
        (("👍", "lin grace bei zhou"),),
    ),
    Entry(
        "correct-intro",
        "bei",
        11,
        "21:30",
        "corrections",
        "面试自我介绍求批改 🙏\n\n> I graduated this year. I am good at to communicate with people and I have interest on computer.",
        (
            Reply("grace", 20, "*good at **communicating***，*interested **in** computers*。介词后面用 -ing。"),
            Reply(
                "daniel",
                55,
                "And give one small story: *I ran our school's book swap for two years.* People remember stories, not adjectives.",
            ),
            Reply(
                "bei", 70, "改好了：*I'm good at communicating with people: I ran our class newspaper for two years.*"
            ),
            Reply("chen", 82, "漂亮！👏"),
        ),
        (("💡", "mei lin"), ("👏", "chen amy daniel")),
    ),
    Entry(
        "morning-2",
        "ember",
        10,
        "07:30",
        "greetings",
        "早安！🌤 Word of the day: **procrastinate** 拖延。*I'll stop procrastinating tomorrow.*",
        (
            Reply("tao", 33, "I feel attacked."),
            Reply("lin", 41, "I was going to reply yesterday 😂"),
        ),
        (("😂", "grace mei bei"),),
    ),
    Entry(
        "meeting",
        "tao",
        9,
        "19:45",
        "questions",
        "今天开会终于说了一句！我说 *I have a question about this design.* 但对方反问我，我就卡住了……怎么争取一点思考时间？",
        (
            Reply(
                "daniel",
                20,
                "“Good question, let me think for a second.” Then *actually* be silent. Two seconds feel long only to you.",
            ),
            Reply("kevin", 31, "我常用 *Let me make sure I understand…*，重复一遍对方的话，脑子就追上来了。"),
            Reply("amy", 38, "Congratulations on the first sentence! 🎉"),
            Reply("tao", 60, "三句都抄在便利贴上了。"),
        ),
        (("🎉", "chen lin amy grace kevin"), ("💪", "bei mei")),
    ),
    Entry(
        "hello-ruth",
        "ruth",
        7,
        "13:05",
        "greetings",
        "Hi! I'm Ruth, a nurse in Chengdu. 值班的时候经常遇到外国病人，想学一些温柔又准确的表达。",
        (
            Reply(
                "daniel",
                35,
                "Welcome Ruth! Start with “This may sting a little” and “You're doing great.” They work for patients *and* for learners.",
            ),
            Reply("ruth", 50, "“You're doing great” 我今天就要用！"),
        ),
        (("❤️", "chen grace lin mei"), ("👋", "amy bei")),
    ),
    Entry(
        "topic-small-joy",
        "chen",
        6,
        "12:30",
        "daily-topic",
        "**今日话题**：Name one small thing that made this week better. 说一件让这周变好的小事。",
        (
            Reply("lin", 9, "A customer wrote: “Your emails are always so clear.” I screenshot it."),
            Reply("daniel", 25, "{lin} Frame it! (*I took a screenshot of it* or *I screenshotted it*. Both fine.)"),
            Reply("ruth", 140, "A little patient gave me a drawing. I am a superhero in it."),
        ),
        (("❤️", "chen amy mei ruth bei"), ("👏", "grace")),
    ),
    Entry(
        "method-chunks",
        "chen",
        5,
        "20:00",
        "articles",
        "## 不背单词，背“词块”\n\n"
        "会 *make*，会 *decision*，却说 *do a decision*，问题不在单词，在搭配。\n\n"
        "- 读到好句子，划下 **3–5 个词的整块**：*make up my mind*、*on second thought*、*it slipped my mind*\n"
        "- 当天用它造一个**关于自己**的句子\n- 三天后不看笔记再说一次\n\n一周十块，比一天五十个词管用。",
        (
            Reply("mei", 40, "*It slipped my mind* 太实用了，交作业晚了就说这句（不是）。"),
            Reply("bei", 75, "On second thought, I will study today."),
        ),
        (("🔥", "lin ruth kevin"), ("📌", "grace")),
    ),
    Entry(
        "affect-effect",
        "grace",
        4,
        "17:10",
        "questions",
        "*affect* 和 *effect* 有没有不用想就能记住的办法？",
        (
            Reply(
                "daniel",
                45,
                "**A**ffect is the **a**ction, **e**ffect is the **e**nd. Nine times out of ten that's enough.",
            ),
            Reply("grace", 51, "The effect of this tip: I'm no longer affected by this question 😎"),
        ),
        (("💯", "amy ruth"), ("😂", "chen")),
    ),
    Entry(
        "materials-nurse",
        "ruth",
        3,
        "22:00",
        "materials",
        "整理了 20 句病房里常用的英语，按“进门、检查、疼痛、告别”分好类了。希望有人用得上，也欢迎挑错。",
        (
            Reply("chen", 30, "第一周就贡献资料，太棒了！"),
            Reply("amy", 600, "第 7 句 *Where does it hurt?* 比 *Where is your pain?* 自然，已经是对的了 👍"),
        ),
        (("❤️", "chen grace daniel"), ("🙏", "lin")),
    ),
    Entry(
        "correct-diary",
        "mei",
        2,
        "21:40",
        "corrections",
        "今天的日记，求批改：\n\n> I was boring in the meeting, so I drew a cat. My boss saw it and he said it is lovely.",
        (
            Reply("kevin", 12, "*I was **bored***！boring 是说自己无聊 😂"),
            Reply("daniel", 30, "*He said it **was** lovely.* And what a good boss."),
            Reply("mei", 36, "所以我刚才说“我这个人很无聊”……行吧，也没错。"),
        ),
        (("😂", "tao lin amy ruth"),),
    ),
    Entry(
        "morning-3",
        "ember",
        1,
        "07:30",
        "greetings",
        "早安！🌈 Word of the day: **cozy** 温暖舒适的。*What makes a place cozy for you?*",
        (
            Reply("ruth", 25, "Warm light and nobody calling my name."),
            Reply("grace", 38, "A blanket, a book and rain outside."),
        ),
        (("☀️", "mei bei"),),
    ),
    Entry(
        "topic-letter",
        "chen",
        1,
        "12:30",
        "daily-topic",
        "**今日话题**：Write two lines to yourself four weeks ago. 给四周前的自己写两句话。",
        (
            Reply("amy", 15, "Dear Amy, you will speak in a meeting. Nobody will die."),
            Reply("tao", 28, "Dear Tom, stop saying “very like”. I really like you."),
            Reply("lin", 46, "Dear Lin, Thursday is a magic word."),
        ),
        (("❤️", "chen daniel grace bei"), ("😂", "mei kevin")),
    ),
    Entry(
        "one-month",
        "chen",
        1,
        "20:30",
        "announcements",
        "四周了！谢谢每一位开口的人 🎉 下周开始我们试试**两人一组的五分钟对话**，想参加的在下面留言，写上你方便的时间段就好。",
        (
            Reply("bei", 9, "参加！晚上都可以。"),
            Reply("ruth", 17, "我排班不固定，可以提前一天约吗？"),
            Reply("chen", 24, "{ruth} 可以，提前一天说一声就行。"),
            Reply("kevin", 33, "Count me in, weekday evenings."),
        ),
        (("🎉", "amy lin grace mei tao daniel"), ("🙌", "bei ruth")),
    ),
)
