"""Previews: what rules of assignment would do among those who belong now."""
