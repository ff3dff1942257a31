"""Candidate relationship management: every answer says why, and until when."""
