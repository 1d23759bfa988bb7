"""Members: who belongs, and by what standard."""
