"""Application forms: what a community asks whoever wants to belong."""
