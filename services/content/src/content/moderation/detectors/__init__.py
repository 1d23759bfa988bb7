"""Detectors: what a community looks for in texts, each named by the clause that it watches over."""
