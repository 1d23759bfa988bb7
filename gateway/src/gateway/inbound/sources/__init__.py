"""Where a partner's webhooks are taken, and by which keys they are verified."""
