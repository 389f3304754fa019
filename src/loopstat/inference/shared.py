"""Clusters and bootstrap weights: shared by all groups of a panel, so that differences keep their covariance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Int
from ..panel.model import Rng
from ..panel.panel import Panel
from .clusters import Clusters, block_names, choose_clusters, in_blocks, many
from .resample import Resampling, bootstrap_weights


def shared_resampling(
    panel: Panel, parts: Sequence[Panel], *, column: str | None, n_boot: int, seed: int
) -> list[Resampling]:
    """Return the clusters of every part of a panel, and its columns of weights drawn once for the whole.

    Kinds of cluster of which some part holds many are in blocks in all of them: parts that share clusters share blocks.

    Parameters
    ----------
    panel : Panel
    parts : sequence of Panel
    column : str, optional
        What shares a start; default as `choose_clusters` says.
    n_boot, seed : int
    """
    clusters = [choose_clusters(part, column) for part in parts]
    weights = _Weights(panel, n_boot, seed, frozenset(c.kind for c in clusters if many(c)))
    return [weights.of(part, c) for part, c in zip(parts, clusters, strict=True)]


def drawn(kind: str, n_clusters: int, n_boot: int, seed: int) -> Int:
    """Return the weights that all clusters of a kind share, drawn once for a whole recording."""
    return bootstrap_weights(n_clusters, n_boot, np.random.default_rng([seed, *kind.encode()]))


def own_resampling(panel: Panel, *, column: str | None, n_boot: int, rng: Rng) -> Resampling:
    """Return the clusters of a panel that stands alone, in blocks where they are many, and weights of its own."""
    clusters = choose_clusters(panel, column)
    clusters = in_blocks(clusters) if many(clusters) else clusters
    return Resampling(clusters, bootstrap_weights(len(clusters), n_boot, rng))


class _Weights:
    """Bootstrap weights by kind of cluster, drawn when first asked for."""

    def __init__(self, panel: Panel, n_boot: int, seed: int, many: frozenset[str]) -> None:
        self.panel, self.n_boot, self.seed, self.many = panel, n_boot, seed, many
        self.drawn: dict[str, tuple[dict[str, int], Int]] = {}

    def of(self, part: Panel, clusters: Clusters) -> Resampling:
        """Return the clusters of a group and its columns of the shared weights."""
        if clusters.kind == "block":
            rng = np.random.default_rng([self.seed, len(part)])
            return Resampling(clusters, bootstrap_weights(len(clusters), self.n_boot, rng))
        clusters = in_blocks(clusters) if clusters.kind in self.many else clusters
        position, weights = self._whole(clusters)
        columns = [position[name] for name in clusters.names]
        return Resampling(clusters, weights[:, columns])

    def _whole(self, clusters: Clusters) -> tuple[dict[str, int], Int]:
        if clusters.kind not in self.drawn:
            names = self._names(clusters.kind)
            weights = drawn(clusters.kind, len(names), self.n_boot, self.seed)
            self.drawn[clusters.kind] = {name: i for i, name in enumerate(names)}, weights
        return self.drawn[clusters.kind]

    def _names(self, kind: str) -> tuple[str, ...]:
        if kind in self.many:
            return block_names(kind)
        if kind == "session":
            return self.panel.session_names
        return choose_clusters(self.panel, kind).names
