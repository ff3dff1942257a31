"""Metrics: numbers that carry their definition, what they were counted from, and until when."""
