"""Standards: which tiers a community has, what each gives, and what it takes to come in and to stay."""
