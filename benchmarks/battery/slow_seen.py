"""Planted inefficiencies that were written after the rules."""

from __future__ import annotations

from .case import Case

INEFFICIENCIES = (
    Case(
        "three loops for triples",
        """
def triples(items, total):
    found = []
    for a in items:
        for b in items:
            for c in items:
                if a + b + c == total:
                    found.append((a, b, c))
    return found
""",
        """
def triples(items, total):
    known, found = set(items), []
    for a in items:
        for b in items:
            if total - a - b in known:
                found.append((a, b, total - a - b))
    return found
""",
    ),
    Case(
        "a comprehension that scans inside",
        """
def common(first, second):
    return [a for a in first if any(a == b for b in second)]
""",
        """
def common(first, second):
    known = set(second)
    return [a for a in first if a in known]
""",
    ),
    Case(
        "the front deleted in a loop",
        """
def drained(queue, work):
    while queue:
        work(queue[0])
        del queue[0]
""",
        """
from collections import deque

def drained(queue, work):
    queue = deque(queue)
    while queue:
        work(queue.popleft())
""",
    ),
    Case(
        "paths counted without memory",
        """
def paths(m, n):
    if m == 0 or n == 0:
        return 1
    return paths(m - 1, n) + paths(m, n - 1)
""",
        """
from functools import lru_cache

@lru_cache(None)
def paths(m, n):
    if m == 0 or n == 0:
        return 1
    return paths(m - 1, n) + paths(m, n - 1)
""",
    ),
    Case(
        "a frame by position",
        """
def totals(frame):
    out = []
    for i in range(len(frame)):
        out.append(frame.iloc[i]["price"] * 2)
    return out
""",
        """
def totals(frame):
    return (frame["price"] * 2).tolist()
""",
    ),
    Case(
        "frames put together one by one",
        """
import pandas as pd

def table(parts):
    out = pd.DataFrame()
    for part in parts:
        out = pd.concat([out, part])
    return out
""",
        """
import pandas as pd

def table(parts):
    return pd.concat(list(parts))
""",
    ),
    Case(
        "objects fetched one by one",
        """
def names(Users, ids):
    return [Users.objects.get(id=i).name for i in ids]
""",
        """
def names(Users, ids):
    return [user.name for user in Users.objects.filter(id__in=ids)]
""",
    ),
    Case(
        "a page fetched in every round",
        """
import requests

def prices(items):
    out = []
    for item in items:
        rates = requests.get("https://example.org/rates", timeout=5).json()
        out.append(item.price * rates[item.currency])
    return out
""",
        """
import requests

def prices(items):
    rates = requests.get("https://example.org/rates", timeout=5).json()
    out = []
    for item in items:
        out.append(item.price * rates[item.currency])
    return out
""",
    ),
    Case(
        "a deep copy in every round",
        """
from copy import deepcopy

def simulate(state, moves):
    seen = []
    for move in moves:
        state = deepcopy(state)
        state.apply(move)
        seen.append(state.value)
    return seen
""",
        """
def simulate(state, moves):
    seen = []
    for move in moves:
        state.apply(move)
        seen.append(state.value)
    return seen
""",
    ),
    Case(
        "primes by trying every divisor",
        """
def is_prime(n):
    for d in range(2, n):
        if n % d == 0:
            return False
    return n > 1
""",
        """
from math import isqrt

def is_prime(n):
    for d in range(2, isqrt(n) + 1):
        if n % d == 0:
            return False
    return n > 1
""",
    ),
    Case(
        "a file read whole for its first line",
        """
def header(path):
    with open(path) as stream:
        return stream.read().split("\\n")[0]
""",
        """
def header(path):
    with open(path) as stream:
        return stream.readline().rstrip("\\n")
""",
    ),
    Case(
        "the largest by sorting",
        """
def largest(items):
    return sorted(items)[-1]
""",
        """
def largest(items):
    return max(items)
""",
    ),
    Case(
        "a helper with a loop, called in a loop",
        """
def position(items, wanted):
    for k, item in enumerate(items):
        if item == wanted:
            return k
    return -1

def positions(items, wanted):
    return [position(items, w) for w in wanted]
""",
        """
def positions(items, wanted):
    places = {item: k for k, item in enumerate(items)}
    return [places.get(w, -1) for w in wanted]
""",
    ),
    Case(
        "keys of a dict as a list",
        """
def known(table, names):
    return [n for n in names if n in list(table.keys())]
""",
        """
def known(table, names):
    return [n for n in names if n in table]
""",
    ),
)
