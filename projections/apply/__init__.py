"""From events to rows, exactly once, and what becomes of events that can't be applied."""
