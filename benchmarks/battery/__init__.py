"""Planted holes and inefficiencies with clean twins, and the table of what each suite catches of them."""
