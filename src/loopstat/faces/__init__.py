"""What people meet: terminal, page, pictures, command line."""
