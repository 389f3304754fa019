"""A Markov chain over named states: made from counts, run, and asked how it moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Float, Int, frozen
from ...errors import SettingsError
from ...inference.estimate import number
from ...panel.model import Rng, simulate
from ...panel.panel import Objective, Panel
from ...panel.tally import Counts
from ...results.result import Table
from .passage import (
    ROW_SUM_ERROR,
    Absorption,
    Matrix,
    absorption,
    closed_classes,
    committor,
    mean_first_passage,
    period,
    stochastic,
)
from .spectrum import Spectrum, spectrum
from .stationary import stationary
from .transitions import transition_matrix

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

DENSE = 200  # states up to which P is a plain array
LISTED = 20  # states in a summary


@dataclass(frozen=True, eq=False)
class MarkovChain:
    """A Markov chain over named states.

    Parameters
    ----------
    P : array or sparse matrix, shape (n_states, n_states)
        Probability of each next state (columns) given the present one (rows), per step. Held as a plain array up to
        200 states or where it came as one, as a `csr_matrix` otherwise.
    states : sequence of str, optional
        Names; default the codes `0, 1, ...`.

    Raises
    ------
    SettingsError
        P is not square, holds something that is no probability, a row does not sum to 1, or the names do not fit.

    Notes
    -----
    *When it is wrong*: where the next state depends on more than the present one (`order_test`), or the
    probabilities change with the step or the session (`homogeneity_test`).

    References
    ----------
    Norris (1997), Markov Chains, chapter 1.

    Examples
    --------
    >>> chain = MarkovChain([[0.9, 0.1], [0.3, 0.7]], ["draft", "done"])
    >>> chain.stationary.round(12).tolist()
    [0.75, 0.25]
    >>> chain.simulate(2, steps=3, start="draft", rng=0).labels["state"].values()
    ['draft', 'draft', 'draft', 'draft', 'draft', 'draft']
    """

    P: Matrix
    states: tuple[str, ...]
    _sparse: csr_matrix = field(init=False, repr=False, compare=False)

    def __init__(self, P: Matrix, states: Sequence[str] | None = None) -> None:
        T = stochastic(P)
        names = tuple(str(k) for k in range(T.shape[0])) if states is None else tuple(str(s) for s in states)
        if len(names) != T.shape[0] or len(set(names)) != len(names):
            raise SettingsError(f"`states` must hold {T.shape[0]} different names. Got {len(names)}.")
        for part in (T.data, T.indices, T.indptr):
            part.setflags(write=False)
        sparse = hasattr(P, "tocsr") and len(names) > DENSE
        object.__setattr__(self, "P", T if sparse else frozen(T.toarray(), np.float64))
        object.__setattr__(self, "states", names)
        object.__setattr__(self, "_sparse", T)

    @classmethod
    def of(cls, counts: Counts) -> MarkovChain:
        """Return the maximum-likelihood chain of transition counts, without the condition of balance.

        A state that was never left stays where it is.

        Examples
        --------
        >>> MarkovChain.of(Counts.of_matrix([[3, 1], [1, 1]], states=["draft", "done"])).P.tolist()
        [[0.75, 0.25], [0.5, 0.5]]
        """
        return cls(transition_matrix(counts), counts.states)

    def __repr__(self) -> str:
        return f"MarkovChain({self.n_states} states, {self._T.nnz} transitions)"

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def summary(self) -> Table:
        """Return the states that are visited most, and how fast the chain forgets, as a table."""
        several = len(closed_classes(self._T)) > 1
        pi = np.full(self.n_states, np.nan) if several else self.stationary
        order = np.argsort(np.zeros(self.n_states) if several else -pi, kind="stable")[:LISTED]
        stay = self._T.diagonal()
        rows = [(self.states[k], number(pi[k]), number(1 - stay[k])) for k in order]
        more = f" ({self.n_states - len(rows)} more)" if len(rows) < self.n_states else ""
        title = f"{self.n_states} state{'s' * (self.n_states > 1)}{more}; {self._pace(several)}"
        return Table(title, ("state", "stationary", "leaves"), tuple(rows))

    def _pace(self, several: bool) -> str:
        if several:
            return "more than one class of states is never left: where it starts decides where it ends"
        if self.period > 1:
            return f"goes round {self.period} groups of states for ever (period {self.period})"
        times = self.relaxation_times
        if not len(times):
            return "never moves"
        return f"relaxation time {number(times[0])} steps, spectral gap {number(self.spectral_gap)}"

    @property
    def _T(self) -> csr_matrix:
        return self._sparse

    # ------------------------------------------------------------------ as a model

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """None: a chain scores nothing."""
        return ()

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.states)

    @cached_property
    def _cumulative(self) -> Float:
        """Row number plus probability used up, over all stored entries: one ascending array for one search."""
        T = self._T
        total = np.cumsum(T.data)
        before = np.r_[0.0, total][T.indptr[:-1]]
        rows = np.repeat(np.arange(self.n_states), np.diff(T.indptr))
        return np.asarray(rows + total - before[rows])

    def step(self, rng: Rng, state: Int) -> Int:
        """Draw the next state of every session, as codes, shape (n_sessions,)."""
        T = self._T
        place = np.searchsorted(self._cumulative, state + rng.random(len(state)), side="right")
        # Rounding at the end of a row must not leave it.
        return np.asarray(T.indices[np.clip(place, T.indptr[state], T.indptr[state + 1] - 1)], dtype=np.int64)

    def start(self, rng: Rng, n_sessions: int) -> Int:
        """Draw starting states from the stationary law, as codes, shape (n_sessions,)."""
        return np.asarray(rng.choice(self.n_states, n_sessions, p=self.stationary), dtype=np.int64)

    def simulate(
        self,
        n_sessions: int,
        *,
        steps: int,
        start: str | Sequence[str] | ArrayLike | None = None,
        rng: Rng | int | None = None,
    ) -> Panel:
        """Run the chain: a panel without objectives, its states in the label column `state`. See `simulate`."""
        return simulate(self, n_sessions, steps=steps, start=start, rng=rng)

    # ------------------------------------------------------------------ facts

    @cached_property
    def stationary(self) -> Float:
        """The stationary law, shape (n_states,). Raises SettingsError where it is not unique."""
        return frozen(stationary(self._T), np.float64)

    def spectrum(self, *, k: int = 6) -> Spectrum:
        """Return the k leading eigenvalues."""
        return spectrum(self._T, k=k)

    @cached_property
    def relaxation_times(self) -> Float:
        """In steps, longest first, up to five; infinite for a period or a second closed class. See `spectrum`."""
        return self.spectrum().relaxation_times

    @cached_property
    def spectral_gap(self) -> float:
        """1 - |lambda_2|: large where the chain forgets fast, 0 for a period or a second closed class."""
        return self.spectrum().spectral_gap

    @cached_property
    def period(self) -> int:
        """1 where the chain settles, 2 where it swings between two groups of states for ever. See `period`."""
        return period(self._T)

    def after(self, steps: int, *, start: str | ArrayLike) -> Float:
        """Return the law of the state after some steps, shape (n_states,).

        Parameters
        ----------
        steps : int
        start : str, or array of shape (n_states,)
            The first state, or its law.

        Raises
        ------
        SettingsError
            `steps` is negative, or `start` is no state and no law.

        Examples
        --------
        Half the sum of absolute differences between two starts is what the chain still knows of them:

        >>> chain = MarkovChain([[0.9, 0.1], [0.3, 0.7]], ["draft", "done"])
        >>> gone = chain.after(2, start="draft") - chain.after(2, start="done")
        >>> round(float(abs(gone).sum() / 2), 9)
        0.36
        """
        if steps < 0 or int(steps) != steps:
            raise SettingsError(f"`steps` must be an int of at least 0. Got {steps!r}.")
        law: Float = np.asarray(
            np.bincount(self._codes(start), minlength=self.n_states) if isinstance(start, str) else start,
            dtype=np.float64,
        )
        if law.shape != (self.n_states,) or not np.all(law >= 0) or abs(law.sum() - 1) > ROW_SUM_ERROR:
            raise SettingsError(f"`start` must be a state, or a law of {self.n_states} probabilities that sum to 1.")
        back = self._T.T.tocsr()
        for _ in range(steps):
            law = back @ law
        return np.asarray(law)

    def mean_first_passage(self, target: str | Sequence[str]) -> Float:
        """Return the expected steps from every state to the named ones, shape (n_states,)."""
        return mean_first_passage(self._T, self._codes(target))

    def committor(self, a: str | Sequence[str], b: str | Sequence[str]) -> Float:
        """Return the probability from every state to reach the states named in `b` before those in `a`."""
        return committor(self._T, self._codes(a), self._codes(b))

    def absorption(self) -> Absorption:
        """Return in which closed class the chain ends from every state, and after how many steps."""
        return absorption(self._T)

    def _codes(self, names: str | Sequence[str]) -> Int:
        wanted = [names] if isinstance(names, str) else list(names)
        place = {name: k for k, name in enumerate(self.states)}
        unknown = [name for name in wanted if name not in place]
        if unknown or not wanted:
            raise SettingsError(f"no state is named {unknown[0]!r}." if unknown else "name at least one state.")
        return np.array([place[name] for name in wanted], dtype=np.int64)
