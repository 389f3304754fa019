"""Words and JSON keys of loops and chains to play with, a sentence each."""

from __future__ import annotations

TERMS: dict[str, str] = {
    "known": "Of a loop or chain that is set: what a fit would hold had it seen endless recordings; of a chain with "
    "the intervals that so many transitions would give.",
    "one_recording": "What a fit of one drawn recording says of a loop or chain that is set; null while a setting "
    "moves.",
    "reconstruction": "A loop whose equilibrium is published and whose other figures are chosen to fit what is told.",
    "stages": "The loops of a schedule, one after the other.",
    "first": "First step that a stage of a schedule makes.",
    "last": "Last step that a stage of a schedule makes.",
    "radius": "Largest modulus of an eigenvalue of the one-step map of a stage: below 1 it settles.",
    "stationary_sd": "Standard deviation of single sessions once the loop rests, for each objective.",
    "settles": "Action of a loop that is set and comes to rest within its sessions; `slow` if not within them.",
    "runs_away": "Action of a loop that is set and does not come to rest.",
    "pays": "What steps are worth by the mean of the objectives along the mean path of a loop that is set.",
    "gained": "What the steps until the last one worth its price add to the mean of the objectives.",
    "next_gain": "What the step after the last one worth its price would add.",
    "exact": "Whether mean and band are by the moments of the loop; else they are those of drawn sessions.",
    "estimable": "Half widths of the 95 % intervals that recordings of a loop that is set would give.",
    "power": "Chance that the test of detailed balance, at 5 %, finds a chain driven.",
    "power_at": "Power at the numbers of transitions `n`.",
    "approximate": "Power at the recorded number of transitions, by the noncentral chi-square law.",
    "enough": "Transitions with which four recordings in five show the drive.",
    "drawn": "Share of drawn recordings that the exact test finds driven.",
    "recordings": "How many recordings were drawn for a power.",
}
