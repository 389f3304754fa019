"""Words and JSON keys that results of several lenses share, a sentence each."""

from __future__ import annotations

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
    "leave-one-cluster-out": "Intervals from the answer's change when each cluster is left out, used below 100 "
    "clusters.",
    "Holm": "A correction that keeps the chance of any false find among several tests at the level of one.",
    # --- JSON: top
    "schema": "Name and version of the JSON layout.",
    "version": "Version of loopstat that made the result.",
    "source": "Where the data came from.",
    "files": "Paths read, in order.",
    "digest": "SHA-256 of the content read: equal data, equal digest.",
    "n_sessions": "Number of sessions.",
    "n_steps": "Number of rows.",
    "n_transitions": "Number of transitions with all objectives at both ends; divisors of Q and of the interference "
    "parts.",
    "settings": "Everything that decides the figures: same settings, data and seed, same figures.",
    "notes": "What was guessed, left out or assumed while reading, in sentences.",
    "groups": "One entry per group of sessions.",
    "label": "The group's name, such as `model=gpt-4o, strategy=x`, or `all`.",
    "by": "Label values that define the group; in settings, the columns asked for; of a "
    "target, the chance that it has been met at a step or an earlier one.",
    "objectives": "Names of the objectives, in the order of every vector and matrix; in settings, with direction, "
    "bounds and transform.",
    "name": "Name of an objective or check.",
    "direction": "`maximize` or `minimize`: which way is better; values are never sign-flipped.",
    "where": "Label values the analysis was restricted to; a key ending in ! was excluded.",
    "command": "The command that made the result.",
    "why": "Why this estimator was chosen, or none could be, in one sentence.",
    # --- JSON: group
    "clusters": "The resampling unit: its kind, how many there are, and the choice in words.",
    "kind": "What the clusters are: session, task, block of steps, or a column.",
    "n": "How many: clusters, sessions averaged at each step of the mean path, or transitions of a cycle's rarest "
    "step.",
    "sentence": "The statement in words.",
    "b": "Drift where all objectives are zero, per step; of two groups or states the second.",
    "mean": "Average over sessions, with `low` and `high`; as a baseline of skill, guessing the overall mean.",
    "low": "Lower end of the interval; in settings, the lower bound of an objective.",
    "high": "Upper end of the interval; in settings, the upper bound of an objective.",
    "probability": "Share of bootstrap draws whose eigenvalue of this rank has the same regime; null for oscillatory.",
    "skill": "1 - MSE/MSE(baseline) on held-out clusters, the mean over objectives; above 0 is better than the "
    "baseline. Of a potential by features, 1 - log-loss/ln 2 on held-out states: the baseline is a coin.",
    "p_value": "p-value of there being nothing, not adjusted for several tests.",
    "p_adjusted": "p-value after Holm's correction.",
    "transient": "Part of the interference from sessions starting away from rest and moving together; of a balance "
    "fit, the states that are left and, once left, never entered again.",
    "mean_path": "Part of the interference from the mean of all sessions moving; of moves, the loop that always makes "
    "the mean step.",
    "path": "The observed mean path, step by step; its `label` says of which sessions; of moves, means and quantiles "
    "of runs.",
    "checks": "What could make the answer wrong, each with a value, a limit and a sentence.",
    "value": "What a check measured.",
    "limit": "Where a check starts to fail.",
    "passed": "Whether a check found nothing to worry about.",
    "message": "What a check means, in one sentence.",
    "verdict": "What to do with the loop, in one line.",
    "action": "In a verdict, `go_on`, `stop` or `cannot_tell`, or `balanced`, `driven` or `cannot_tell`; as a figure, "
    "what the potential makes as small as it can: the sum over transitions of the kernel.",
    "reasons": "For every key that is null, the sentence that says why.",
    # --- JSON: between groups
    "a": "The first group of a comparison, or the first state of a pair.",
    # --- balance lens
    "nats": "Units of a natural logarithm: 1 is a factor of 2.7.",
    "statistic": "What a test compares: twice the log-likelihood ratio, or a sum of squares in units of its error.",
    "df": "Degrees of freedom: of the test of balance, independent cycles of the pairs seen.",
    "method": "How the p-value was had: `exact`, `exact within sessions`, `chi-square` or `bootstrap`.",
    "reason": "Why there is no figure, or how the method was chosen.",
    "correlation": "Of two groups' potentials over shared states, corrected for errors; of a potential by features "
    "with one of a number for each state.",
}
