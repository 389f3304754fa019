"""The interactive page: any command of any lens behind a local server, as settings rows, Documents and Charts."""
