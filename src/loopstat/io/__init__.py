"""Tables in: files and dataframes to a Panel, and small tables to start from."""

from __future__ import annotations

from .noise import read_scorer_noise
from .tables import read
from .template import template

__all__ = ["read", "read_scorer_noise", "template"]
