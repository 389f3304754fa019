"""The decision lens: what each further step is worth, and when to stop."""
