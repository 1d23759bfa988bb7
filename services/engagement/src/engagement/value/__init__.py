"""Value: what a community brings to the business; so far the orders that partners' systems tell."""
