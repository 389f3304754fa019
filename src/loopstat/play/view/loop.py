"""A loop that is set, as a document."""

from __future__ import annotations

from dataclasses import replace

from ... import __version__
from ...drift.view.charts import disc, fans, interference, phase
from ...drift.view.seen import Seen
from ...results.chart import Axis, Bar, Bars, Chart, Share, Tone, category
from ...results.document import (
    Answer,
    Block,
    Document,
    Fact,
    Facts,
    Formula,
    Formulas,
    Provenance,
    Section,
    Sheet,
    Text,
    figure,
    matrix,
    settings_said,
    word,
)
from ...results.words import plural
from ..loop import LoopPlay
from ..strategies import OBJECTIVES, STRATEGIES
from .loop_facts import doubts, facts, knowable, trade_offs

HINT = "Next: --schedule FF:3,SF:3,EF:3,AI · --price 0.2 · --html page.html · --json - · loopstat explain TERM"
TONES: dict[str, Tone] = {"settles": "ours", "slow": "doubt", "runs_away": "failure"}
BAND = "Thick: the mean; its band: nine in ten sessions."
RECONSTRUCTED = (
    "EF, SF, FF and AI are reconstructions. Published: their equilibria, rates between 0.33 and 1.29, the kind of "
    "their eigenvalues, R², and that functionality goes against efficiency. Chosen here: A, noise, start, and which "
    "rate is whose; b = -A x* puts rest where it was published."
)
FORMULAS = (
    Formula(
        "one step",
        r"x_{t+1} = x_t + A x_t + b + \varepsilon_t, \quad \mathrm{Cov}(\varepsilon_t) = Q",
        "x[t+1] = x[t] + A x[t] + b + e[t], Cov(e) = Q",
        "source",
        "The source's equation read at the loop's own clock, one step a unit of time.",
    ),
    Formula("rest", r"x^{*} = -A^{-1} b", "x* = -A^-1 b"),
    Formula(
        "settles where",
        r"|1 + \lambda_k(A)| < 1",
        "|1 + lambda| < 1 for every eigenvalue of A",
        "source",
        "The source's rate, -max Re lambda, misses the slowest mode where one alternates; half-lives here are those of "
        "the largest modulus.",
    ),
    Formula("spread at rest", r"G = M G M^{\top} + Q, \quad M = I + A", "G = M G M' + Q, M = I + A"),
    Formula(
        "what pays for what",
        r"\mathrm{Cov}(\Delta x) = A\,\mathrm{Cov}(x)\,A^{\top} + Q",
        "Cov(dx) = A Cov(x) A' + Q",
        "corrected",
        "The source names four causes and gives their sum; here they are told apart.",
    ),
    Formula(
        "what is known",
        r"\mathrm{Cov}(\hat{B}_i) = Q_{ii} \Bigl( \sum_{t} \mathrm{E}\, z_t z_t^{\top} \Bigr)^{-1}, \quad z = (1, x)",
        "Cov(B_i) = Q_ii (sum E z z')^-1, z = (1, x)",
        "ours",
        "Sessions that are alike, scored without noise and without bounds.",
    ),
)


def loop(result: LoopPlay) -> Document:
    """Return everything said about a loop that is set.

    Parameters
    ----------
    result : LoopPlay

    Returns
    -------
    Document
        Of kind `play`.
    """
    seen = Seen(result.known, "known", "loop", result.drawn)
    verdict = result.verdict
    settings = {k: v for k, v in result.settings.items() if k != "command"}
    return Document(
        "play",
        _title(result),
        Provenance(__version__, result.command, settings=settings_said(settings)),
        (f"{plural(int(result.settings['sessions']), 'session')} of {plural(int(result.settings['steps']), 'step')}",),
        (_happens(result, seen), _pays(result, seen), _tells(result), _assumed(result)),
        Answer(verdict.action, verdict.answer, (verdict.sentence.removeprefix(verdict.answer),), TONES[verdict.action]),
        notes=result.notes,
        hints=(HINT,),
        rough=result.rough,
    )


def _title(result: LoopPlay) -> str:
    names = [stage.name for stage in result.stages]
    return "A linear loop" if names == ["own"] else "A linear loop: " + ", then ".join(names)


# ----------------------------------------------------------------------------------- sections


def _happens(result: LoopPlay, seen: Seen) -> Section:
    said = doubts(result)
    blocks: list[Block] = [Text(tuple((s,) for s in said), "doubt", points=True)] if said else []
    blocks += [Facts(tuple(facts(result)))]
    blocks += _strip(result)
    blocks += [replace(fan, note=" ".join([BAND, fan.note]).strip()) for fan in fans(seen)]
    field, poles = phase(seen), disc(seen)
    if field is not None:
        blocks.append(replace(field, note="Arrows: the mean change of a step, the third objective at its mean."))
    return Section("happens", "What happens", (*blocks, *([poles] if poles else [])))


def _strip(result: LoopPlay) -> list[Chart]:
    """Return the stages of a schedule along the steps."""
    if len(result.stages) < 2:
        return []
    known = list(dict.fromkeys(stage.name for stage in result.stages))
    pieces = tuple(Share(s.name, s.last - s.first + 1.0, category(known.index(s.name))[0]) for s in result.stages)
    said = ", ".join(f"{s.name} from step {s.first} to {s.last}" for s in result.stages)
    x = Axis("step", limits=(0.0, float(result.last.last)), whole=True)
    marks = (Bars((Bar("schedule", pieces),)),)
    return [Chart("loop-schedule", "Which strategy makes which step", marks, x, described=said, size="wide")]


def _pays(result: LoopPlay, seen: Seen) -> Section:
    bars = interference(seen)
    note = "Each row: what a point more of the column's objective adds to the next change of the row's."
    drift = matrix("Drift, A", OBJECTIVES, result.known.estimates["drift.A"], "known.drift.A", note=note)
    blocks: tuple[Block, ...] = (Facts(tuple(trade_offs(result))), *([bars] if bars else []), drift)
    return Section("pays", "What pays for what", blocks, ("correlation of the changes of a step, over a session",))


def _tells(result: LoopPlay) -> Section:
    note = "Sessions that are alike and scored without noise; real ones differ, and then far more are needed."
    blocks: tuple[Block, ...] = (Facts(tuple(knowable(result))), _compared(result), Text(((note,),), "doubt"))
    return Section("tells", "What recordings of it would tell", blocks)


def _compared(result: LoopPlay) -> Sheet:
    """Return every entry of A, how well it would be known, and what one recording says of it."""
    truth, found, fit = result.known.estimates["drift.A"], result.estimable, result.one_recording
    estimate = None if fit is None else fit.estimates.get("drift.A")
    rows = []
    for i, row in enumerate(OBJECTIVES):
        for j, column in enumerate(OBJECTIVES):
            name = word(f"{column} on the change of {row}" if i != j else f"{row} on its own change")
            value = figure(float(truth.value[i, j]), place=f"known.drift.A.{i}.{j}")
            width = figure(float(found.A[i, j]), place=f"estimable.A.{i}.{j}", form="rough")
            said = figure(None) if estimate is None else figure(estimate, i, j, place="one_recording.drift.A")
            rows.append((name, value, width, said))
    note = "Last column: the pooled regression of one recording; its interval should hold the truth in 95 % of them."
    return Sheet("Entries of A", ("", "truth", "±, so recorded", "one recording says"), tuple(rows), note)


def _assumed(result: LoopPlay) -> Section:
    named = [STRATEGIES[s.name] for s in result.stages if s.name in STRATEGIES] or list(STRATEGIES.values())
    told = Facts(tuple(Fact(s.name, (s.told,)) for s in dict.fromkeys(named)))
    blocks: tuple[Block, ...] = (Formulas(FORMULAS), Text(((RECONSTRUCTED,),)), told)
    return Section("assumed", "What is assumed", blocks, depth="long", folded=True)
