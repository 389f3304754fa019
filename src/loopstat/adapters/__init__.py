"""Recorders and stoppers for the loops of other packages: one small file each, which needs its package alone."""
