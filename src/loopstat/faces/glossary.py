"""Every term and JSON key in one plain sentence: `loopstat explain TERM`, and the source of docs/glossary.md."""

from __future__ import annotations

import difflib

from ..errors import SettingsError
from .glossary_moves import MOVES_TERMS

TERMS: dict[str, str] = {
    # --- what is looked at
    "panel": "Many recorded sessions as one table: objective values, step numbers and labels, in which no transition "
    "crosses a session.",
    "session": "One run of a loop from its start to its end.",
    "step": "One pass of the loop; the first row of a session is the start, and in a verdict `step` is where to stop.",
    "objective": "A scored quantity that the loop moves, such as security or length; in a comparison also `i<-j`, the "
    "effect of j's level on i's next change.",
    "transition": "The change from one version to the next one made from it.",
    "lag": "Number of transitions between two states of one session.",
    "strategy": "The prompt, method or setting that produced a row; it belongs to the transition into that row.",
    "cluster": "What shares a start and is kept together when the data are resampled: a task, a session, or a column "
    "you name.",
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
    "leave-one-cluster-out": "Intervals from the answer's change when each cluster is left out, used below 100 "
    "clusters.",
    "Fieller interval": "The interval of the fixed point that stays valid, by opening, where A is nearly singular.",
    "Holm": "A correction that keeps the chance of any false find among several tests at the level of one.",
    "Gram": "Sums of products of one cluster's states, from which every linear estimate can be had.",
    "proposal drift": "The drift of children about their parents in a lineage, rejected ones included.",
    # --- JSON: top
    "schema": "Name and version of the JSON layout.",
    "version": "Version of loopstat that made the result.",
    "source": "Where the data came from.",
    "files": "Paths read, in order.",
    "digest": "SHA-256 of the content read: equal data, equal digest.",
    "n_sessions": "Number of sessions.",
    "n_steps": "Number of rows.",
    "n_transitions": "Number of transitions with all objectives at both ends; divisors of Q and of the "
    "interference parts.",
    "n_dropped": "Number of transitions left out because a score is missing at one end.",
    "n_idle_sessions": "Number of sessions that carry no transition: one step only, or scores missing.",
    "n_singular_draws": "Number of bootstrap draws from which no drift could be computed.",
    "settings": "Everything that decides the figures: same settings, data and seed, same figures.",
    "notes": "What was guessed, left out or assumed while reading, in sentences.",
    "groups": "One entry per group of sessions.",
    "label": "The group's name, such as `model=gpt-4o, strategy=x`, or `all`.",
    "by": "Label values that define the group; in settings, the columns asked for.",
    "objectives": "Names of the objectives, in the order of every vector and matrix; in settings, with "
    "direction, bounds "
    "and transform.",
    "name": "Name of an objective or check.",
    "direction": "`maximize` or `minimize`: which way is better; values are never sign-flipped.",
    "transform": "Transform applied to an objective before anything else.",
    "bounds": "Limits that scores cannot leave.",
    "columns": "Your column names for ours.",
    "from_step": "First step kept.",
    "where": "Label values the analysis was restricted to; a key ending in ! was excluded.",
    "command": "The command that made the result.",
    "estimator": "How the drift was fitted: `name` (null where the data cannot tell), `why`, and what was `saw`; in "
    "settings, what was asked for.",
    "estimators": "What the estimators that can be had say of the slowest mode, side by side.",
    "why": "Why this estimator was chosen, or none could be, in one sentence.",
    "saw": "What the diagnostics saw, one sentence each.",
    "remark": "What an estimator allows for, and which one was chosen.",
    "auto": "The choice of an estimator by what the data show.",
    "pooled": "The estimator that regresses all changes on all levels; it takes differing sessions for persistence and "
    "scorer noise for convergence.",
    "within": "The estimator about each session's own mean, with the Nickell correction; it allows for differing "
    "sessions.",
    "instrument": "The estimator that uses an earlier score as instrument; it allows for a noisy scorer.",
    "eiv": "Errors in variables: the estimator for a scorer whose noise is known.",
    "latent": "The estimator by maximum likelihood of a hidden loop: it allows for differing sessions and a noisy "
    "scorer at once.",
    "censored": "The estimator for loops that really stop at their bounds, taken on the user's word only.",
    "scorer_noise": "Covariance of the scorer's noise, where it was given.",
    "covariance": "Covariance matrix of the scorer's noise, rows and columns in the order of its `objectives`.",
    "stops_at_bounds": "Whether the user says that the loop itself stops at its bounds.",
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
    "entropy_production": "How fast the loop tells forward from backward, in nats per step: 0 in detailed "
    "balance; with `low` and `high`.",
    "bootstrap": "Number of bootstrap replicates.",
    "level": "Coverage the intervals aim at.",
    "seed": "Seed of the random numbers; the same seed gives the same figures.",
    "minimize": "Objectives for which smaller is better.",
    # --- JSON: group
    "clusters": "The resampling unit: its kind, how many there are, and the choice in words.",
    "kind": "What the clusters are: session, task, block of steps, or a column.",
    "n": "How many: clusters, sessions averaged at each step of the mean path, or transitions of a cycle's "
    "rarest step.",
    "sentence": "The statement in words.",
    "A": "Drift matrix: A[i][j] is the effect of objective j's level on objective i's next change.",
    "A_p_value": "p-value of each entry of A being zero, by leave-one-cluster-out.",
    "A_p_adjusted": "The same for the couplings (off the diagonal), Holm-adjusted.",
    "b": "Drift where all objectives are zero, per step; of two groups or states the second; in moves, the defects at "
    "which improvement has halved.",
    "Q": "Covariance of the noise of one step.",
    "M": "One-step map I + A.",
    "fixed_point": "Where the fitted drift is zero, -A^{-1} b, whether or not the loop goes there.",
    "equilibrium": "The fixed point where the loop settles for sure: the spectral radius is below 1 with its interval.",
    "kept_end": "Mean of the last versions held by the sessions, observed, not fitted.",
    "mean": "Average over sessions, with `low` and `high`; as a baseline of skill, guessing the overall mean.",
    "low": "Lower end of the interval; in settings, the lower bound of an objective.",
    "high": "Upper end of the interval; in settings, the upper bound of an objective.",
    "regimes": "One entry per eigenvalue of M, largest modulus first; pairs appear twice.",
    "re": "Real part of the eigenvalue.",
    "im": "Imaginary part of the eigenvalue.",
    "modulus": "Size of the eigenvalue: the share of a distance left after one step.",
    "probability": "Share of bootstrap draws whose eigenvalue of this rank has the same regime; null for oscillatory.",
    "p_oscillation": "p-value of the turn being chance; an oscillation is found below 0.05.",
    "period": "Steps per swing, for an oscillatory pair.",
    "half_life": "Steps in which half of the distance is gone.",
    "rate_euler": "The source's rate, -max Re(m - 1); it can miss the slowest mode.",
    "rate_exact": "-ln of the spectral radius, per step: the rate of the slowest mode.",
    "step_90": "First step, counted from the start, at which 90 % of the way from the mean start to rest is gone.",
    "r2_increments": "Share of the variance of changes explained, per objective; 0.5 for independent scores.",
    "r2_levels": "Share of the variance of the next level explained, per objective; 0 for independent scores.",
    "skill": "1 - MSE/MSE(baseline) on held-out clusters, the mean over objectives; above 0 is better than "
    "the baseline. Of a potential by features, 1 - log-loss/ln 2 on held-out states: the baseline is a coin.",
    "skill_by_objective": "The same for each objective.",
    "persistence": "Baseline that predicts no change.",
    "constant_drift": "Baseline that predicts the mean change.",
    "running_mean": "Baseline that predicts the session's own mean so far, shrunk to the overall mean.",
    "interference": "Correlation of the objectives' changes, taken apart into what causes it.",
    "total": "Correlation of the changes of two objectives, diagonal zero.",
    "p_value": "p-value of there being nothing, not adjusted for several tests.",
    "p_adjusted": "p-value after Holm's correction.",
    "noise": "Part of the interference from noise that the objectives share within a step.",
    "transient": "Part of the interference from sessions starting away from rest and moving together; of a balance "
    "fit, the states that are left and, once left, never entered again.",
    "rest": "What remains of the interference: spread of the starts and misfit.",
    "start_spread": "Part of the rest from sessions starting at different places.",
    "misfit": "Part of the interference the linear model does not account for: of the rest (pooled), or of the total.",
    "innovations": "Part of the interference from what is new in the loop itself at each step.",
    "scorer": "Part of the interference from noise that the scorer puts on several objectives at once.",
    "feedback": "Part of the interference from earlier innovations working their way back.",
    "mean_path": "Part of the interference from the mean of all sessions moving; of moves, the loop that always makes "
    "the mean step.",
    "first_steps": "Part of the interference from sessions that differ in their expected first step: "
    "starts and levels.",
    "variance_shares": "Shares of each objective's variance of changes: rows drift, noise, transient, rest for the "
    "pooled estimator, else innovations, scorer, feedback, mean_path, first_steps, misfit.",
    "path": "The observed mean path, step by step; its `label` says of which sessions; of moves, means and "
    "quantiles of runs.",
    "checks": "What could make the answer wrong, each with a value, a limit and a sentence.",
    "value": "What a check measured.",
    "limit": "Where a check starts to fail.",
    "passed": "Whether a check found nothing to worry about.",
    "message": "What a check means, in one sentence.",
    "influential": "The five clusters whose removal moves an answer most.",
    "quantity": "Which answer is compared, or moves; `drift i<-j` is an entry of A.",
    "shift": "By how much it moves when the cluster is left out, in its units.",
    "shift_in_se": "The same in standard errors.",
    "verdict": "What to do with the loop, in one line.",
    "action": "In a verdict, `go_on`, `stop` or `cannot_tell`, or `balanced`, `driven` or `cannot_tell`; as a figure, "
    "what the potential makes as small as it can: the sum over transitions of the kernel.",
    "sessions_needed": "About how many clusters would settle a `cannot_tell`.",
    "reasons": "For every key that is null, the sentence that says why.",
    # --- JSON: between groups
    "comparisons": "Differences between groups, pair by pair.",
    "a": "The first group of a comparison, or the first state of a pair.",
    "difference": "The first group's figure less the second's, in the units of the data.",
    "paired": "Number of clusters both groups hold: their errors are then compared cluster by cluster.",
    "coupling": "An entry of A off the diagonal.",
    "reference": "In settings, the group others are compared with; in `pareto`, the point volumes are measured from.",
    "pareto": "How groups stand on all objectives at once.",
    "share_final": "Share of the group's ends that no end of any group beats on everything, on equal numbers "
    "per group.",
    "share_path": "The same for all points along the sessions.",
    "hypervolume": "Mean volume that `n_volume` of the group's ends dominate above the reference point, in the product "
    "of the objectives' units; its interval is rough.",
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
    "curved": "Check that fails where squares and products of the scores help to predict the next ones; its value is "
    "a p-value.",
    "sessions_differ": "Check that fails where sessions keep levels of their own and the estimator does not allow for "
    "it; its value is a p-value.",
    "noisy_scorer": "Check that fails where the scorer is noisy and the estimator does not allow for it; its value "
    "is a p-value.",
    "stops_on_success": "Check that fails where sessions stop because they reached a value, so later steps show "
    "unfinished sessions only.",
    "survivors_only": "Check that fails where rejected proposals are missing from the table.",
    "duplicate_sessions": "Check that fails where more than 5 % of the sessions are copies of others.",
    "constant": "Check that fails where an objective never changes, or there is no transition.",
    "tasks_on_scales": "Check that fails where scores vary over 1,000 times as much within one task as within a "
    "usual one: tasks have other units, and the largest outweighs the rest.",
    # --- balance lens
    "state": "One of finitely many situations a loop can be in: a label, a text, or a cell of binned scores; in "
    "settings, where states were taken from.",
    "detailed balance": "Every move between two states is as frequent as the move back, in the long run: run "
    "backwards, the loop looks the same.",
    "driven": "Not in detailed balance: some cycle of states is gone round one way more often than the other.",
    "balanced": "In detailed balance, as far as the transitions can tell.",
    "landscape": "The states by their potential: loops in detailed balance roll down it, and climb by chance.",
    "nats": "Units of a natural logarithm: 1 is a factor of 2.7.",
    "n_states": "Number of states; in `common_potential`, of those that groups share.",
    "n_groups": "Number of groups compared.",
    "states": "Names of the states, in the order of every list of the group; of a cycle, in the order of its current.",
    "visits": "How often each state was the source of an attempt, staying and rejected answers included; in settings, "
    "the rule asked for.",
    "visits_rule": "Where visits come from: `observed`, `equal` for every state, or the number given.",
    "classes": "Sets of states that all lead to each other, the one with most transitions first.",
    "closed": "Whether no transition leaves the set of states.",
    "absorbing": "States that are entered and never left.",
    "potential": "Height of a state: a move down by 1 is 2.7 times as likely as the move back up, in detailed balance; "
    "0 at the lowest state of each class, null for states that are only left.",
    "potential_bound": "For a state that is only left, how high above the states it enters it is at least; else null.",
    "kernel": "What the potential is fitted by: `likelihood`, or the least action with kernel `exp` or `softplus`.",
    "beta": "Inverse temperature: the potential is in units of 1/beta nats.",
    "action_per_state": "The part of the action of leaving each state.",
    "downhill": "How often the loop goes down its potential; a half by count in any stationary balanced recording.",
    "weighted": "Share of the transitions that go down the potential.",
    "pairs": "Pairs of states that exchange transitions; in `downhill`, the share whose more frequent way goes down; "
    "in the source's statistic, how many pairs it counts.",
    "test": "The test of detailed balance; in settings, the method asked for.",
    "statistic": "What a test compares: twice the log-likelihood ratio, or a sum of squares in units of its error.",
    "df": "Degrees of freedom: of the test of balance, independent cycles of the pairs seen.",
    "method": "How the p-value was had: `exact`, `exact within sessions`, `chi-square` or `bootstrap`.",
    "size_at_5_percent": "How often the method would reject, at 5 %, a balanced chain with these counts; null where it "
    "was not simulated.",
    "n_cycles": "Number of independent cycles; with none there is nothing to test.",
    "chi_square_p_value": "p-value by the chi-square law, for comparison: too small where counts are few.",
    "pooled_p_value": "p-value of the exact test of all sessions pooled, beside the one within sessions.",
    "reason": "Why there is no figure, or how the method was chosen.",
    "source_statistic": "Chi-square per degree of freedom as the source publishes it; no test: its cycles overlap.",
    "pair_chi2_ndf": "The source's mean squared misfit of a pair's log-ratio to the potential, no errors divided by.",
    "cycles": "Cycles that carry the largest currents; in the source's statistic, how many triples it counts.",
    "cycle_chi2_ndf": "The source's mean of affinity squared over its variance, over triples that overlap.",
    "one_way_pairs": "Pairs of the main class seen one way only: each makes the entropy production infinite and is "
    "left out.",
    "lower_bound": "Whether the figure is a lower bound, because pairs were left out.",
    "stationary": "Share of time spent in each state in the long run, by the reversible chain of the main class.",
    "stationary_free": "The same by the chain that need not be in balance.",
    "escape": "Share of the visits to a state that leave it.",
    "relaxation_times": "In how many steps each mode of the chain shrinks to a third (1/e), the slowest first.",
    "parametric": "A potential that is a sum of features of the state, each times its weight: where it holds, it tells "
    "which way is down for states never seen.",
    "features": "Numbers that describe a state: of its text, its mean objectives, or what a function says; in "
    "settings, where they come from.",
    "theta": "Weight of a feature in the potential: how much higher a state is per unit of it.",
    "scale": "Standard deviation of a feature over the states; of a formula, what its expression is multiplied by.",
    "error_unit": "What the intervals take as drawn: `draws` (the moves out of each state), `sessions`, or `states`, "
    "where features leave some of the potential unexplained.",
    "n_pairs": "Pairs of states that were used: transitions were seen between them, and both were left.",
    "n_folds": "Parts the states were dealt into; a pair is judged without the parts of its two states.",
    "symbolic": "A formula of the features for the potential, chosen among all small expressions; in settings, whether "
    "one was asked for.",
    "chosen": "The smallest formula within one standard error of the best, or the constant where the search does not "
    "beat a coin.",
    "front": "The best formula of each size that beats all smaller ones on held-out states.",
    "expression": "A formula in words: features joined by + - * / log sqrt square.",
    "size": "Number of features and operators in an expression.",
    "search_skill": "Skill of the whole search: the choice is made anew without the states that judge it.",
    "n_tried": "Different expressions that were fitted.",
    "n_left_out": "Expressions that are another one up to scale and constant.",
    "largest": "Largest size of expression of which all were tried.",
    "separated": "Check that fails where every transition that changes some features goes one way along them.",
    "features_per_state": "Check that fails below ten states for each feature.",
    "indistinct_features": "Check that names features left out, because they are constant or follow from others.",
    "unexplained": "Check that fails where the features leave some of the potential unexplained; its value is a "
    "p-value.",
    "few_visits": "Check that fails where sessions visit most states too rarely for weights of full size.",
    "never_left": "Check that fails where many transitions enter a state that was never left.",
    "held_out": "Check that fails where there are too few states to hold any out.",
    "converged": "Check that fails where the weights were not found to their last digit.",
    "cut_texts": "Check that fails where texts are too long to be described whole.",
    "spectral_gap": "1 less the second largest modulus of an eigenvalue of the chain: large where it forgets fast.",
    "order_test": "Test that the present state says all that the one before it could.",
    "homogeneity": "Tests that one chain holds throughout: over `steps` and over `sessions`.",
    "steps": "Test that early and late steps follow the same chain.",
    "sessions": "Test that all sessions follow the same chain.",
    "forward": "Transitions from the first state of a pair to the second.",
    "backward": "Transitions from the second state of a pair to the first.",
    "log_ratio": "ln of the chance of a move over that of the move back, per visit; with `low` and `high`.",
    "potential_difference": "Potential of the first state of a pair less that of the second: what `log_ratio` is in "
    "detailed balance.",
    "currents": "Net passages per step between two states in the long run, the largest first; 0 in detailed balance.",
    "current": "Net probability per step that flows from one state to another, or round a cycle.",
    "from": "The state a current leaves.",
    "to": "The state a current enters.",
    "affinity": "Sum of the log-ratios round a cycle: ln of how much more often it is gone round this way than back.",
    "traps": "States left far more rarely than others, or never.",
    "common_potential": "Whether one potential serves all groups: a test, and how well their potentials go together.",
    "correlation": "Of two groups' potentials over shared states, corrected for errors; of a potential by features "
    "with one of a number for each state; of moves, gamma: of two reviewers' errors about one candidate.",
    "size_draws": "Recordings simulated to learn how often the test rejects a balanced chain.",
    "sparse_counts": "Check that fails where a pair of states exchanges few transitions: potentials are then rough.",
    "several_classes": "Check that fails where much lies outside the main set of states that all lead to each other.",
    "memory": "Check that fails where the next state depends on the one before the present too; its value is a "
    "p-value.",
    "chains_differ": "Check that fails where sessions follow different chains; its value is a p-value.",
    "visits_guessed": "Check that fails where a table seems to leave out repeated or rejected answers.",
    **MOVES_TERMS,
}


def explain(term: str | None = None) -> str:
    """Return the sentence of a term or JSON key, or all of them.

    Keys ending in `_low` and `_high` are the ends of the interval of the key without it.

    Parameters
    ----------
    term : str, optional
        A term or JSON key, in any case, words joined by spaces, hyphens or underscores. Default: all of them.

    Returns
    -------
    str
        `term: sentence`, one line per term.

    Raises
    ------
    SettingsError
        The term is not known; the message names the nearest ones.

    Examples
    --------
    >>> explain("lag")
    'lag: Number of transitions between two states of one session.'
    """
    if term is None:
        return "\n".join(f"{name}: {sentence}" for name, sentence in sorted(TERMS.items(), key=lambda t: t[0].lower()))
    found = _find(term)
    if found is None:
        lower = {name.lower(): name for name in TERMS}
        near = [lower[n] for n in difflib.get_close_matches(term.lower(), lower, n=3, cutoff=0.5)]
        hint = f" Did you mean: {', '.join(near)}?" if near else " `loopstat explain` lists every term."
        raise SettingsError(f"no term {term!r} in the glossary.{hint}")
    name, prefix = found
    return f"{term}: {prefix}{TERMS[name]}"


def _find(term: str) -> tuple[str, str] | None:
    """Return the entry of a term, whatever its case, and what its ending adds."""
    lower = {name.lower(): name for name in TERMS}
    for text in (term, term.lower().replace("-", "_"), term.lower().replace("_", " "), term.lower().replace(" ", "_")):
        if text in TERMS:
            return text, ""
        if text.lower() in lower:
            return lower[text.lower()], ""
    for ending, words in (("_low", "Lower end of the interval of: "), ("_high", "Upper end of the interval of: ")):
        if term.endswith(ending) and term.removesuffix(ending) in TERMS:
            return term.removesuffix(ending), words
    return None


def markdown() -> str:
    """Return the glossary as a Markdown page."""
    rows = sorted(TERMS.items(), key=lambda t: t[0].lower())
    lines = [
        "# Glossary",
        "",
        "What does this word, or this key of the JSON, mean? `loopstat explain TERM` prints the same sentences.",
        "Beside every reported `X` stand `X_low` and `X_high`, the ends of its interval.",
        "",
        *(f"- **{name}**: {sentence}" for name, sentence in rows),
        "",
    ]
    return "\n".join(lines)
