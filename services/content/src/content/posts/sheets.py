"""Posts as a file."""

from chassis.sheets import Column, Filter, Sheet

POSTS = Sheet(
    name="posts",
    source="post",
    where="post.community_id = :community_id AND post.deleted_at IS NULL",
    keys=(("post.published_at", "timestamptz"), ("post.id", "uuid")),
    filters={
        "section": Filter("post.section = :section"),
        "author": Filter("post.author_id = :author", "uuid"),
    },
    columns=(
        Column("id", {"en": "Post", "zh": "帖子编号"}, "post.id"),
        Column("published_at", {"en": "Published", "zh": "发布时间"}, "post.published_at", moment=True),
        Column("author_id", {"en": "Author", "zh": "作者账号"}, "post.author_id"),
        Column("section", {"en": "Section", "zh": "版块"}, "post.section"),
        Column("title", {"en": "Title", "zh": "标题"}, "post.title"),
        Column("body", {"en": "Text", "zh": "正文"}, "post.body"),
        Column("edited_at", {"en": "Edited", "zh": "修改时间"}, "post.edited_at", moment=True),
        Column(
            "comments",
            {"en": "Comments", "zh": "评论数"},
            "(SELECT count(*) FROM comment WHERE comment.post_id = post.id AND comment.deleted_at IS NULL)",
        ),
        Column(
            "reactions",
            {"en": "Reactions", "zh": "表情回应"},
            """ARRAY(SELECT emoji || ' ' || count(*) FROM reaction, unnest(reaction.emojis) AS emoji
                WHERE reaction.subject_id = post.id AND reaction.subject_kind = 'post' AND cardinality(reaction.emojis) > 0
                GROUP BY emoji ORDER BY count(*) DESC, emoji)""",
        ),
        Column(
            "attachments",
            {"en": "Files", "zh": "附件"},
            "ARRAY(SELECT one ->> 'name' FROM jsonb_array_elements(post.attachments) AS one WHERE one ->> 'name' IS NOT NULL)",
        ),
        Column("origin", {"en": "Origin", "zh": "来源"}, "post.origin"),
        Column("external_id", {"en": "Id where it came from", "zh": "来源编号"}, "post.external_id"),
    ),
)
