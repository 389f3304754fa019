"""Write the gallery, `docs/gallery.md` and `docs/gallery/*.svg`, from the bundled recordings: `python docs/gallery.py`.

Each picture is made by running the very line that the page shows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LIMIT = 1_500_000  # bytes of all pictures together
LOOK = {"svg.hashsalt": "loopstat", "svg.fonttype": "path", "font.family": "DejaVu Sans", "savefig.dpi": 160}

SETUP = """\
import loopstat as ls
from loopstat import plots
from loopstat.io.recordings import path
from loopstat.moves.sweep.frontier import frontier

scores = ["aocc_separable", "multimodal", "code_chars"]
code = ls.read(path("llamea"), objectives=scores, minimize=["code_chars"])
search = ls.analyze(code, by=["model"])
games = ls.read(path("repeated_games"), objectives=["points1", "points2"])
matches = ls.analyze(games, by=["strategy"])
cyclic = next(g for g in matches.groups if g.by["strategy"] == "Cyclic")
biased = next(g for g in matches.groups if g.by["strategy"] == "Biased")
gpt4o = next(g for g in search.groups if g.by["model"] == "gpt-4o")
rounds = ls.analyze_balance(ls.read_recording(path("repeated_games"), by=["strategy"]).parts)
circles = next(g for g in rounds.groups if g.by["strategy"] == "Cyclic")
rests = next(g for g in rounds.groups if g.by["strategy"] == "Win-win")
loop = ls.run_moves(ls.MoveSettings())
teams = frontier(ls.MoveSettings(replicates=400), candidates=[1, 2, 4, 8, 12], reviewers=range(6))
"""


@dataclass(frozen=True)
class Picture:
    """One picture: file name, what it shows, the line that makes `ax`, and a text alternative."""

    name: str
    title: str
    caption: str
    code: str
    alternative: str


PICTURES = (
    Picture(
        "fan",
        "What happened, and where it heads",
        "Evolutionary code search: every session by step, their mean, and where they end; the version kept climbs past "
        "the place where proposals alone would rest, so it is selection that lifts it.",
        'ax = plots.fan(code, gpt4o, objective="aocc_separable")',
        "Thin session lines, a rising mean line above a dashed level with its interval.",
    ),
    Picture(
        "fan-loop",
        "A loop without selection",
        "Repeated games: payoffs take four values, and from the second round on the mean keeps within the interval of "
        "the equilibrium fitted to all changes.",
        'ax = plots.fan(games, cyclic, objective="points1", max_sessions=100)',
        "Session lines between four values, a flat mean line on the equilibrium line.",
    ),
    Picture(
        "phase",
        "Where the drift pushes",
        "Two objectives at once: arrows are the fitted change of a step, the line is the mean path from its start, the "
        "diamond is the equilibrium with both intervals.",
        "ax = plots.phase(games, cyclic)",
        "A field of arrows that point to a diamond in its middle; a short path leads there.",
    ),
    Picture(
        "disc",
        "How fast, and whether it swings",
        "Eigenvalues of the one-step map with their bootstrap cloud: inside the circle a mode dies out, near its edge "
        "slowly, and off the horizontal axis it swings.",
        "ax = plots.disc(cyclic)",
        "Two marks on the real axis inside a circle, labelled monotone.",
    ),
    Picture(
        "interference",
        "What pays for what",
        "One player's gain is the other's loss; the larger part of that is noise of the joint move, the smaller one "
        "drift, and the causes add up to the total.",
        "ax = plots.interference(cyclic)",
        "A negative total with its interval above a bar stacked from noise and drift.",
    ),
    Picture(
        "skill",
        "How far to believe it",
        "Forecasts for matches the fit has not seen: better than three baselines, worse than each match's own mean so "
        "far, so the matches differ more than they move.",
        "ax = plots.skill(cyclic)",
        "Four figures with intervals around zero, three to its right and one to its left.",
    ),
    Picture(
        "estimators",
        "Which estimator to believe",
        "One group, four estimators, four speeds, since each allows for something else; where even the one that allows "
        "for differing sessions and a noisy scorer finds no clear answer, no rate is reported.",
        "ax = plots.estimators(biased)",
        "Four figures with intervals between 0 and 1.2, far apart, all grey.",
    ),
    Picture(
        "ends",
        "Groups side by side",
        "Where matches of each family of games end, with intervals; where they overlap this much, the order is not to "
        "be believed.",
        'ax = plots.ends(matches, objective="points1")',
        "Seven groups, each with a mark and its interval; that of Win-win lies right of the others.",
    ),
    Picture(
        "comparisons",
        "Groups against each other",
        "Differences from the largest group; what stays filled is beyond chance although all of them were looked at.",
        'ax = plots.comparisons(matches.comparisons, quantity="kept_end", objective="points1")',
        "Six differences with intervals around a line at zero, one of them filled.",
    ),
    Picture(
        "pareto",
        "Good at both",
        "Ends in two objectives, shorter programs and better search: half of a model's ends reach any point of its "
        "line; the lines cross, so neither model is better on both.",
        'ax = plots.pareto(search, objectives=("code_chars", "multimodal"))',
        "Two clouds of points with one staircase line each; the lines cross.",
    ),
    Picture(
        "states",
        "Which way round",
        "Joint actions of two players by their potential, larger where more time is spent; thick arrows are currents "
        "that are surely there, from 21 up to 22 and down to 11, and no loop in detailed balance has any.",
        "ax = plots.state_graph(circles)",
        "Four discs at different heights joined by lines, two thick arrows among them.",
    ),
    Picture(
        "log-ratios",
        "Does one potential explain all pairs",
        "How much likelier the way down is than the way back: in detailed balance it is the difference of the "
        "potentials, the dashed line; diamonds are pairs whose interval leaves it out.",
        "ax = plots.log_ratios(circles)",
        "Six points with intervals around a rising dashed line, two diamonds off it.",
    ),
    Picture(
        "potentials",
        "Where it rests",
        "Heights of the four joint actions in games that suit both players: 11 is lowest, and one unit up is 2.7 times "
        "as rare, which is minus the logarithm of the time spent and no more unless the loop is in detailed balance.",
        "ax = plots.potentials(rests)",
        "Four dots with intervals in rows, the highest on top.",
    ),
    Picture(
        "relaxation",
        "How soon it forgets",
        "In how many rounds each mode of the chain shrinks to a third; matches that differ remember longer than their "
        "common chain does.",
        "ax = plots.relaxation(circles)",
        "Three dots in rows, the slowest on top.",
    ),
    Picture(
        "moves",
        "How far candidates, reviewers and tests get",
        "A simulated loop: in the end all tests pass, yet in one run of five something is left that they miss; dashed, "
        "the loop that always makes the mean step.",
        "ax = plots.convergence(loop)",
        "Two curves over the moves with bands: one rises to 1, one to 0.8.",
    ),
    Picture(
        "moves-arrivals",
        "When they arrive",
        "Share of the same runs in which tests would pass, and in which nothing is wrong, after so many moves.",
        "ax = plots.arrivals(loop)",
        "Two rising curves, one to 100 percent at move 120, one to 13 percent at move 400.",
    ),
    Picture(
        "moves-radius",
        "A trust region that only grows",
        "The edit radius of the same runs: acceptance stays above the band, so it goes to its largest value and stays.",
        'ax = plots.over_moves(loop, "delta")',
        "A staircase from 0.2 to 1 within seventy moves, then level.",
    ),
    Picture(
        "moves-frontier",
        "Speed against quality",
        "Teams by what they cost until they stop and how likely nothing is then wrong; the line joins those no other "
        "beats.",
        "ax = plots.frontier(teams)",
        "Dots rising with cost on a logarithmic axis, a line through the uppermost.",
    ),
)


def page() -> str:
    """Return the text of the gallery page."""
    lines = [
        "# Gallery",
        "",
        "*What can I draw for a notebook or a paper?* One function per picture, each made by the line below it from",
        "the recordings that come with the package. `pip install 'loopstat[plots]'` brings matplotlib; every function",
        "takes an `ax` and returns it, so pictures can be put together and changed as usual.",
        "",
        "```python",
        SETUP.rstrip(),
        "```",
    ]
    for p in PICTURES:
        lines += ["", f"## {p.title}", "", f"![{p.alternative}](gallery/{p.name}.svg)", "", p.caption, ""]
        lines += ["```python", p.code, "```"]
    lines += ["", "The pictures and this page are written by `python docs/gallery.py`.", ""]
    return "\n".join(lines)


def draw(pictures: tuple[Picture, ...] = PICTURES) -> Iterator[tuple[Picture, Any]]:
    """Yield each picture with its axes; the figure is closed when the next one is asked for."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    namespace: dict[str, Any] = {}
    exec(SETUP, namespace)  # noqa: S102 - the lines above
    for picture in pictures:
        with matplotlib.rc_context(LOOK):
            exec(picture.code, namespace)  # noqa: S102 - the lines above
            yield picture, namespace["ax"]
        pyplot.close(namespace["ax"].figure)


def write(folder: Path, pictures: tuple[Picture, ...] = PICTURES) -> int:
    """Write the pictures into a folder; return their size in bytes. The same code and data give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    total = 0
    for picture, ax in draw(pictures):
        file = folder / f"{picture.name}.svg"
        metadata = {"Date": None, "Creator": None, "Title": picture.title, "Description": picture.alternative}
        ax.figure.savefig(file, metadata=metadata, facecolor="white")
        file.write_text("\n".join(line.rstrip() for line in file.read_text(encoding="utf-8").split("\n")), "utf-8")
        total += file.stat().st_size
    return total


if __name__ == "__main__":
    size = write(HERE / "gallery")
    (HERE / "gallery.md").write_text(page(), encoding="utf-8")
    if size > LIMIT:
        sys.exit(f"the pictures take {size:,} bytes, more than {LIMIT:,}")
