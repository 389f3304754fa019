"""What sessions will hold: predictors, how they do on held-out clusters, and what they foretell."""
