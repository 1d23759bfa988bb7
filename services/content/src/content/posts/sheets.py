"""Posts as a file."""

from chassis.sheets import Column, Filter, Sheet


def said_with(kind: str) -> tuple[Column, Column]:
    """Return the columns of how many reacted with what to a post or a comment, and of the files that came with it."""
    return (
        Column(
            "reactions",
            {"en": "Reactions", "zh": "表情回应"},
            f"""ARRAY(SELECT emoji || ' ' || count(*) FROM reaction, unnest(reaction.emojis) AS emoji
                WHERE reaction.subject_id = {kind}.id AND reaction.subject_kind = '{kind}' AND cardinality(reaction.emojis) > 0
                GROUP BY emoji ORDER BY count(*) DESC, emoji)""",
        ),
        Column(
            "attachments",
            {"en": "Files", "zh": "附件"},
            f"ARRAY(SELECT one ->> 'name' FROM jsonb_array_elements({kind}.attachments) AS one WHERE one ->> 'name' IS NOT NULL)",
        ),
    )


POSTS = Sheet(
    name="posts",
    source="post",
    where="post.community_id = :community_id AND post.deleted_at IS NULL AND post.state = 'published'",
    keys=(("post.published_at", "timestamptz"), ("post.id", "uuid")),
    filters={
        "section": Filter("post.section = :section"),
        "author": Filter("post.author_id = :author", "uuid"),
    },
    columns=(
        Column("id", {"en": "Post", "zh": "帖子编号"}, "post.id"),
        Column("published_at", {"en": "Published", "zh": "发布时间"}, "post.published_at", moment=True),
        Column("author_id", {"en": "Author", "zh": "作者账号"}, "post.author_id"),
        Column("kind", {"en": "Kind", "zh": "类型"}, "post.kind"),
        Column("section", {"en": "Section", "zh": "版块"}, "post.section"),
        Column("title", {"en": "Title", "zh": "标题"}, "post.title"),
        Column("body", {"en": "Text", "zh": "正文"}, "post.body"),
        Column("edited_at", {"en": "Edited", "zh": "修改时间"}, "post.edited_at", moment=True),
        Column(
            "comments",
            {"en": "Comments", "zh": "评论数"},
            "(SELECT count(*) FROM comment WHERE comment.post_id = post.id AND comment.deleted_at IS NULL AND comment.state = 'published')",
        ),
        *said_with("post"),
        Column("origin", {"en": "Origin", "zh": "来源"}, "post.origin"),
        Column("external_id", {"en": "Id where it came from", "zh": "来源编号"}, "post.external_id"),
    ),
)
