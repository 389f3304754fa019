"""Charts as SVG text: quiet, labelled directly, readable in light and dark, with a description for screen readers.

Coordinates are CSS pixels. Colours are the page's classes `t-TONE`; alone, a picture brings them along.
"""

from .picture import draw as draw
