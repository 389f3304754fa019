"""Tables in: files and dataframes to a Panel, and small tables to start from."""

from __future__ import annotations

from .tables import read
from .template import template

__all__ = ["read", "template"]
