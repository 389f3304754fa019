"""Many files, more than memory: sums of parts of a recording, which merge to the answer of one run over all."""
