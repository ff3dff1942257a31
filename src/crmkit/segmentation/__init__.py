"""Segments: rules over a relationship that say who belongs, why, and until when."""

from crmkit.segmentation._membership import Membership, Transition

__all__ = ["Membership", "Transition"]
