"""What is said and drawn of a drift fit: a `Document` of sections, facts, sheets and charts."""

from .document import document as document
