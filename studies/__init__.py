"""Research on the sources' claims and on recordings; uses the package, is not in it."""
