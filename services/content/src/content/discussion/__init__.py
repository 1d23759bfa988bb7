"""Discussion: comments and reactions."""
