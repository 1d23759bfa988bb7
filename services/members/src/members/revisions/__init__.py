"""Documents that are kept in versions, the highest of which is in force: charters, cards, forms, screening policies."""
