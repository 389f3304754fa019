"""Text in, named scores in [0, 10] and findings out; what is scored is never run, imported or evaluated."""
