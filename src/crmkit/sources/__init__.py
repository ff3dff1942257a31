"""Records from elsewhere: CSV files, JSON Resume, Greenhouse. One public module each.

Each has a ``read`` that returns an `Imported`. With ``on_error="raise"`` (the default) the first
fault raises a `crmkit.errors.SourceError` that says where it is, and nothing is returned; with
``"collect"`` the good records are kept and the faulty ones come back with their reasons, for
`write_rejected`. A fault of the file as a whole (missing, undecodable, a column that is not
there) raises either way.
"""

from crmkit.sources._imported import Imported, Rejected, write_rejected

__all__ = ["Imported", "Rejected", "write_rejected"]
