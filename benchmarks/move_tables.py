"""Published tables as the moves lens reads them: parents beside children, pools by task, votes apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

DATA = Path("../shared/data")
Frame = pl.DataFrame
SCORES = ("fitness", "aocc_lowcond", "aocc_multi_weak")


def table(name: str) -> Frame:
    """Read one table."""
    return pl.read_parquet(DATA / f"{name}.parquet")


def array(frame: Frame, column: str) -> Any:
    """Return a column as floats, NaN where it is empty."""
    return frame[column].cast(pl.Float64).to_numpy()


def log_loss(frame: Frame, column: str) -> Any:
    """Return -ln of a score in (0, 1], which is 0 at its best."""
    return -np.log(np.clip(array(frame, column), 1e-3, 1.0))


def debugged() -> Frame:
    """Return every version after the first, with the shares of the one (p1_) and the two (p2_) before it."""
    frame = table("ldb_humaneval/ldb_humaneval").sort("session", "step")
    columns = ("base_frac", "plus_frac", "visible_frac")
    before = [pl.col(c).shift(k).over("session").alias(f"p{k}_{c}") for c in columns for k in (1, 2)]
    return frame.with_columns(before).filter(pl.col("p1_base_frac").is_not_null())


def mutations(model: str) -> Frame:
    """Return scored children with the scores of their parent (p_) and of its parent (g_), null where there is none."""
    frame = table("llamea/llamea_bbob").filter(~pl.col("study").str.contains("superseded") & (pl.col("model") == model))
    links = (pl.col("step").alias("parent_step"), pl.col("parent_step").alias("grandparent_step"))
    parent = frame.select("session", *links, *(pl.col(c).alias(f"p_{c}") for c in SCORES))
    renamed = {"parent_step": "grandparent_step"} | {f"p_{c}": f"g_{c}" for c in SCORES}
    grandparent = parent.drop("grandparent_step").rename(renamed)
    out = frame.join(parent, on=["session", "parent_step"]).drop_nulls(["fitness", "p_fitness"])
    return out.join(grandparent, on=["session", "grandparent_step"], how="left").sort("session", "step")


def pool(which: str, part: str) -> Frame:
    """Return the candidates of one strategy or model in the order they were sampled."""
    if which == "tot":
        return table("tot_pools/game24_k100").filter(pl.col("strategy") == part).sort("task", "candidate")
    return table("humaneval_pool/humaneval_k10").filter(pl.col("model") == part).sort("task", "candidate")


def votes(step: int) -> tuple[Any, Frame]:
    """Return the three votes (2 sure, 1 likely, 0 impossible) on each candidate of a step, in random order.

    The recorded value is their sum with 20, 1 and 0.001 for the three, so it tells how often each was said.
    """
    frame = table("tot_pools/game24_tot_values").filter((pl.col("step") == step) & pl.col("solvable").is_not_null())
    value = array(frame, "value")
    counts = np.stack([np.round(value % 1 * 1000), value % 20 // 1, value // 20], axis=1).astype(int)
    whole = counts.sum(axis=1) == 3
    scores = np.array([np.repeat([0.0, 1.0, 2.0], c) for c in counts[whole]])
    return np.random.default_rng(0).permuted(scores, axis=1), frame.filter(pl.Series(whole))
