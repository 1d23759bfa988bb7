"""Tags: the brand's own words on its members."""
