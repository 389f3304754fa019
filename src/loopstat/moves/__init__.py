"""The moves lens: candidates, reviewers, oracle and trust region."""
