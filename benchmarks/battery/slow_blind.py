"""Planted inefficiencies that were written before the rules."""

from __future__ import annotations

from .case import Case

INEFFICIENCIES = (
    Case(
        "pairs by scanning twice",
        """
def common(first, second):
    found = []
    for a in first:
        for b in second:
            if a == b:
                found.append(a)
    return found
""",
        """
def common(first, second):
    known = set(second)
    found = []
    for a in first:
        if a in known:
            found.append(a)
    return found
""",
        blind="before",
    ),
    Case(
        "insert at the front of a list",
        """
def reverse(items):
    out = []
    for item in items:
        out.insert(0, item)
    return out
""",
        """
def reverse(items):
    out = []
    for item in items:
        out.append(item)
    out.reverse()
    return out
""",
        blind="before",
    ),
    Case(
        "a list as a queue",
        """
def breadth_first(graph, start):
    queue, seen = [start], {start}
    while queue:
        node = queue.pop(0)
        for other in graph[node]:
            if other not in seen:
                seen.add(other)
                queue.append(other)
    return seen
""",
        """
from collections import deque

def breadth_first(graph, start):
    queue, seen = deque([start]), {start}
    while queue:
        node = queue.popleft()
        for other in graph[node]:
            if other not in seen:
                seen.add(other)
                queue.append(other)
    return seen
""",
        blind="before",
    ),
    Case(
        "text grown in a loop",
        """
def report(rows):
    text = ""
    for row in rows:
        text += f"{row}\\n"
    return text
""",
        """
def report(rows):
    lines = []
    for row in rows:
        lines.append(f"{row}\\n")
    return "".join(lines)
""",
        blind="before",
    ),
    Case(
        "sorting in every round",
        """
def smallest(items, k):
    out = []
    while len(out) < k:
        items.sort()
        out.append(items[0])
        items = items[1:]
    return out
""",
        """
import heapq

def smallest(items, k):
    out = []
    heapq.heapify(items)
    while len(out) < k:
        out.append(heapq.heappop(items))
    return out
""",
        blind="before",
    ),
    Case(
        "membership in a list",
        """
def unique(items):
    seen = []
    for item in items:
        if item not in seen:
            seen.append(item)
    return seen
""",
        """
def unique(items):
    seen = {}
    for item in items:
        if item not in seen:
            seen[item] = True
    return list(seen)
""",
        blind="before",
    ),
    Case(
        "pattern compiled in every round",
        """
import re

def numbers(lines):
    out = []
    for line in lines:
        pattern = re.compile("[0-9]+")
        out.append(pattern.findall(line))
    return out
""",
        """
import re

def numbers(lines):
    out = []
    pattern = re.compile("[0-9]+")
    for line in lines:
        out.append(pattern.findall(line))
    return out
""",
        blind="before",
    ),
    Case(
        "recursion that counts everything again",
        """
def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)
""",
        """
from functools import cache

@cache
def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)
""",
        blind="before",
    ),
    Case(
        "a frame row by row",
        """
def totals(frame):
    out = []
    for _, row in frame.iterrows():
        out.append(row["price"] * row["count"])
    return out
""",
        """
def totals(frame):
    return (frame["price"] * frame["count"]).tolist()
""",
        blind="before",
    ),
    Case(
        "a query for every row",
        """
def names(cursor, ids):
    out = []
    for i in ids:
        cursor.execute("SELECT name FROM users WHERE id = ?", (i,))
        out.append(cursor.fetchone()[0])
    return out
""",
        """
def names(cursor, ids):
    cursor.execute("SELECT name FROM users WHERE id IN (SELECT value FROM json_each(?))", (ids,))
    return [name for (name,) in cursor.fetchall()]
""",
        blind="before",
    ),
    Case(
        "counting by count",
        """
def most_frequent(items):
    best, most = None, 0
    for item in items:
        if items.count(item) > most:
            best, most = item, items.count(item)
    return best
""",
        """
from collections import Counter

def most_frequent(items):
    counts = Counter(items)
    best, most = None, 0
    for item in items:
        if counts[item] > most:
            best, most = item, counts[item]
    return best
""",
        blind="before",
    ),
    Case(
        "a sum over a slice in every round",
        """
def prefix_sums(items):
    out = []
    for i in range(len(items)):
        out.append(sum(items[: i + 1]))
    return out
""",
        """
from itertools import accumulate

def prefix_sums(items):
    return list(accumulate(items))
""",
        blind="before",
    ),
    Case(
        "a list joined by addition in every round",
        """
def flatten(lists):
    out = []
    for part in lists:
        out = out + part
    return out
""",
        """
def flatten(lists):
    out = []
    for part in lists:
        out.extend(part)
    return out
""",
        blind="before",
    ),
    Case(
        "an array grown by append",
        """
import numpy as np

def squares(n):
    out = np.array([])
    for i in range(n):
        out = np.append(out, i * i)
    return out
""",
        """
import numpy as np

def squares(n):
    return np.arange(n) ** 2
""",
        blind="before",
    ),
)
