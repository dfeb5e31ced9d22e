"""What the rows were, what they should be, and what other rules would make of them."""
