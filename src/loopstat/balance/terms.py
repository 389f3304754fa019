"""Words and JSON keys of the balance lens, a sentence each."""

from __future__ import annotations

TERMS: dict[str, str] = {
    # --- balance lens
    "state": "One of finitely many situations a loop can be in: a label, a text, or a cell of binned scores; in "
    "settings, where states were taken from.",
    "detailed balance": "Every move between two states is as frequent as the move back, in the long run: run "
    "backwards, the loop looks the same.",
    "driven": "Not in detailed balance: some cycle of states is gone round one way more often than the other.",
    "balanced": "In detailed balance, as far as the transitions can tell.",
    "follows": "What to do about it: a loop that comes to rest by itself has no cycle to break, and a step by which "
    "all but a tenth of its start is forgotten; one that circles has one.",
    "what follows": "The line that says what to do about a loop: in balance, driven, or too little known.",
    "landscape": "The states by their potential: loops in detailed balance roll down it, and climb by chance.",
    "n_states": "Number of states; in `common_potential`, of those that groups share.",
    "n_groups": "Number of groups compared.",
    "states": "Names of the states, in the order of every list of the group; of a cycle, in the order of its current.",
    "visits": "How often each state was the source of an attempt, staying and rejected answers included; in settings, "
    "the rule asked for.",
    "visits_rule": "Where visits come from: `observed`, `equal` for every state, or the number given.",
    "classes": "Sets of states that all lead to each other, the one with most transitions first.",
    "closed": "Whether no transition leaves the set of states.",
    "absorbing": "States that are entered and never left.",
    "potential": "Height of a state: a move down by 1/beta is 2.7 times as likely as the move back up, in detailed "
    "balance; 0 at the lowest state of each class, null for states that are only left.",
    "potential_bound": "For a state that is only left, how high above the states it enters it is at least; else null.",
    "action_per_state": "The part of the action of leaving each state.",
    "downhill": "How often the loop goes down its potential; a half by count in any stationary balanced recording.",
    "weighted": "Share of the transitions that go down the potential.",
    "pairs": "Pairs of states that exchange transitions; in `downhill`, the share whose more frequent way goes down; "
    "in the source's statistic, how many pairs it counts.",
    "test": "The test of detailed balance; in settings, the method asked for.",
    "size_at_5_percent": "How often the method would reject, at 5 %, a balanced chain with these counts; null where it"
    " was not simulated.",
    "n_cycles": "Number of independent cycles; with none there is nothing to test.",
    "chi_square_p_value": "p-value by the chi-square law, for comparison: too small where counts are few.",
    "pooled_p_value": "p-value of the exact test of all sessions pooled, beside the one within sessions.",
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
    "parametric": "A potential that is a sum of features of the state, each times its weight: where it holds, it tells"
    " which way is down for states never seen.",
    "features": "Numbers that describe a state: of its text, its mean objectives, or what a function says; in "
    "settings, where they come from.",
    "theta": "Weight of a feature in the potential: how much higher a state is per unit of it.",
    "scale": "Standard deviation of a feature over the states; of a formula, what its expression is multiplied by.",
    "error_unit": "What the intervals take as drawn: `draws` (the moves out of each state), `sessions`, or `states`, "
    "where features leave some of the potential unexplained.",
    "n_pairs": "Pairs of states that were used: transitions were seen between them, and both were left.",
    "n_folds": "Parts the states were dealt into; a pair is judged without the parts of its two states.",
    "symbolic": "A formula of the features for the potential, chosen among all small expressions; in settings, whether"
    " one was asked for.",
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
    "potential_difference": "Potential of the first state of a pair less that of the second: `log_ratio` is beta times "
    "it in detailed balance.",
    "currents": "Net passages per step between two states in the long run, the largest first; 0 in detailed balance.",
    "current": "Net probability per step that flows from one state to another, or round a cycle.",
    "from": "The state a current leaves.",
    "to": "The state a current enters.",
    "affinity": "Sum of the log-ratios round a cycle: ln of how much more often it is gone round this way than back.",
    "traps": "States left far more rarely than others, or never.",
    "common_potential": "Whether one potential serves all groups: a test, and how well their potentials go together.",
    "sparse_counts": "Check that fails where a pair of states exchanges few transitions: potentials are then rough.",
    "several_classes": "Check that fails where much lies outside the main set of states that all lead to each other.",
    "memory": "Check that fails where the next state depends on the one before the present too; its value is a "
    "p-value.",
    "chains_differ": "Check that fails where sessions follow different chains; its value is a p-value.",
    "visits_guessed": "Check that fails where a table seems to leave out repeated or rejected answers.",
}
