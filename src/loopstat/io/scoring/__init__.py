"""Texts of files and tables on their way to scores, and the scores on their way into tables."""
