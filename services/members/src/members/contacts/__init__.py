"""The people of partners' systems: whom each of them stands for here, and what the partner tells of them."""
