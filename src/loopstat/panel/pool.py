"""Pools of recorded candidates, and what the best of k of them is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Float, Int
from ..errors import SettingsError


@dataclass(frozen=True)
class Pool:
    """Recorded candidates: rows of tasks with verdicts, scores and a truth, whatever of these there is.

    Attributes
    ----------
    task : int array, shape (n,)
        0, 1, ...
    coarse, fine : float arrays, shape (n,), or None
        Verdicts, 1 for pass; NaN where missing.
    judges : mapping from name to float array, shape (n,)
    truth : float array, shape (n,), or None
        True quality.
    selected : bool
        Whether the candidates were chosen by their coarse verdicts.
    """

    task: Int
    coarse: Float | None = None
    fine: Float | None = None
    judges: Mapping[str, Float] = field(default_factory=dict)
    truth: Float | None = None
    selected: bool = False

    @classmethod
    def of(
        cls,
        task: ArrayLike,
        *,
        coarse: ArrayLike | None = None,
        fine: ArrayLike | None = None,
        judges: Mapping[str, ArrayLike] | None = None,
        truth: ArrayLike | None = None,
        selected: bool = False,
    ) -> Pool:
        """Make from columns of equal length.

        Raises
        ------
        SettingsError
            Lengths that differ, verdicts other than 0, 1 and NaN, or no row.

        Examples
        --------
        >>> Pool.of(["a", "a", "b"], coarse=[True, False, True])
        Pool(2 tasks, 3 candidates)
        """
        codes = np.unique(np.asarray(task), return_inverse=True)[1].ravel().astype(np.int64)
        if not len(codes):
            raise SettingsError("a pool needs candidates: `task` is empty.")
        columns: dict[str, Any] = {"coarse": coarse, "fine": fine, "truth": truth}
        read = {k: None if v is None else np.asarray(v, dtype=np.float64) for k, v in columns.items()}
        scores = {str(k): np.asarray(v, dtype=np.float64) for k, v in (judges or {}).items()}
        for name, values in {**read, **scores}.items():
            if values is not None and values.shape != codes.shape:
                raise SettingsError(f"`{name}` must be as long as `task`, {len(codes)}. Got shape {values.shape}.")
        for name in ("coarse", "fine"):
            verdict = read[name]
            if verdict is not None and not np.isin(verdict[~np.isnan(verdict)], (0.0, 1.0)).all():
                raise SettingsError(f"`{name}` must hold verdicts, 0 or 1: shares of tests passed are no verdicts.")
        return cls(codes, read["coarse"], read["fine"], scores, read["truth"], selected)

    def __len__(self) -> int:
        return len(self.task)

    @property
    def n_tasks(self) -> int:
        """Tasks with a candidate."""
        return int(self.task.max()) + 1

    def __repr__(self) -> str:
        return f"Pool({self.n_tasks:,} tasks, {len(self):,} candidates)"
