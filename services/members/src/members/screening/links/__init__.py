"""Entry links and QR scenes: the doors of a community, each with its channel and its figures."""
