"""Comments and reactions as files."""

from chassis.sheets import Column, Filter, Sheet
from content.posts.sheets import said_with

_COMMENT = (
    Column("id", {"en": "Comment", "zh": "评论编号"}, "comment.id"),
    Column("commented_at", {"en": "Written", "zh": "评论时间"}, "comment.commented_at", moment=True),
    Column("author_id", {"en": "Author", "zh": "作者账号"}, "comment.author_id"),
    Column("post_id", {"en": "Post", "zh": "帖子编号"}, "comment.post_id"),
    Column("parent_id", {"en": "Answers the comment", "zh": "回复的评论"}, "comment.parent_id"),
    Column("body", {"en": "Text", "zh": "正文"}, "comment.body"),
    Column("edited_at", {"en": "Edited", "zh": "修改时间"}, "comment.edited_at", moment=True),
    *said_with("comment"),
    Column("origin", {"en": "Origin", "zh": "来源"}, "comment.origin"),
    Column("external_id", {"en": "Id where it came from", "zh": "来源编号"}, "comment.external_id"),
)
COMMENTS = Sheet(
    name="comments",
    source="post JOIN comment ON comment.post_id = post.id AND comment.deleted_at IS NULL AND comment.state = 'published'",
    where="post.community_id = :community_id AND post.deleted_at IS NULL AND post.state = 'published'",
    # Post by post: comments alone have no index by community and time.
    keys=(
        ("post.published_at", "timestamptz"),
        ("post.id", "uuid"),
        ("comment.commented_at", "timestamptz"),
        ("comment.id", "uuid"),
    ),
    leading=2,
    filters={"author": Filter("comment.author_id = :author", "uuid")},
    columns=_COMMENT,
)
POST_COMMENTS = Sheet(
    name="post-comments",
    source="comment",
    where="comment.community_id = :community_id AND comment.deleted_at IS NULL AND comment.state = 'published'",
    keys=(("comment.commented_at", "timestamptz"), ("comment.id", "uuid")),
    filters={"post_id": Filter("comment.post_id = :post_id", "uuid", required=True)},
    columns=_COMMENT,
)


def _reactions(kind: str) -> Sheet:
    """Return the list of who reacted to one post or comment, which `subject_id` names."""
    return Sheet(
        name=f"{kind}-reactions",
        source="reaction",
        where=f"reaction.community_id = :community_id AND reaction.subject_kind = '{kind}' AND cardinality(reaction.emojis) > 0",
        keys=(("reaction.id", "uuid"),),
        filters={"subject_id": Filter("reaction.subject_id = :subject_id", "uuid", required=True)},
        columns=(
            Column("account_id", {"en": "Account", "zh": "账号"}, "reaction.account_id"),
            Column("emojis", {"en": "Reactions", "zh": "表情回应"}, "reaction.emojis"),
            Column("reacted_at", {"en": "Last change", "zh": "最近变更"}, "reaction.reacted_at", moment=True),
        ),
    )


POST_REACTIONS = _reactions("post")
COMMENT_REACTIONS = _reactions("comment")
