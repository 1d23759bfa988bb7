"""What partners' programs asked of the API: each call is written down before it is passed on, and completed when it was answered."""
