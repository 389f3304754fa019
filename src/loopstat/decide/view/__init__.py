"""Decisions in sections, facts, tables and pictures."""

from .document import document as document
