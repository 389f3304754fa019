"""Loops and chains with known answers, to play with: what they do, and what recordings of them would let one say."""
