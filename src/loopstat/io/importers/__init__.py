"""Logs of other tools as tables of steps: one small file a format, found by what is in a log and never by its name.

A format is a `Log` (`log.py`): it says how sure it is that something is its own, and makes rows of it. `registry.py`
lists ours; other packages name theirs under the entry-point group `loopstat.importers`. Nothing in a log is run.
"""
