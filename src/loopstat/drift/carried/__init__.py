"""Drift fits from sums that several parts of a recording were brought down to, without their rows."""
