"""The rules of each suite: what they see, what they leave alone, and published numbers of the formulas."""

from __future__ import annotations

import pytest

from loopstat.scoring.batches import score_all
from loopstat.scoring.registry import scorer_of
from loopstat.scoring.score import Artefact, Score
from loopstat.scoring.text import likeness, moving_variety, repeated
from loopstat.scoring.weights import PARTS, RULES, rule_of

LOOP = "def f(xs, ys, q, df, re, cur):\n    out = []\n    text = ''\n    for x in xs:\n        {}\n"


def one(text: str, suite: str = "python") -> Score:
    return score_all([text], scorer_of(suite), workers=1)[0]


def rules_of(text: str, suite: str = "python") -> list[str]:
    return [f.rule for f in one(text, suite).findings]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("for y in ys: q(x, y)", "nested-loop"),
        ("q([y for y in ys])", "nested-loop"),
        ("out.insert(0, x)", "front-of-list"),
        ("q.pop(0)", "front-of-list"),
        ("del q[0]", "front-of-list"),
        ("ys = ys[1:]", "front-of-list"),
        ("text += 'a'", "text-grown"),
        ("text = text + str(x)", "text-grown"),
        ("out = out + [x]", "list-rebuilt"),
        ("out = [*out, x]", "list-rebuilt"),
        ("q = np.append(q, x)", "array-grown"),
        ("ys.sort()", "sort-in-loop"),
        ("q(sorted(ys))", "sort-in-loop"),
        ("q(x in out)", "list-searched"),
        ("q(out.index(x))", "list-searched"),
        ("q(xs.count(x))", "list-searched"),
        ("q(x in list(ys))", "list-searched"),
        ("q(sum(ys[:x]))", "slice-summed"),
        ("q(re.compile('a'))", "pattern-compiled"),
        ("q(df.iloc[x])", "rows-one-by-one"),
        ("cur.execute('SELECT 1')", "query-in-loop"),
        ("q.objects.get(id=x)", "query-in-loop"),
        ("q(min(ys))", "scan-in-loop"),
        ("q(x in set(ys))", "scan-in-loop"),
        ("q(ys.index(x))", "list-searched"),
        ("q = {**q, **x}", "list-rebuilt"),
        ("q(open('a.json'))", "read-in-loop"),
        ("q(requests.get('https://a.b'))", "read-in-loop"),
    ],
)
def test_smells_in_loops(line: str, rule: str) -> None:
    assert rule in rules_of(LOOP.format(line))
    outside = LOOP.format("pass") + "    " + line + "\n"
    assert rule not in rules_of(outside), "the same outside the loop"


@pytest.mark.parametrize(
    "line",
    [
        "out.append(x)",
        "q(sorted(x))",
        "x.sort()",
        "for cell in x: q(cell)",
        "for k, cell in enumerate(x): q(cell)",
        "q(x in ('a', 'b'))",
        "q(x in {1: 2})",
        "out += [x]",
        "q.pop()",
        "q.popleft()",
        "q(sum(x))",
        "ys = q(x); q(min(ys))",
        "q(min(x, ys))",
        "q(max(y for y in x))",
        "q(open('a.log', 'a'))",
        "q(open(x))",
        "q.get('a')",
        "q = x",
        "total = 0; total += 1",
        "text = 'a' + str(x)",
    ],
)
def test_what_is_no_smell(line: str) -> None:
    assert rules_of(LOOP.format(line)) == []


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        ("while going:\n    for x in xs: q(x)", ["nested-loop"]),
        ("while todo:\n    a = todo.pop()\n    for x in graph[a]: q(x)", []),
        ("while todo:\n    a = todo.pop()\n    for x in graph.get(a, ()): q(x)", []),
        ("while todo:\n    a = todo.pop()\n    for x in graph: q(x)", ["nested-loop"]),
        ("for a in b:\n    for x in b[a:]: q(x)", ["nested-loop"]),
        ("for a in b:\n    for x in graph[a]: q(x)", []),
        ("for a in ('b', 'c'): q(xs.count(a))", []),
        ("for d in range(2, n):\n    q(n % d)", ["trial-division"]),
        ("for d in range(2, isqrt(n) + 1):\n    q(n % d)", []),
        ("for d in range(2, int(n**0.5) + 1):\n    q(n % d)", []),
        ("for d in range(2, k):\n    q(n % d)", []),
        ("for p in permutations(xs): q(p)", ["every-order"]),
        ("for p in permutations(xs, 2): q(p)", []),
        ("for p in product('ab', repeat=n): q(p)", ["every-order"]),
        ("for p in product('ab', repeat=2): q(p)", []),
        ("q(sorted(xs)[0])", ["sorted-for-one"]),
        ("q(sorted(xs)[:3])", []),
        ("for k in range(3): q(requests.get('https://a.b'))", []),
    ],
)
def test_loops_and_what_goes_through_too_much(line: str, rules: list[str]) -> None:
    assert rules_of(line) == rules


def test_recursion_without_memory() -> None:
    fib = "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
    assert rules_of(fib) == ["recursion"]
    assert rules_of(f"from functools import cache\n@cache\n{fib}") == []
    assert rules_of("def s(a, m):\n    return s(a[:m], m) + s(a[m:], m)\n") == [], "divided, not counted again"
    assert rules_of("def s(a):\n    return a[0] + s(a[1:]) if a else 0\n") == ["rest-copied"]
    kept = "def fib(n, known):\n    if n in known:\n        return known[n]\n"
    assert rules_of(kept + "    return fib(n - 1, known) + fib(n - 2, known)\n") == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("e = eval\ne(x)", "hidden-eval"),
        ("list(map(eval, texts))", "hidden-eval"),
        ("import builtins\nbuiltins.exec(x)", "hidden-eval"),
        ("import builtins\ngetattr(builtins, 'ev' + 'al')(x)", "hidden-eval"),
        ("__builtins__['eval'](x)", "hidden-eval"),
        ("flag = True\nsubprocess.run(x, shell=flag)", "hidden-shell"),
        ("subprocess.run(x, **{'shell': True})", "hidden-shell"),
        ("q = ' '.join(['SELECT a FROM b WHERE c =', c])\ncur.execute(q)", "built-sql"),
        ("q = 'SELECT a FROM b'\nq += ' WHERE c = ' + c\ncur.execute(q)", "built-sql"),
        ("cur.execute(f'DROP TABLE {t}')", "built-sql"),
        ("q = 'SELECT a FROM b WHERE c = '\nq += c\ncur.execute(q)", "built-sql"),
        ("q = f'DROP TABLE {t}'\ncur.execute(text(q))", "built-sql"),
        ("subprocess.run(['/bin/bash', '-lc', x])", "hidden-shell"),
        ("from asyncio import create_subprocess_shell as c\nc(x)", "hidden-shell"),
        ("import numpy as np\nnp.load(x, allow_pickle=True)", "loaded-objects"),
        ("from joblib import load\nload(x)", "loaded-objects"),
        ("import torch\ntorch.load(x)", "loaded-objects"),
        ("from jinja2 import Template\nTemplate('a' + b)", "made-template"),
        ("import jwt\no = {'verify_signature': False}\njwt.decode(t, options=o)", "unverified"),
        ("import pandas as pd\npd.eval(x)", "hidden-eval"),
        ("import builtins\ngetattr(builtins, name)(x)", "hidden-eval"),
    ],
)
def test_what_ruff_misses_of_the_paper_s_constructs(text: str, rule: str) -> None:
    assert rule in rules_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "def run(exec):\n    return exec\n",
        "compile = 3\nprint(compile)",
        "model.eval()",
        "getattr(x, 'name')",
        "cur.execute('SELECT a FROM b WHERE c = ?', (c,))",
        "q = 'SELECT a'\nq += ' FROM b'\ncur.execute(q)",
        "job.execute(name + suffix)",
        "import re\nre.compile('a')",
        "import numpy as np\nnp.load(x)",
        "import torch\ntorch.load(x, weights_only=True)",
        "from jinja2 import Template\nTemplate('a {{ b }}')",
        "from jinja2 import Template\nTemplate(stream.read())",
        "import jwt\njwt.decode(t, key, algorithms=['HS256'])",
        "import json\njson.load(x)",
        "import builtins\nkind = getattr(builtins, name, Exception)",
        "args = ['bash', '-c', 'ls']",
    ],
)
def test_what_is_no_hole(text: str) -> None:
    assert one(text).values["security"] == 10


def test_sql_is_told_once() -> None:
    text = "q = f'SELECT a FROM b WHERE c = {c}'\ncur.execute(q)\n"
    assert rules_of(text) == ["S608"]


EVERY_KIND = """
import asyncio
x: float = 1.5
y = [0.5 for a in b if 2.5] + [b"" for a in 1.5] + [2j, ..., None, -1.0]
z = {a: 0.5 for a in b}; {0.5 for a in b}; (1j for a in b)
for i in 2.5: x += 0.5
while 0.5: del x, y[0.5]
def f(a=0.5, *b, c: 1.5 = 2.5, **d) -> 3.5: return lambda e=0.5: 1.5
async def g():
    async with h() as k, l as m:
        async for n in o: await p
    return [q async for q in r]
class C(D, metaclass=E):
    __slots__ = ("a",)
    @property
    def s(self): yield 0.5; yield from t
match u:
    case 1.5 | None | [_, *_] if 0.5: pass
    case [_, *v] | (_, *v): pass
    case {"w": 0.5, **rest} if 0.5: pass
    case C(x=0.5) as w: pass
try: raise F(0.5) from 0.5
except (G, H) as error: global I; I = 0.5
except* J: pass
else: assert 0.5, 1.5
finally: print(f"{x!r:>{0.5}} {y:0.5f}", *z, sep=0.5)
with a as (b, c), d: e = (f := 0.5) if 0.5 else 1.5; g = h[0.5:1.5, ...] @ ~0.5
""".replace("except* J: pass\n", "")


@pytest.mark.parametrize("suite", ["python", "sj2025"])
def test_every_kind_of_syntax_is_read(suite: str) -> None:
    assert "unscored" not in one(EVERY_KIND, suite).counts
    groups = "try: x = 0.5\nexcept* J: y = 1.5\n"
    for line in (groups, *(f"{line}\n" for line in ("0.5", "1j", "...", "b''", "None", "x = 0.5 < 1.5", "x[0.5]"))):
        assert "unscored" not in one(line, suite).counts


def test_a_long_program_thins_out_style_and_no_severe_finding() -> None:
    long = "x = 1\n" * 400
    assert one("eval(x)\n" + long).values["security"] == one("eval(x)").values["security"]
    assert one("import random\nrandom.random()\n" + long).values["security"] > 9.97


def test_the_table_of_weights() -> None:
    assert all(0 <= rule.weight <= 1 for rule in RULES.values())
    assert all(rule.message for rule in RULES.values() if "-" in rule.name)
    assert sum(share for _, share, _ in PARTS) == pytest.approx(1)
    assert rule_of("S999").severity == "style"


# --------------------------------------------------------------------------------------------- sj2025


def test_handling_and_validation_raise_security_in_the_published_suite_alone() -> None:
    plain = "def f(x):\n    return int(x)\n"
    careful = (
        "def f(x):\n    if not isinstance(x, str):\n        raise TypeError(x)\n    try:\n        return int(x)\n"
        "    except ValueError:\n        return 0\n"
    )
    gain = {s: one(careful, s).values["security"] - one(plain, s).values["security"] for s in ("sj2025", "python")}
    assert gain == {"sj2025": 1.5, "python": 0}


def test_the_published_suite_clips_and_keeps_what_it_clipped() -> None:
    score = one("eval(x)\n" * 10, "sj2025")
    assert score.values["security"] == 0
    assert score.counts["raw_security"] == -20


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("eval(x)", "sj-eval"),
        ("cur.execute('SELECT a FROM b WHERE c = \\'' + c + '\\'')", "sj-sql"),
        ("cur.execute('DELETE FROM b WHERE c = %s' % c)", "sj-sql"),
        ("cur.execute(f'SELECT a FROM {b}')", "sj-sql"),
        ("subprocess.call(x, shell=True)", "sj-shell"),
        ("pickle.loads(x)", "sj-objects"),
    ],
)
def test_unsafe_constructs_of_the_published_suite(text: str, rule: str) -> None:
    assert rules_of(text, "sj2025") == [rule]


# ----------------------------------------------------------------------------------------------- text


def test_readability_follows_the_published_formulas() -> None:
    # 2 sentences, 9 words, 33 letters: ARI 4.71*33/9 + 0.5*9/2 - 21.43; CLI 5.88*33/9 - 29.6*2/9 - 15.8
    counts = one("The cat sat upon the mat. It purred loudly.", "text").counts
    assert (counts["words"], counts["sentences"], counts["letters"]) == (9, 2, 33)
    assert counts["ari"] == pytest.approx(4.71 * 33 / 9 + 4.5 / 2 - 21.43)
    assert counts["coleman_liau"] == pytest.approx(5.88 * 33 / 9 - 29.6 * 2 / 9 - 15.8)


def test_variety_and_repetition() -> None:
    words = ["a", "b", "c", "d"]
    assert moving_variety(words) == 1
    assert moving_variety(words * 50, window=4) == 1
    assert moving_variety(["a"] * 100) == pytest.approx(1 / 50)
    assert repeated(words) == 0
    assert repeated(["a"] * 100) == pytest.approx(96 / 97)
    short, long = (one(" ".join(f"w{k % 40}" for k in range(n)), "text").values["variety"] for n in (400, 4000))
    assert short == pytest.approx(long, abs=0.01), "not the length of the text"


def test_likeness_to_earlier_versions() -> None:
    assert likeness("abc", None) == likeness("abc", "abc") == 10
    assert likeness("abcd", "abce") == pytest.approx(7.5)
    [score] = score_all([Artefact("one two three", "one two three four", "one two")], scorer_of("text"))
    assert score.values["likeness_first"] != score.values["likeness_previous"] < 10
