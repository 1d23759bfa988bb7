"""How a text is looked at: pure detection over folded text, without I/O."""
