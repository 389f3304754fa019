"""Many settings of a loop of moves, simulated on the same random numbers: what pays, and what it hangs on."""
