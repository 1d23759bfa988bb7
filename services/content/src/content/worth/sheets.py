"""Worth as a file."""

from chassis.sheets import Column, Filter, Sheet


def _count(name: str, en: str, zh: str) -> Column:
    return Column(name, {"en": en, "zh": zh}, f"coalesce(worth.{name}, 0)")


WORTH = Sheet(
    name="worth",
    source="post LEFT JOIN worth ON worth.post_id = post.id",
    where="post.community_id = :community_id AND post.state IN ('published', 'expired')",
    keys=(("post.published_at", "timestamptz"), ("post.id", "uuid")),
    filters={"kind": Filter("post.kind = :kind"), "theme": Filter("post.theme_id = :theme", "uuid")},
    columns=(
        Column("id", {"en": "Post", "zh": "帖子编号"}, "post.id"),
        Column("published_at", {"en": "Published", "zh": "发布时间"}, "post.published_at", moment=True),
        Column("kind", {"en": "Kind", "zh": "类型"}, "post.kind"),
        Column("title", {"en": "Title", "zh": "标题"}, "post.title"),
        Column("theme_id", {"en": "Theme", "zh": "主题编号"}, "post.theme_id"),
        Column("promotion", {"en": "Promotion", "zh": "推广"}, "post.promotion"),
        Column("score", {"en": "Score", "zh": "价值分"}, "coalesce(worth.score, 0)"),
        Column("score_version", {"en": "Formula", "zh": "公式版本"}, "worth.score_version"),
        _count("points", "Points", "积点"),
        _count("readers", "Readers", "阅读人数"),
        _count("saves", "Saves", "收藏人数"),
        _count("discussants", "Discussants", "讨论人数"),
        _count("repliers", "Repliers", "互相回复人数"),
        _count("compared", "Compared readers", "可比较读者"),
        _count("returned", "Came back the next day", "次日回访"),
        _count("expected", "Expected by habit", "按习惯预期"),
        _count("referrals", "Referrals", "转介绍"),
        _count("orders", "Orders", "订单"),
        Column("counted_at", {"en": "Counted", "zh": "统计时间"}, "worth.counted_at", moment=True),
        Column("origin", {"en": "Origin", "zh": "来源"}, "post.origin"),
    ),
)
