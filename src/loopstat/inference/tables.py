"""Sums per cluster that merge: what parts of a recording, read apart, can be put together from.

A cluster is known by a number made of its name, so that a part says nothing of names; where there are many, sums over
random blocks of them stand for them, as in every fit (`inference.clusters`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from zlib import crc32

import numpy as np

from ..arrays import Float, Int, relabel
from .clusters import MANY_CLUSTERS, N_BLOCKS, Clusters, block_names


@dataclass(frozen=True)
class Table:
    """Sums by cluster and key.

    Attributes
    ----------
    keys : int array, shape (n_keys,)
        Ascending: steps, lengths, or a single 0 where sums have no key.
    values : float array, shape (n_clusters, n_keys, n_sums)
    """

    keys: Int
    values: Float

    @classmethod
    def of(cls, keys: Int | None, values: Float) -> Table:
        """Make from sums by key, or (`keys` None) from sums of shape (n_clusters, n_sums)."""
        return cls(np.zeros(1, dtype=np.int64), values[:, None]) if keys is None else cls(keys, values)

    def put(self, clusters: Int, keys: Int, out: Float) -> None:
        """Add the sums to those of more clusters and keys: row k goes to `clusters[k]`, which may come twice."""
        np.add.at(out, (clusters[:, None], np.searchsorted(keys, self.keys)[None, :]), self.values)


def merged(parts: Sequence[Mapping[str, Table]], rows: Sequence[Int], n: int) -> dict[str, Table]:
    """Add tables of the same name together.

    Parameters
    ----------
    parts : sequence of mappings from name to Table
    rows : sequence of int arrays
        For each part, where its clusters go.
    n : int
        Clusters of the sum.
    """
    out = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        held = [(part[name], at) for part, at in zip(parts, rows, strict=True) if name in part]
        keys = np.unique(np.concatenate([table.keys for table, _ in held]))
        values = np.zeros((n, len(keys), held[0][0].values.shape[2]))
        for table, at in held:
            table.put(at, keys, values)
        out[name] = Table(keys, values)
    return out


def number_of(name: str) -> int:
    """Return the number that a name is known by: 63 bits of its BLAKE2b."""
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()) >> 1


def block_of(name: str) -> int:
    """Return the block that a name falls into where clusters are many."""
    return crc32(name.encode("utf-8", "surrogatepass")) % N_BLOCKS


@dataclass(frozen=True)
class ClusterTables:
    """Sums of one group by cluster.

    Attributes
    ----------
    ids : int array, shape (n_clusters,)
        What each cluster is known by; the number of the block where `blocked`.
    file, place : int arrays, shape (n_clusters,)
        Where the cluster is first met: clusters stand in this order, then by id. 0 where that says nothing.
    block : int array, shape (n_clusters,)
    tables : mapping from name to Table
    blocked : bool
    members : int array
        Ids of the clusters in blocks, where the same one may be met in several parts; else empty.
    n_members : int
        How many clusters the blocks hold.
    """

    ids: Int
    file: Int
    place: Int
    block: Int
    tables: Mapping[str, Table]
    blocked: bool = False
    members: Int = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    n_members: int = 0

    @classmethod
    def bare(
        cls, ids: Sequence[int], blocks: Sequence[int], place: Sequence[int] | None, of: Int
    ) -> tuple[ClusterTables, Int]:
        """Return clusters without sums, in blocks at once where they are many, and where each of some things goes.

        Parameters
        ----------
        ids, blocks : sequences of int
        place : sequence of int, optional
            Where each is met first, from 1 on; None where the same one may be met elsewhere.
        of : int array
            The cluster of each thing.
        """
        block, n = np.array(blocks, dtype=np.int64), len(blocks)
        if n <= MANY_CLUSTERS:
            zeros = np.zeros(n, dtype=np.int64)
            at = zeros if place is None else np.array(place, dtype=np.int64)
            return cls(np.array(ids, dtype=np.int64), zeros, at, block, {}), of
        values, code = relabel(block)
        zeros = np.zeros(len(values), dtype=np.int64)
        members = np.sort(np.array(ids, dtype=np.int64)) if place is None else zeros[:0]
        return cls(values, zeros, zeros, values, {}, True, members, n), code[of]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def n_independent(self) -> int:
        """Number of independent clusters."""
        return self.n_members if self.blocked else len(self)

    def __add__(self, other: ClusterTables) -> ClusterTables:
        """Merge two parts; clusters of the same id are added together."""
        if self.blocked != other.blocked:
            return self.in_blocks() + other.in_blocks()
        parts = (self, other)
        ids, first, code = np.unique(
            np.concatenate([p.ids for p in parts]), return_index=True, return_inverse=True
        )  # fmt: skip
        file, place, block = (np.concatenate([getattr(p, n) for p in parts])[first] for n in ("file", "place", "block"))
        order = np.lexsort((ids, place, file))
        at = np.empty(len(ids), dtype=np.int64)
        at[order] = np.arange(len(ids))
        where = np.split(at[code.reshape(-1)], [len(self)])
        tables = merged([p.tables for p in parts], where, len(ids))
        members = np.union1d(self.members, other.members)
        n = len(members) if len(members) else self.n_members + other.n_members
        made = ClusterTables(ids[order], file[order], place[order], block[order], tables, self.blocked, members, n)
        return made.in_blocks() if len(made) > MANY_CLUSTERS else made

    def in_blocks(self) -> ClusterTables:
        """Return the sums over random blocks of the clusters."""
        if self.blocked:
            return self
        blocks, code = relabel(self.block)
        tables = merged([self.tables], [code], len(blocks))
        shared = not self.place.any()  # what stands in some file's order is met nowhere else
        nowhere = np.zeros(len(blocks), dtype=np.int64)
        members = np.sort(self.ids) if shared else np.zeros(0, dtype=np.int64)
        return ClusterTables(blocks, nowhere, nowhere, blocks, tables, True, members, len(self.ids))

    def moved(self, files: Int) -> ClusterTables:
        """Return the same with files numbered anew: number k becomes `files[k]`."""
        if not self.place.any():  # blocks, and what stands in no file's order
            return self
        file = files[self.file]
        order = np.lexsort((self.ids, self.place, file))
        tables = {name: Table(t.keys, t.values[order]) for name, t in self.tables.items()}
        return replace(
            self, ids=self.ids[order], file=file[order], place=self.place[order], block=self.block[order], tables=tables
        )

    def clusters(self, kind: str, sentence: str, label: str) -> Clusters:
        """Return the clusters as a fit knows them, without rows; each is called by the number it is known by.

        Parameters
        ----------
        kind, sentence : str
            What they are, and why.
        label : str
            Of the group: clusters that are met nowhere else are told apart by it.
        """
        none = np.zeros(0, dtype=np.int64)
        if not self.blocked:
            return Clusters(none, tuple(f"{kind} #{k:016x}" for k in self.ids.tolist()), kind, sentence)
        names = block_names(kind)
        held = self.members.tolist() if len(self.members) else range(self.n_members)
        members = tuple(f"#{k:016x}" if len(self.members) else f"{label} {k}" for k in held)
        said = f"{sentence}, in {len(self)} random blocks"
        return Clusters(none, tuple(names[k] for k in self.ids.tolist()), kind, said, members)

    def of(self, name: str) -> Float:
        """Return sums without a key, shape (n_clusters, n_sums)."""
        return self.tables[name].values[:, 0]

    def total(self, name: str) -> Float:
        """Return a table's sums over all clusters, shape (n_keys, n_sums)."""
        return np.asarray(self.tables[name].values.sum(axis=0))
