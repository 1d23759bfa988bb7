"""What uploads stand in: posts, comments and items."""
