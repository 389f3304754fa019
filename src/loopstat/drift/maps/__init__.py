"""Estimators of the one-step map."""
