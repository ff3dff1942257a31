"""Creating the tables, and making sure that they are the right ones."""

from sqlalchemy import Connection, inspect, select
from sqlalchemy.exc import OperationalError

from crmkit.errors import StoreError
from crmkit.stores._sql_connection import Database
from crmkit.stores._sql_faults import translated
from crmkit.stores._sql_schema import SCHEMA_VERSION, meta, metadata
"""
"""
