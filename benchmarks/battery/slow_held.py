"""Planted inefficiencies that were written after the rules, without reading them: a second blind half."""

from __future__ import annotations

from .case import Case

INEFFICIENCIES = (
    Case(
        "the smallest taken out again and again",
        """
def schedule(tasks):
    order = []
    while tasks:
        first = min(tasks)
        tasks.remove(first)
        order.append(first)
    return order
""",
        """
import heapq

def schedule(tasks):
    order = []
    heapq.heapify(tasks)
    while tasks:
        order.append(heapq.heappop(tasks))
    return order
""",
        blind="after",
    ),
    Case(
        "the place looked up in every round",
        """
def ranks(names, ranking):
    places = []
    for name in names:
        places.append(ranking.index(name))
    return places
""",
        """
def ranks(names, ranking):
    place = {name: i for i, name in enumerate(ranking)}
    places = []
    for name in names:
        places.append(place[name])
    return places
""",
        blind="after",
    ),
    Case(
        "a set built anew for every element",
        """
def common(left, right):
    return [x for x in left if x in set(right)]
""",
        """
def common(left, right):
    wanted = set(right)
    return [x for x in left if x in wanted]
""",
        blind="after",
    ),
    Case(
        "text cut from the front",
        """
def words(text):
    count = 0
    while text:
        if text[0] == " ":
            count += 1
        text = text[1:]
    return count
""",
        """
def words(text):
    count = 0
    for letter in text:
        if letter == " ":
            count += 1
    return count
""",
        blind="after",
    ),
    Case(
        "sorting by swapping neighbours",
        """
def ordered(values):
    swapped = True
    while swapped:
        swapped = False
        for i in range(len(values) - 1):
            if values[i] > values[i + 1]:
                values[i], values[i + 1] = values[i + 1], values[i]
                swapped = True
    return values
""",
        """
def ordered(values):
    values.sort()
    return values
""",
        blind="after",
    ),
    Case(
        "settings read from disk in every round",
        """
import json

def priced(items):
    result = []
    for item in items:
        with open("prices.json") as file:
            prices = json.load(file)
        result.append(prices[item])
    return result
""",
        """
import json

def priced(items):
    with open("prices.json") as file:
        prices = json.load(file)
    result = []
    for item in items:
        result.append(prices[item])
    return result
""",
        blind="after",
    ),
    Case(
        "arrays element by element",
        """
import numpy as np

def distance(a, b):
    total = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            total += (a[i, j] - b[i, j]) ** 2
    return np.sqrt(total)
""",
        """
import numpy as np

def distance(a, b):
    return np.sqrt(np.sum((a - b) ** 2))
""",
        blind="after",
    ),
    Case(
        "a dictionary copied in every round",
        """
def merged(parts):
    whole = {}
    for part in parts:
        whole = {**whole, **part}
    return whole
""",
        """
def merged(parts):
    whole = {}
    for part in parts:
        whole.update(part)
    return whole
""",
        blind="after",
    ),
    Case(
        "recursion over the rest of a list",
        """
def total(values):
    if not values:
        return 0
    return values[0] + total(values[1:])
""",
        """
def total(values):
    result = 0
    for value in values:
        result += value
    return result
""",
        blind="after",
    ),
    Case(
        "a connection opened in every round",
        """
import sqlite3

def store(rows):
    for row in rows:
        connection = sqlite3.connect("data.db")
        connection.execute("INSERT INTO data VALUES (?)", row)
        connection.commit()
        connection.close()
""",
        """
import sqlite3

def store(rows):
    connection = sqlite3.connect("data.db")
    connection.executemany("INSERT INTO data VALUES (?)", rows)
    connection.commit()
    connection.close()
""",
        blind="after",
    ),
    Case(
        "every order tried",
        """
from itertools import permutations

def shortest(cities, length):
    best = None
    for order in permutations(cities):
        cost = sum(length[a][b] for a, b in zip(order, order[1:]))
        if best is None or cost < best:
            best = cost
    return best
""",
        """
def shortest(cities, length):
    here, *rest = cities
    left = set(rest)
    cost = 0
    while left:
        there = min(left, key=length[here].get)
        cost += length[here][there]
        left.discard(there)
        here = there
    return cost
""",
        blind="after",
    ),
    Case(
        "duplicates taken out of a list in place",
        """
def unique(values):
    for value in values[:]:
        while values.count(value) > 1:
            values.remove(value)
    return values
""",
        """
def unique(values):
    return list(dict.fromkeys(values))
""",
        blind="after",
    ),
    Case(
        "a matrix product by hand",
        """
def product(a, b):
    n = len(a)
    c = [[0] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            for k in range(n):
                c[i][j] += a[i][k] * b[k][j]
    return c
""",
        """
import numpy as np

def product(a, b):
    return (np.asarray(a) @ np.asarray(b)).tolist()
""",
        blind="after",
    ),
)
