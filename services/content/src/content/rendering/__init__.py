"""Rendering: what Markdown becomes, a tree of nodes for apps and HTML for browsers. Nothing else is ever in either."""
