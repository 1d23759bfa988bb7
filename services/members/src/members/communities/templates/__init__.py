"""Community templates: what communities are made from, and how a change of it reaches those that were."""
