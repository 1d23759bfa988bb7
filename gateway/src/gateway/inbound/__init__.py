"""What partners tell: their webhooks, verified and kept before they are answered, and what is made of them."""
