"""What operators see of projectors, and what they should do about it."""
