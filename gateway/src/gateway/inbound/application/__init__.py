"""Applying what messages say, in the order of its versions."""
