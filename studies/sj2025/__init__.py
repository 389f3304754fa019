"""The experiment of Shukla and Joshi (2025) on public recordings: `python -m studies.sj2025` makes its page."""
