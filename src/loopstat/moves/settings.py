"""Every parameter of the moves lens, described once: flags, files, presets and pages are made from this table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from ..errors import SettingsError
from ..parameters import OURS, Parameter, checked, choice, nearest, number, whole

POLICIES = ("vibe", "planner", "trust-region")
PROCESSES = ("split", "single", "integer")
ORDER_STATISTICS = ("exact", "source")
BANDS = ("winner", "candidate")


PAGE, TABLE = "the model's page", "the model's constants"  # where a default comes from

_number = partial(number, source=TABLE)

ROWS = (
    choice("policy", "trust-region", "how the edit radius goes on", POLICIES, PAGE),
    _number("human_prior", "H", 0.6, "how well the context says what is wanted", 0, 1, source=PAGE, slider=(0, 1)),
    _number("model_prior", "rho", 0.75, "how often proposals point the right way", 0, 1, source=PAGE, slider=(0, 1)),
    _number("oracle_resolution", "r", 0.8, "share of defect modes the tests see", 0, 1, source=PAGE, slider=(0, 1)),
    _number(
        *("edit_radius", "delta", 0.2, "size of a change, at the start", 0),
        source=PAGE,
        unit="edit size",
        slider=(0.01, 2),
        above=True,
    ),
    whole("candidates", "K", 5, "candidates generated a move", 1, source=PAGE, slider=(1, 12)),
    whole("reviewers", "N", 3, "reviewers that score every candidate", 0, source=PAGE, slider=(0, 8)),
    _number(
        *("correlation", "gamma", 0.2, "correlation of two reviewers' errors about one candidate", 0, 1),
        source=PAGE,
        slider=(0, 0.9),
    ),
    _number(
        *("difficulty", "mu0", 12.0, "expected defects at the start", 0),
        source=PAGE,
        unit="defects",
        slider=(2, 40),
        above=True,
    ),
    _number(
        *("target_reliability", "", 0.95, "probability at which the loop stops", 0, 1 - 1e-9),
        source=PAGE,
        slider=(0.5, 0.99),
        above=True,
    ),
    whole("reviewer_proposals", "K_r", 1, "proposals each reviewer adds", 0, source=PAGE, slider=(0, 1)),
    _number(
        *("decay_rate", "", 0.98, "what vibe and planner multiply the edit radius by each move", 0, 1),
        source=PAGE,
        slider=(0.9, 1),
        above=True,
    ),
    _number("tr_alpha", "alpha", 1.3, "expansion above the band", 1, source=PAGE, slider=(1.1, 2)),
    _number("tr_beta", "beta", 0.7, "contraction below the band", 0, 1, source=PAGE, slider=(0.3, 0.9), above=True),
    _number("tr_a_low", "A_low", 0.2, "lower end of the band of acceptance", 0, 1, source=PAGE, slider=(0.1, 0.3)),
    _number("tr_a_high", "A_high", 0.4, "upper end of the band of acceptance", 0, 1, source=PAGE, slider=(0.3, 0.6)),
    _number("tr_min_radius", "", 0.01, "least edit radius of the trust region", 0, unit="edit size", above=True),
    _number(
        *("tr_max_radius", "", 1.0, "largest edit radius of the trust region", 0),
        unit="edit size",
        slider=(0.01, 2),
        above=True,
    ),
    whole("tr_window", "", 10, "moves whose acceptance decides the next edit radius", 1, unit="moves"),
    choice("tr_band", "winner", "whether the band is about the winner or about one candidate", BANDS),
    whole("plan_moves", "T_p", 20, "moves in which a planner improves H and r", 0, source=TABLE, unit="moves"),
    _number("plan_human_step", "dH", 0.02, "what a planning move adds to H", 0, 1, unit="a move"),
    _number("plan_oracle_step", "dr", 0.01, "what a planning move adds to r", 0, 1, unit="a move"),
    whole("max_moves", "", 400, "moves after which a run is given up", 1, unit="moves"),
    _number("cost_generate", "", 1.0, "cost of one candidate", 0, source=OURS, unit="cost"),
    _number("cost_review", "", 0.2, "cost of one review of one candidate", 0, source=OURS, unit="cost"),
    _number("cost_oracle", "", 0.1, "cost of one run of the oracle", 0, source=OURS, unit="cost"),
    _number(
        *("collateral", "a3", 0.0, "damage that grows with the square of the edit radius", 0),
        source=OURS,
        unit="defects/edit size^2",
    ),
    _number("a1", "a1", 0.9, "improvement per unit of radius, far from the goal", 0, unit="defects/edit size"),
    _number("a2", "a2", 0.15, "damage per unit of radius", 0, unit="defects/edit size"),
    _number("s0", "s0", 0.4, "spread of candidates per unit of radius", 0, unit="defects/edit size"),
    _number("b", "b", 4.0, "defects at which improvement has fallen to one half", 0, unit="defects", above=True),
    _number("kappa1", "kappa1", 0.4, "how much H narrows the spread of candidates", 0, 1),
    _number("kappa2", "kappa2", 0.3, "how much H lessens damage", 0, 1),
    _number("sigma_r", "sigma_r", 0.35, "error of one reviewer about one candidate", 0, unit="defects"),
    _number("tau", "tau", 0.4, "how much H makes candidates alike", 0, 1),
    _number(
        *("leniency", "", 0.0, "variance of a reviewer's offset, the same for all candidates of a move", 0),
        source=OURS,
        unit="defects^2",
    ),
    choice("process", "split", "what is followed: two masses, one mass, or counts of defects", PROCESSES),
    choice("order_statistic", "exact", "expected best of K: exact, or the approximation in use", ORDER_STATISTICS),
    whole("replicates", "", 4000, "runs simulated", 2, unit="runs"),
    whole("seed", "", 0, "of the random numbers", 0),
)
FREQUENT = ("candidates", "reviewers", "difficulty", "target_reliability", "max_moves", "replicates", "seed")
"""Those with a flag of their own."""
PARAMETERS: dict[str, Parameter] = {row.name: row for row in ROWS}


ROW = (
    *("policy", "edit_radius", "candidates", "reviewers", "reviewer_proposals", "correlation"),
    *("oracle_resolution", "human_prior", "model_prior"),
)


def _row(*values: Any, **more: Any) -> dict[str, Any]:
    return {**dict(zip(ROW, values, strict=True)), **more}


POLICY_DEFAULTS: dict[str, dict[str, Any]] = {
    "vibe": _row("vibe", 0.1, 2, 0, 0, 0.0, 0.7, 0.3, 0.6, decay_rate=0.99),
    "planner": _row("planner", 0.3, 4, 2, 1, 0.3, 0.5, 0.4, 0.7, decay_rate=0.98),
    "trust-region": _row("trust-region", 0.2, 5, 3, 1, 0.2, 0.8, 0.6, 0.75),
}
PRESETS: dict[str, dict[str, Any]] = {
    "noob-vibe": _row(
        *("vibe", 0.05, 1, 0, 0, 0.0, 0.6, 0.2, 0.5),
        decay_rate=0.995,
        target_reliability=0.9,
        difficulty=8.0,
    ),
    "principal-tr": _row(
        *("trust-region", 0.25, 6, 4, 1, 0.25, 0.85, 0.7, 0.8),
        tr_alpha=1.4,
        tr_beta=0.6,
        tr_a_low=0.25,
        tr_a_high=0.45,
        difficulty=15.0,
    ),
    "planner-spec": _row(
        *("planner", 0.4, 5, 3, 1, 0.3, 0.4, 0.3, 0.75),
        decay_rate=0.975,
        plan_moves=30,
        plan_human_step=0.015,
        plan_oracle_step=0.012,
        difficulty=18.0,
    ),
}
SCENARIOS: dict[str, dict[str, Any]] = {
    "legacy-refactor": {
        "difficulty": 25.0,
        "target_reliability": 0.98,
        "oracle_resolution": 0.6,
        "human_prior": 0.4,
    },
    "greenfield": {"difficulty": 6.0, "target_reliability": 0.9, "oracle_resolution": 0.9, "human_prior": 0.8},
    "critical-system": {
        "difficulty": 20.0,
        "target_reliability": 0.999,
        "reviewers": 6,
        "correlation": 0.1,
        "reviewer_proposals": 1,
    },
    "rapid-prototype": {
        "difficulty": 10.0,
        "target_reliability": 0.8,
        "edit_radius": 0.5,
        "candidates": 8,
        "reviewers": 1,
    },
}


@dataclass(frozen=True)
class MoveSettings:
    """Parameters of a loop of moves: candidates, reviewers, oracle, edit radius, costs, and how it is simulated.

    The fields are those of `PARAMETERS`, with its defaults; every one is checked when it is made.

    Raises
    ------
    SettingsError
        Naming the parameter, its range and what came.

    Examples
    --------
    >>> MoveSettings(candidates=8).candidates
    8
    >>> MoveSettings.of(policy="vibe").reviewers
    0
    """

    policy: str = "trust-region"
    human_prior: float = 0.6
    model_prior: float = 0.75
    oracle_resolution: float = 0.8
    edit_radius: float = 0.2
    candidates: int = 5
    reviewers: int = 3
    correlation: float = 0.2
    difficulty: float = 12.0
    target_reliability: float = 0.95
    reviewer_proposals: int = 1
    decay_rate: float = 0.98
    tr_alpha: float = 1.3
    tr_beta: float = 0.7
    tr_a_low: float = 0.2
    tr_a_high: float = 0.4
    tr_min_radius: float = 0.01
    tr_max_radius: float = 1.0
    tr_window: int = 10
    tr_band: str = "winner"
    plan_moves: int = 20
    plan_human_step: float = 0.02
    plan_oracle_step: float = 0.01
    max_moves: int = 400
    cost_generate: float = 1.0
    cost_review: float = 0.2
    cost_oracle: float = 0.1
    collateral: float = 0.0
    a1: float = 0.9
    a2: float = 0.15
    s0: float = 0.4
    b: float = 4.0
    kappa1: float = 0.4
    kappa2: float = 0.3
    sigma_r: float = 0.35
    tau: float = 0.4
    leniency: float = 0.0
    process: str = "split"
    order_statistic: str = "exact"
    replicates: int = field(default=4000)
    seed: int = 0

    def __post_init__(self) -> None:
        """Read every value as its parameter takes it, and refuse what contradicts another."""
        checked(self, ROWS)
        if self.tr_a_low > self.tr_a_high:
            raise SettingsError(
                f"`tr_a_low` must not be above `tr_a_high`: the band would be empty. Got {self.tr_a_low:g} and "
                f"{self.tr_a_high:g}.",
                setting="tr_a_low",
            )
        if self.tr_min_radius > self.tr_max_radius:
            raise SettingsError(
                f"`tr_min_radius` must not be above `tr_max_radius`. Got {self.tr_min_radius:g} and "
                f"{self.tr_max_radius:g}.",
                setting="tr_min_radius",
            )
        if self.policy == "trust-region" and self.edit_radius > self.tr_max_radius:
            raise SettingsError(
                f"`edit_radius` starts outside the trust region: {self.edit_radius:g} is above `tr_max_radius` "
                f"{self.tr_max_radius:g}. Hint: raise `tr_max_radius`.",
                setting="edit_radius",
            )

    @classmethod
    def of(
        cls,
        *,
        policy: str | None = None,
        preset: str | None = None,
        scenario: str | None = None,
        file: Mapping[str, Any] | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> MoveSettings:
        """Lay settings over each other, the later winning: policy or preset, scenario, file, values.

        Parameters
        ----------
        policy : str, optional
            Loads that policy's published row; anything absent there is the page's control.
        preset : str, optional
            A published row with a name; it brings its own policy.
        scenario : str, optional
        file, values : mappings from names to values, optional
            Of a settings file, and given one by one. A `policy` among them loads its row first.

        Raises
        ------
        SettingsError
            Unknown names, with the nearest known one; a policy that contradicts the preset.
        """
        file, values = dict(file or {}), dict(values or {})
        for name in (*file, *values):
            if name not in PARAMETERS:
                raise nearest(name, PARAMETERS, "setting")
        if preset is not None and preset not in PRESETS:
            raise nearest(preset, PRESETS, "preset")
        if scenario is not None and scenario not in SCENARIOS:
            raise nearest(scenario, SCENARIOS, "scenario")
        chosen = values.get("policy", file.get("policy", policy))
        if chosen is not None and chosen not in POLICIES:
            raise nearest(str(chosen), POLICIES, "policy")
        if preset is not None and chosen not in (None, PRESETS[preset]["policy"]):
            raise SettingsError(
                f"preset {preset} is a {PRESETS[preset]['policy']} policy, not {chosen}: name one of them."
            )
        row = PRESETS[preset] if preset is not None else POLICY_DEFAULTS.get(str(chosen), {})
        return cls(**{**row, **SCENARIOS.get(scenario or "", {}), **file, **values})

    def but(self, **changes: Any) -> MoveSettings:
        """Return the same settings with some changed."""
        for name in changes:
            if name not in PARAMETERS:
                raise nearest(name, PARAMETERS, "setting")
        return replace(self, **changes)

    @property
    def pool(self) -> int:
        """K' = K + N K_r, the candidates of a move, those of reviewers included."""
        return self.candidates + self.reviewers * self.reviewer_proposals

    @property
    def move_cost(self) -> float:
        """Cost of one move: c_generate K' + c_review N K' + c_oracle."""
        return self.pool * (self.cost_generate + self.cost_review * self.reviewers) + self.cost_oracle

    @property
    def offset_variance(self) -> float:
        """leniency / N: variance of what shifts the mean scores of all candidates of a move alike."""
        return self.leniency / self.reviewers if self.reviewers else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON and settings files."""
        return asdict(self)
