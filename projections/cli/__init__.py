"""The commands of projections, beside those of the store."""
