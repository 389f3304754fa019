"""Tables as files: what kind, which cells, frames, columns."""
