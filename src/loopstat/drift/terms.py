"""Words and JSON keys of the drift lens, a sentence each."""

from __future__ import annotations

TERMS: dict[str, str] = {
    # --- what is looked at
    "lineage": "A recording with parents or acceptance, in which each row is a proposal made from a chosen version.",
    "proposal": "A version that was tried, whether or not it was kept.",
    "kept path": "The versions the loop held after each step, once proposals were accepted or rejected.",
    "survivors": "Versions left in a log that dropped what was rejected; a drift fitted to them is too good.",
    "drift": "The average change of the objectives at a given level, here linear: A x + b; also the part of an "
    "interference that such drift causes.",
    "diffusion": "The covariance of the noise per step, written Q.",
    "one-step map": "The matrix M = I + A that carries a distance from rest to the next step.",
    "regime": "How a mode of the loop behaves: unstable, slow, monotone, alternating or oscillatory.",
    "unstable": "A regime in which distances from rest do not shrink: the modulus of the eigenvalue is 1 or more.",
    "slow": "A regime that shrinks, but with a time constant longer than the median session.",
    "monotone": "A regime that goes straight to its place of rest.",
    "alternating": "A regime that overshoots at every step.",
    "oscillatory": "A regime of damped swings, told from chance by a test of its own.",
    "eigenvalue": "A factor by which one mode of the loop is multiplied at every step.",
    "spectral radius": "The largest modulus of an eigenvalue of M; below 1 the loop settles.",
    "Fieller interval": "The interval of the fixed point that stays valid, by opening, where A is nearly singular.",
    "Gram": "Sums of products of one cluster's states, from which every linear estimate can be had.",
    "proposal drift": "The drift of children about their parents in a lineage, rejected ones included.",
    # --- JSON: top
    "n_dropped": "Number of transitions left out because a score is missing at one end.",
    "n_idle_sessions": "Number of sessions that carry no transition: one step only, or scores missing.",
    "n_singular_draws": "Number of bootstrap draws from which no drift could be computed.",
    "estimator": "How the drift was fitted: `name` (null where the data cannot tell), `why`, and what was `saw`; in "
    "settings, what was asked for.",
    "estimators": "What the estimators that can be had say of the slowest mode, side by side.",
    "saw": "What the diagnostics saw, one sentence each.",
    "remark": "What an estimator allows for, and which one was chosen.",
    "auto": "The choice of an estimator by what the data show.",
    "pooled": "The estimator that regresses all changes on all levels; it takes differing sessions for persistence and"
    " scorer noise for convergence.",
    "within": "The estimator about each session's own mean, with the Nickell correction; it allows for differing "
    "sessions.",
    "instrument": "The estimator that uses an earlier score as instrument; it allows for a noisy scorer.",
    "eiv": "Errors in variables: the estimator for a scorer whose noise is known.",
    "latent": "The estimator by maximum likelihood of a hidden loop: it allows for differing sessions and a noisy "
    "scorer at once.",
    "censored": "The estimator for loops that really stop at their bounds, taken on the user's word only.",
    "scorer_noise": "Covariance of the scorer's noise, where it was given.",
    "covariance": "Covariance matrix of the scorer's noise, rows and columns in the order of its `objectives`.",
    "thorough": "The slow parts of the latent fit: profile interval of the slowest modulus and bootstrap tests; in "
    "settings, whether they were asked for.",
    "p_effects": "p-value of no lasting differences between sessions, by parametric bootstrap.",
    "p_noise": "p-value of no scorer noise, by parametric bootstrap.",
    "p_fit": "p-value of the latent model accounting for the covariance of the scores, by bootstrap over clusters.",
    "n_draws": "Number of bootstrap draws of each slow test.",
    "session effects": "Lasting differences between sessions: each moves around a level of its own.",
    "scorer noise": "Error of the score itself, new at every scoring; in an interference part `scorer`.",
    "r2_estimator": "Whose residuals `r2_increments` and `r2_levels` are made of.",
    "skill_estimator": "Whose predictions `skill` measures: a latent fit's filtered ones, else the pooled drift's.",
    "reversibility": "Test that the linear loop is in detailed balance, and its entropy production.",
    "entropy_production": "How fast the loop tells forward from backward, in nats per step: 0 in detailed balance; "
    "with `low` and `high`.",
    # --- JSON: group
    "A": "Drift matrix: A[i][j] is the effect of objective j's level on objective i's next change.",
    "A_p_value": "p-value of each entry of A being zero, by leave-one-cluster-out.",
    "A_p_adjusted": "The same for the couplings (off the diagonal), Holm-adjusted.",
    "Q": "Covariance of the noise of one step.",
    "M": "One-step map I + A.",
    "fixed_point": "Where the fitted drift is zero, -A^{-1} b, whether or not the loop goes there.",
    "equilibrium": "The fixed point where the loop settles for sure: the spectral radius is below 1 with its interval, "
    "and the point lies within the bounds and in reach of the record.",
    "kept_end": "Mean of the last versions held by the sessions, observed, not fitted.",
    "regimes": "One entry per eigenvalue of M, largest modulus first; pairs appear twice.",
    "re": "Real part of the eigenvalue.",
    "im": "Imaginary part of the eigenvalue.",
    "modulus": "Size of the eigenvalue: the share of a distance left after one step.",
    "p_oscillation": "p-value of the turn being chance; an oscillation is found below 0.05.",
    "period": "Steps per swing, for an oscillatory pair.",
    "half_life": "Steps in which half of the distance is gone; its interval spans those of all estimators that stand, "
    "an open end is null, and below 20 clusters there is none.",
    "rate_euler": "The source's rate, -max Re(m - 1); it can miss the slowest mode.",
    "rate_exact": "-ln of the spectral radius, per step: the rate of the slowest mode.",
    "step_90": "First step, counted from the start, at which 90 % of the way from the mean start to rest is gone.",
    "r2_increments": "Share of the variance of changes explained, per objective; 0.5 for independent scores.",
    "r2_levels": "Share of the variance of the next level explained, per objective; 0 for independent scores.",
    "skill_by_objective": "The same for each objective.",
    "persistence": "Baseline that predicts no change.",
    "constant_drift": "Baseline that predicts the mean change.",
    "running_mean": "Baseline that predicts the session's own mean so far, shrunk to the overall mean.",
    "interference": "Correlation of the objectives' changes, taken apart into what causes it.",
    "total": "Correlation of the changes of two objectives, diagonal zero.",
    "noise": "Part of the interference from noise that the objectives share within a step.",
    "rest": "What remains of the interference: spread of the starts and misfit.",
    "start_spread": "Part of the rest from sessions starting at different places.",
    "misfit": "Part of the interference the linear model does not account for: of the rest (pooled), or of the total.",
    "innovations": "Part of the interference from what is new in the loop itself at each step.",
    "scorer": "Part of the interference from noise that the scorer puts on several objectives at once.",
    "feedback": "Part of the interference from earlier innovations working their way back.",
    "first_steps": "Part of the interference from sessions that differ in their expected first step: starts and "
    "levels.",
    "variance_shares": "Shares of each objective's variance of changes: rows drift, noise, transient, rest for the "
    "pooled estimator, else innovations, scorer, feedback, mean_path, first_steps, misfit.",
    "influential": "The five clusters whose removal moves an answer most.",
    "quantity": "Which answer is compared, or moves; `drift i<-j` is an entry of A.",
    "shift": "By how much it moves when the cluster is left out, in its units.",
    "shift_in_se": "The same in standard errors.",
    # --- JSON: between groups
    "comparisons": "Differences between groups, pair by pair.",
    "difference": "The first group's figure less the second's, in the units of the data.",
    "paired": "Number of clusters both groups hold: their errors are then compared cluster by cluster.",
    "coupling": "An entry of A off the diagonal.",
    "reference": "In settings, the group others are compared with; in `pareto`, the point volumes are measured from.",
    "pareto": "How groups stand on all objectives at once.",
    "share_final": "Share of the group's ends that no end of any group beats on everything, on equal numbers per "
    "group.",
    "share_path": "The same for all points along the sessions.",
    "hypervolume": "Mean volume that `n_volume` of the group's ends dominate above the reference point, in the product"
    " of the objectives' units; its interval is rough.",
    "n_volume": "Number of ends whose volume is measured: a quarter of those compared.",
    "n_compared": "Number of ends per group in each Pareto comparison.",
    # --- checks
    "white_scores": "Check that fails where the scores cannot be told from independent draws, around one mean or each "
    "session's own; its value is a p-value.",
    "few_sessions": "Check that fails below 10 independent clusters, and for one single session.",
    "collinear": "Check that fails where objectives are nearly copies of one another (condition index above 30).",
    "unit_root": "Check that fails where the interval of the slowest mode reaches 1.",
    "at_bounds": "Check that fails where more than 5 % of an objective's scores sit at an end of its range.",
    "time_varying": "Check that fails where early steps follow another drift than late ones; its value is a p-value.",
    "curved": "Check that fails where squares and products of the scores help to predict the next ones; its value is a"
    " p-value.",
    "sessions_differ": "Check that fails where sessions keep levels of their own and the estimator does not allow for "
    "it; its value is a p-value.",
    "noisy_scorer": "Check that fails where the scorer is noisy and the estimator does not allow for it; its value is "
    "a p-value.",
    "stops_on_success": "Check that fails where sessions stop because they reached a value, so later steps show "
    "unfinished sessions only.",
    "survivors_only": "Check that fails where rejected proposals are missing from the table.",
    "duplicate_sessions": "Check that fails where more than 5 % of the sessions are copies of others.",
    "constant": "Check that fails where an objective never changes, or there is no transition.",
    "tasks_on_scales": "Check that fails where scores vary over 1,000 times as much within one task as within a usual "
    "one: tasks have other units, and the largest outweighs the rest.",
}
