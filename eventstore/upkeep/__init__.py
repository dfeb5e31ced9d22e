"""What is done again and again: months, the stored watermark; servers that only read."""
