"""The orders of a community as a file."""

from chassis.sheets import Column, Filter, Sheet


def _instant(name: str) -> str:
    # A filter comes as text.
    return f"CAST(CAST(:{name} AS text) AS timestamptz)"


ORDERS = Sheet(
    name="orders",
    source="customer_order AS bought",
    where="bought.community_id = :community_id",
    keys=(("bought.placed_at", "timestamptz"), ("bought.order_id", "uuid")),
    filters={
        "account_id": Filter("bought.account_id = :account_id", "uuid"),
        "since": Filter(f"bought.placed_at >= {_instant('since')}"),
        "until": Filter(f"bought.placed_at < {_instant('until')}"),
    },
    columns=(
        Column("id", {"en": "Order", "zh": "订单编号"}, "bought.order_id"),
        Column("placed_at", {"en": "Placed", "zh": "下单时间"}, "bought.placed_at", moment=True),
        Column("source", {"en": "Source", "zh": "来源系统"}, "bought.source"),
        Column("external_id", {"en": "Number there", "zh": "外部单号"}, "bought.external_id"),
        Column("client_id", {"en": "Partner", "zh": "合作方编号"}, "bought.client_id"),
        Column("account_id", {"en": "Account", "zh": "账号编号"}, "bought.account_id"),
        Column("post_id", {"en": "Post", "zh": "帖子编号"}, "bought.post_id"),
        Column("currency", {"en": "Currency", "zh": "币种"}, "bought.currency"),
        Column("amount_fen", {"en": "Amount (smallest unit)", "zh": "金额（分）"}, "bought.amount_fen"),
        Column("reversed_fen", {"en": "Given back", "zh": "退款（分）"}, "bought.reversed_fen"),
        Column("net_fen", {"en": "Left", "zh": "净额（分）"}, "bought.amount_fen - bought.reversed_fen"),
        Column("cancelled", {"en": "Cancelled", "zh": "已取消"}, "bought.cancelled"),
    ),
)
