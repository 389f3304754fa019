"""Tables of sessions, one row per proposal: their keys, objectives, parents, and the panel they make."""
