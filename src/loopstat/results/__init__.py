"""What is claimed: estimates, checks, verdicts, documents."""
