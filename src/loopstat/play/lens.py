"""Loops and chains to play with, as commands: their settings and where their parts are; light."""

from __future__ import annotations

from ..lenses import Command, Desk, Lens
from .rows import CHAIN, CHAIN_CONTROLS, LOOP, LOOP_CONTROLS

HELP = """Play with loops and chains whose answers are known, before anything is recorded.

\b
loopstat play loop                               a linear loop of three objectives: where it goes, what pays for what
loopstat play loop --schedule FF:3,SF:3,EF:3,AI  a published order of strategies, reconstructed
loopstat play chain --system ring --drive 1      is it driven, and how many transitions show it?
"""
LENS = Lens(
    "play",
    "loops and chains with known answers, and what recordings of them would let one say",
    (
        Command(
            "play loop",
            "Say where a linear loop of three objectives goes, how fast, what pays for what, and what recordings of it "
            "would tell.\n\nx[t+1] = x[t] + A x[t] + b + noise of covariance Q, for security, efficiency and "
            "functionality on a scale from 0 to 10. Strategies are reconstructions: only their equilibria are "
            "published.",
            LOOP,
            run="loopstat.play.loop:run",
            view="loopstat.play.view:loop",
            desk=Desk(
                "Linear loop",
                controls=LOOP_CONTROLS,
                presets="loopstat.play.strategies:LOOP_PRESETS",
                live="loopstat.play.loop:live",
            ),
        ),
        Command(
            "play chain",
            "Say whether a chain of states is in balance or driven, and what n transitions would let one conclude.\n\n"
            "The chains are known: a walk on a potential, a driven ring, a trap, and published counts of words.",
            CHAIN,
            run="loopstat.play.chain:run",
            view="loopstat.play.view:chain",
            desk=Desk(
                "Chain of states",
                controls=CHAIN_CONTROLS,
                presets="loopstat.play.rows:CHAIN_PRESETS",
                live="loopstat.play.chain:live",
            ),
        ),
    ),
    terms="loopstat.play.terms:TERMS",
    help=HELP,
)
