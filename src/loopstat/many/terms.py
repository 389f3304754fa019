"""Words of files of sums."""

from __future__ import annotations

TERMS: dict[str, str] = {
    "stats": "Sums over the sessions of a table, by group and cluster, from which figures are computed without its "
    "rows; sums of parts add up to those of the whole.",
    "in_blocks": "Whether sums stand for random blocks of clusters, because there are more than 2,000 of a kind.",
}
