"""The charter: whom a community is for, what they do here, and what it brings. What is not decided here kills the community later."""
