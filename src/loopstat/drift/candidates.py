"""What a choice of estimator is made from: what the data allow, the latent fits and the tests between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..arrays import Float, Int
from ..inference.clusters import Clusters
from ..inference.resample import LeftOut
from ..inference.workers import Progress, silent
from ..panel.model import Rng
from ..panel.noise import ScorerNoise
from ..panel.panel import Pairs, Panel
from ..results.words import listed, number
from .maps.latent.fit import MIN_CLUSTERS, MIN_SCORES, Found, Stack, find, ratio_test, starting_points
from .maps.latent.model import Parameters, Structure
from .sums import Moments

# The sharper estimator is taken only where nothing at all speaks for what it assumes away: a test that merely fails to
# reject at 5 % would hand over intervals that miss, because biases this small are seen too rarely.
EFFECTS_LEVEL = 0.2
NOISE_LEVEL = 0.9
SEEN = 0.05


@dataclass(frozen=True)
class Material:
    """What a choice is made from: one group, its clusters, the pooled regression, and what is known of the scorer."""

    panel: Panel
    pairs: Pairs
    clusters: Clusters
    filled: Int
    moments: Moments
    left_moments: Moments
    weights: Int
    white: bool
    stops: bool
    scorer_noise: ScorerNoise | None
    stops_at_bounds: bool = False
    fold: Int | None = None
    level: float = 0.95
    thorough: Rng | None = None
    progress: Progress = silent

    @cached_property
    def cluster(self) -> Int:
        """Cluster of each transition."""
        return self.clusters.row[self.pairs.end]

    @cached_property
    def left_out(self) -> LeftOut:
        """Which clusters are left out together."""
        return LeftOut.of(self.filled, self.clusters.names)

    @property
    def noise_known(self) -> bool:
        """True where the scorer's noise was measured or given."""
        return self.scorer_noise is not None or self.panel.repeats is not None

    @cached_property
    def n_scores(self) -> float:
        """Median number of scores of the sessions that hold a transition."""
        count = np.bincount(self.pairs.session)
        return float(np.median(count[count > 0])) + 1 if len(self.pairs) else 1.0

    @cached_property
    def stack(self) -> Stack | None:
        """Sessions as vectors of equal length; None where no two scores follow each other."""
        return Stack.of(self.panel, self.clusters.row, len(self.clusters))

    @cached_property
    def too_little(self) -> str | None:
        """Why a model of differing sessions and noisy scorers cannot even be tried."""
        if self.n_scores < MIN_SCORES:
            return f"sessions hold {self.n_scores:.0f} scores, and {MIN_SCORES} are needed"
        if len(self.filled) < MIN_CLUSTERS:
            return f"there are {len(self.filled)} independent {self._noun}, and {MIN_CLUSTERS} are needed"
        if self.stack is None:
            return "no two scores of a session follow each other"
        if self.n_scores - len(self.stack.left_out) < MIN_SCORES:
            return f"{self.still[0]}, and beyond that step {MIN_SCORES} scores a session are needed"
        wanted = int(Structure(self.stack.n_obj, self.stack.n_steps, not self.noise_known).free.sum())
        if len(self.stack.values) < wanted:
            return (
                f"{self.panel.n_obj} objectives need {wanted} sessions to tell differing sessions from a noisy "
                f"scorer, and there are {len(self.stack.values)}"
            )
        return None

    @property
    def still(self) -> tuple[str, ...]:
        """Why the latent fits leave steps out, each in words."""
        left_out = () if self.stack is None else self.stack.left_out
        return tuple(f"no two sessions differ in {listed(s.names)} at step {s.step}" for s in left_out)

    @cached_property
    def latents(self) -> Latents | None:
        """The latent fits; None where they cannot even be tried."""
        return None if self.too_little is not None or self.stack is None else Latents(self, self.stack)

    @property
    def _noun(self) -> str:
        kind = self.clusters.kind
        return {"session": "sessions", "block": "blocks of steps"}.get(kind, f"{kind} clusters")

    @property
    def sharing(self) -> str:
        """What the sessions share, as an addition to their number."""
        kind = self.clusters.kind
        return "" if kind == "session" else f" from {len(self.filled)} {kind}s"

    @cached_property
    def identical(self) -> bool:
        """True where every session shows the same scores."""
        ends = np.flatnonzero(np.diff(self.panel.session)) + 1
        sessions = (part.tobytes() for part in np.split(self.panel.x, ends))
        first = next(sessions)
        return all(part == first for part in sessions)

    @cached_property
    def noise_of_one_score(self) -> Float:
        """Covariance of the scorer's noise in one score, where it is known; shape (n_obj, n_obj)."""
        if self.scorer_noise is not None:
            return self.scorer_noise.of(self.panel.names)
        scatter, repeats = self.panel.repeat_scatter, self.panel.repeats
        assert scatter is not None  # noqa: S101 - noise is known from one of the two
        assert repeats is not None  # noqa: S101
        return np.asarray(scatter.sum(axis=0) / max(float((repeats - 1).sum()), 1.0))


@dataclass(frozen=True)
class Tested:
    """Tests of no lasting differences between sessions, then of no scorer noise given the answer.

    `full` and `alike` fit no worse than the models inside them; `saw` says what was seen, one sentence each.
    """

    full: Found | None
    alike: Found | None
    differ: bool
    noisy: bool
    p_effects: float = float("nan")
    p_noise: float = float("nan")
    saw: tuple[str, ...] = ()


@dataclass(frozen=True)
class Latents:
    """The latent fits of one group; each depends on the material alone, whatever is asked for first."""

    m: Material
    stack: Stack

    @cached_property
    def known_noise(self) -> Float | None:
        """The scorer's noise in units of the stack, where it is known."""
        m = self.m
        if not m.noise_known:
            return None
        share = np.ones(len(m.panel)) if m.panel.repeats is None else 1 / m.panel.repeats
        start, end = (m.noise_of_one_score * share[rows].mean() for rows in (m.pairs.start, m.pairs.end))
        return np.asarray((start + end) / 2 / np.outer(self.stack.scale, self.stack.scale))

    def _fit(self, *, effects: bool, noise: bool = True) -> Found | None:
        m, n = self.m, self.stack.n_obj
        structure = Structure(n, self.stack.n_steps, noise and not m.noise_known, effects)
        fixed = self.known_noise if m.noise_known else (None if noise else np.zeros((n, n)))
        starts = starting_points(self.stack, fixed)
        if not (effects and noise) and self.climbed is not None:
            starts = [_near(self.climbed.parameters, effects=effects, noise=noise), starts[0]]
        return find(self.stack, structure, starts)

    @cached_property
    def climbed(self) -> Found | None:
        """With session effects and scorer noise, from starts of its own."""
        return self._fit(effects=True)

    @cached_property
    def alike(self) -> Found | None:
        """Without session effects."""
        return self._fit(effects=False)

    @cached_property
    def noiseless(self) -> Found | None:
        """Without scorer noise."""
        return self._fit(effects=True, noise=False)

    @cached_property
    def plain(self) -> Found | None:
        """Without either."""
        return self._fit(effects=False, noise=False)

    @cached_property
    def tested(self) -> Tested:
        """The tests between the fits."""
        longest = int(np.bincount(self.m.panel.session).max())
        n_read = self.stack.n_steps + len(self.stack.left_out)
        saw = [f"The latent fit reads the first {n_read} of up to {longest} scores."] if n_read < longest else []
        saw += [f"The latent fit leaves out a step without spread: {still}." for still in self.m.still]
        if self.climbed is None:
            return Tested(None, None, True, True, saw=tuple(saw))
        full, alike = self._no_worse(self.climbed, self.alike, self.noiseless), self.alike
        p_effects = ratio_test(self.stack, full, alike)
        differ = not p_effects >= EFFECTS_LEVEL
        saw.append(
            f"Sessions keep levels of their own beyond what one loop and a noisy scorer explain ({_p(p_effects)})."
            if differ
            else f"No lasting differences between sessions are seen ({_p(p_effects)})."
        )
        if self.m.noise_known:
            return Tested(full, alike, differ, True, p_effects, saw=(*saw, "The scorer's noise is known."))
        if not differ and alike is not None:
            alike = self._no_worse(alike, self.plain)
        larger, smaller = (full, self.noiseless) if differ else (alike, self.plain)
        p_noise = ratio_test(self.stack, larger, smaller) if larger is not None else float("nan")
        noisy = not p_noise >= NOISE_LEVEL
        return Tested(full, alike, differ, noisy, p_effects, p_noise, (*saw, _noise_sentence(p_noise)))

    def _no_worse(self, larger: Found, *smaller: Found | None) -> Found:
        """A model cannot fit worse than one inside it: where it does, it is climbed again from there."""
        for inside in smaller:
            if inside is not None and inside.at.log_likelihood > larger.at.log_likelihood + 1e-3:
                again = find(self.stack, larger.structure, [inside.parameters])
                if again is not None and again.at.log_likelihood > larger.at.log_likelihood:
                    larger = again
        return larger


def _near(p: Parameters, *, effects: bool, noise: bool) -> Parameters:
    n = len(p.M)
    P = p.P if effects else p.P * np.kron(np.diag([1.0, 0.0]), np.ones((n, n)))
    return p if noise and effects else replace(p, P=P, Q=p.Q if noise else p.Q + p.R, R=p.R * noise)


def _noise_sentence(p: float) -> str:
    if p >= NOISE_LEVEL:
        return f"Nothing speaks for noise in the scorer ({_p(p)})."
    if not p >= SEEN:
        return f"Scores jump back and forth as a noisy scorer makes them ({_p(p)})."
    return f"Noise in the scorer can be neither seen nor ruled out ({_p(p)})."


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {number(value)}"
