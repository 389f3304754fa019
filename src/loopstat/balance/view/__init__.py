"""What is said and drawn of a balance fit: a `Document` of sections, facts, sheets and charts."""

from .document import document as document
