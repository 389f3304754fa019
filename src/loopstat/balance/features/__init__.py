"""Potentials that are functions of features of the states."""
