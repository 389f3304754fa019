"""Tests of the interactive page; a package, so that its `conftest` stands beside the one of all tests."""
