"""Search: posts and comments by their words, Chinese and English alike."""
