"""Kill -9 at every kind of write, and what is found afterwards."""
