"""Attribution: orders and referrals that their owners put down to a piece."""
