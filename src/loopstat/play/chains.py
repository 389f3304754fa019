"""The chains to play with, and what a recording of one comes to on average."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Float
from ..balance.chain.model import MarkovChain
from ..panel.model import Rng
from ..panel.panel import Panel
from ..panel.tally import Counts
from ..systems import driven_ring, metropolis, trap

WORDS = ("ATTITUDE", "PERSONAL", "PROBLEMS", "TURKEY", "BUZZY")
COUNTED = (
    ("BUZZY", "ATTITUDE", 3859),
    ("PERSONAL", "ATTITUDE", 3879),
    ("PROBLEMS", "ATTITUDE", 3558),
    ("TURKEY", "ATTITUDE", 4122),
    ("ATTITUDE", "PERSONAL", 66),
    ("ATTITUDE", "PROBLEMS", 20),
    ("BUZZY", "TURKEY", 238),
)
"""Published transitions of Claude-4 between words (Song et al. 2025)."""

SHALLOWER = 0.4  # of the lower well: how deep the other one is not
LEAST = 1e-12  # expected transitions below which a pair is not there


def words() -> MarkovChain:
    """Return the published word counts as a chain, all words asked equally often; the rest of the answers stay.

    Examples
    --------
    >>> words().stationary.round(4).tolist()
    [0.9779, 0.0166, 0.0055, 0.0, 0.0]
    """
    counts = Counts.of(
        [WORDS.index(a) for a, _, _ in COUNTED],
        [WORDS.index(b) for _, b, _ in COUNTED],
        [n for *_, n in COUNTED],
        states=WORDS,
        visits="equal",
    )
    P = np.zeros((len(WORDS), len(WORDS)))
    P[counts.source, counts.target] = counts.count / counts.visits[counts.source]
    P[np.diag_indices(len(WORDS))] = 1 - P.sum(axis=1)
    return MarkovChain(P, WORDS)


def two_wells(n_states: int, depth: float) -> Float:
    """Return a potential on a ring with two wells, the one at state 0 the lower, shape (n_states,).

    Examples
    --------
    >>> two_wells(4, 2.0).round(3).tolist()
    [0.0, 2.0, 0.667, 2.0]
    """
    around = 2 * np.pi * np.arange(n_states) / n_states
    wells = (1 - np.cos(2 * around)) / 2 + SHALLOWER * (1 - np.cos(around)) / 2
    return np.asarray(depth * wells / (1 + SHALLOWER / 2))


@dataclass(frozen=True)
class System:
    """A known chain and how it is recorded.

    Attributes
    ----------
    chain : MarkovChain
    transitions : int
    sessions : int
        That the transitions are spread over; 0 asks every state equally often.
    """

    chain: MarkovChain
    transitions: int
    sessions: int

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> System:
        """Return the system that settings ask for."""
        n, stay = int(options["states"]), float(options["stay"])
        match options["system"]:
            case "ring":
                chain = driven_ring(n, affinity=float(options["drive"]), stay=stay)
            case "trap":
                chain = trap(n, escape=float(options["escape"]), stay=stay)
            case "words":
                chain = words()
            case _:
                beta = 1 / float(options["temperature"])
                chain = metropolis(two_wells(n, float(options["depth"])), neighbours=1, beta=beta)
        return cls(chain, int(options["transitions"]), int(options["sessions"]))

    @property
    def P(self) -> Float:
        """Transition matrix as a plain array."""
        return np.asarray(self.chain.P)

    @property
    def asked(self) -> Float:
        """Share of the transitions that leave each state, shape (n_states,)."""
        n = self.chain.n_states
        return np.asarray(self.chain.stationary) if self.sessions else np.full(n, 1 / n)

    @property
    def length(self) -> int:
        """Transitions of a session."""
        return max(round(self.transitions / max(self.sessions, 1)), 1)

    def expected(self) -> Counts:
        """Return the counts that recordings have on average; fractions of transitions are fine."""
        flow = self.transitions * self.asked[:, None] * self.P
        i, j = np.nonzero(flow > LEAST)
        return Counts.of(i, j, flow[i, j], states=self.chain.states)

    def recorded(self, rng: Rng) -> Panel | Counts:
        """Draw one recording: sessions from the stationary law, or draws from every state."""
        if self.sessions:
            return self.chain.simulate(self.sessions, steps=self.length + 1, rng=rng)
        each = np.full(self.chain.n_states, self.transitions // self.chain.n_states)
        each[: self.transitions % self.chain.n_states] += 1
        drawn = np.array([rng.multinomial(n, row) for n, row in zip(each.tolist(), self.P, strict=True)])
        return Counts.of_matrix(drawn, states=self.chain.states)

    def counted(self, rng: Rng) -> Counts:
        """Draw one recording and count it."""
        drawn = self.recorded(rng)
        return drawn if isinstance(drawn, Counts) else Counts.of_panel(drawn)
