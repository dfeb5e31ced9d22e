"""The rules of trust, a file for each subject."""
