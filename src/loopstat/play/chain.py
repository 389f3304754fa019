"""A chain of states that is set: in balance or driven, and what recordings of it would let one conclude."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..balance.fit import BalanceFit
from ..balance.settings import ReversibleChain
from ..inference.workers import Progress
from ..parameters import checked_values
from ..results.record import UNWRITTEN, Record
from ..results.verdict import Verdict
from .chains import System
from .known_chain import known_chain
from .power import Power, drawn_power, power_of
from .rows import CHAIN
from .verdicts import chain_verdict

SCHEMA = "loopstat.play-chain/1"
TEST_DRAWS = 199
ROUGH = "Power by approximation; drawn recordings follow on release."


@dataclass(frozen=True, eq=False)
class ChainPlay(Record):
    """Everything said of a chain that is set.

    Attributes
    ----------
    settings : dict
        Value of every setting.
    notes : tuple of str
    command : str
    verdict : Verdict
        `balanced` or `driven`.
    known : BalanceFit
        Its true figures, with the intervals that so many transitions would give.
    power : Power
    one_recording : BalanceFit or None
        What the balance lens says of one recording; None in a live answer.
    """

    KEYS = ("schema", "version", "settings", "notes", "command", "verdict", "known", "power", "one_recording")
    SCHEMA = SCHEMA

    settings: dict[str, Any]
    notes: tuple[str, ...]
    command: str
    verdict: Verdict
    known: BalanceFit
    power: Power
    one_recording: BalanceFit | None
    rough: str = field(default="", metadata=UNWRITTEN)

    def __repr__(self) -> str:
        return f"ChainPlay({self.verdict.sentence})"


def play_chain(
    settings: Mapping[str, Any] | None = None,
    *,
    command: str = "",
    whole: bool = True,
    progress: Progress | None = None,
) -> ChainPlay:
    """Look at a chain that is set, and say what recordings of it would let one conclude.

    Parameters
    ----------
    settings : mapping, optional
        Values of `rows.CHAIN` by name; default as they stand there.
    command : str
        Kept with the result.
    whole : bool
        Also draw recordings: one that is read, and as many as it takes to see how often the test finds the drive.
    progress : callable, optional
        Called with (done, total, label).

    Returns
    -------
    ChainPlay

    Raises
    ------
    SettingsError
        A value outside its range.

    Notes
    -----
    *When it is wrong*: real loops may remember more than the present state, and sessions may differ; this one does not.

    Examples
    --------
    >>> result = play_chain({"system": "ring", "states": 4, "drive": 2.0}, whole=False)
    >>> round(result.known.entropy_production.value, 6)  # 0.8 tanh(0.25) 0.5
    0.097967
    """
    options = checked_values(settings or {}, CHAIN)
    system = System.of(options)
    counts = system.expected()
    known = known_chain(counts, str(options["system"]), system.sessions or None)
    power, recorded = power_of(system, counts), None
    if whole:
        seed = int(options["seed"])
        rng = np.random.default_rng([seed, 0])
        label = "one recording"
        recorded = ReversibleChain(n_draws=TEST_DRAWS).fit(system.recorded(rng), rng=rng, label=label)
        if power.df:
            drawn, recordings = drawn_power(system, seed, progress)
            power = replace(power, drawn=drawn, recordings=recordings)
    return ChainPlay(
        settings=options,
        notes=(),
        command=command,
        verdict=chain_verdict(known, power, options),
        known=known,
        power=power,
        one_recording=recorded,
        rough="" if whole or not power.df else ROUGH,
    )


def run(recording: None, options: Mapping[str, Any], *, progress: Progress | None = None) -> ChainPlay:
    """Look at a chain as it was asked for; `options` are values of `rows.CHAIN` by name, and `command`."""
    del recording
    return play_chain(options, command=str(options.get("command") or ""), progress=progress)


def live(recording: None, options: Mapping[str, Any], last: ChainPlay | None) -> ChainPlay:
    """Answer while a setting moves: true figures, and power by approximation."""
    del recording, last
    return play_chain(options, command=str(options.get("command") or ""), whole=False)
