"""Programs that tests of scoring share."""

from __future__ import annotations

PLAIN = '''
"""Means of tables."""

import csv


def mean(path, column):
    """Return the mean of a column."""
    total, n = 0.0, 0
    with open(path) as stream:
        for row in csv.DictReader(stream):
            total += float(row[column])
            n += 1
    if n == 0:
        raise ValueError(column)
    return total / n
'''

HOSTILE = {
    "does not parse": "def f(:\n    pass\n",
    "Python 2": "print 'hello'\n",
    "null bytes": "x = 1\x00\n",
    "surrogates": "x = '\udc80'\n",
    "10 MB": "x = 1\n" * 1_700_000,
    "nested 5,000 deep": "(" * 5000 + ")" * 5000,
    "indented 5,000 deep": "".join(" " * k + "if x:\n" for k in range(5000)),
    "lists 150 deep": "x = " + "[" * 150 + "]" * 150 + "\n" + "y = " + "not " * 400 + "x\n",
    "calls 5,000 deep": "x = y" + "()" * 5000,
    "a sum of 5,000": "x = " + " + ".join(["y"] * 5000),
    "attributes 5,000 deep": "x = y" + ".z" * 5000,
    "powers 5,000 deep": "x = " + " ** ".join(["y"] * 5000),
    "lambdas 5,000 deep": "x = " + "lambda: " * 5000 + "1",
    "comparisons and minuses": "x = " + "-" * 5000 + "1",
    "a line of 1 MB": "x = '" + "a" * 1_000_000 + "'\n",
    "empty": "",
    "blank": "\n  \n\t\n",
    "only comments": "# nothing\n# here\n",
    "only a docstring": '"""Nothing."""\n',
}
"""Texts that get the low baseline."""

DENSE = {
    "SQL of 10,000 pieces, executed 8,000 times": "a = 'select '\n" + "a += b\n" * 10_000 + "c.execute(a)\n" * 8_000,
    "functions that call themselves, nested": "".join(" " * k + "def f(a):\n" for k in range(99))
    + " " * 99
    + "f(a[1:])\n",
    "a loop of 40,000 scans": "for a in b:\n" + " min(c)\n" * 40_000,
    "39,000 comments that silence": "x # nosec\n" * 39_000,
}
"""Texts as long as can be scored on which a rule has much to do."""
