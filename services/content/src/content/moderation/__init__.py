"""What may be said: detectors named by clauses, what they hold back, and what keeps somebody from speaking."""
