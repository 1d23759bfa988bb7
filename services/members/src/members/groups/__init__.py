"""Groups: sub-communities along a dimension, each with hosts and a capacity; a full one opens its next."""
