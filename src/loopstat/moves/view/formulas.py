"""The mathematics of the moves lens, formula by formula: the source's, what was corrected in it, and ours."""

from __future__ import annotations

from ...results.document import Formula

TARGETING = Formula(
    "Effective targeting",
    r"\rho_{\mathrm{eff}} = 1 - (1 - \rho)(1 - H)",
    "rho_eff = 1 - (1 - rho)(1 - H)",
    "source",
    "A proposal misses only where the model and the context both point the wrong way.",
)
IMPROVEMENT = Formula(
    "Expected net improvement",
    r"m = a_1\,\rho_{\mathrm{eff}}\,\delta\,\frac{\mu}{\mu + b} - a_2 (1 - \kappa_2 H)\,\delta - a_3\,\delta^2",
    "m = a1 rho_eff delta mu/(mu + b) - a2 (1 - kappa2 H) delta - a3 delta^2",
    "corrected",
    "The last term is ours, 0 unless `collateral` is set: without damage that grows faster than the step the largest "
    "edit would always be the best one. The rest is the source's: repair fades as defects get few, damage does not.",
)
VARIANCE = Formula(
    "Spread of a candidate",
    r"s = s_0 (1 - \kappa_1 H)\,\delta\,\sqrt{\frac{\mu}{\mu + b}}",
    "s = s0 (1 - kappa1 H) delta sqrt(mu/(mu + b))",
    "source",
    "Candidates differ less where the context says more, where the edit is small, and where little is left to repair.",
)
REVIEWERS = Formula(
    "Effective reviewers",
    r"N_{\mathrm{eff}} = \frac{N}{1 + (N - 1)\,\gamma}",
    "N_eff = N/(1 + (N - 1) gamma)",
    "corrected",
    "gamma is the correlation of two reviewers' errors about one candidate, not of their scores: scores agree for "
    "seeing the same quality too. However many they are, they are worth 1/gamma of them. Without a reviewer the pick "
    "is random and nothing is turned down before the tests.",
)
NOISE = Formula(
    "Selection noise",
    r"s_{\mathrm{tot}}^2 = s^2 + v, \qquad v = \frac{\sigma_r^2}{N_{\mathrm{eff}}}",
    "s_tot^2 = s^2 + v, v = sigma_r^2/N_eff",
    "source",
    "What reviewers rank candidates by: how good they are, and the error of the mean score.",
)
CANDIDATES = Formula(
    "Effective candidates",
    r"K_{\mathrm{eff}} = 1 + (K' - 1)(1 - \tau H), \qquad K' = K + N K_r",
    "K_eff = 1 + (K' - 1)(1 - tau H), K' = K + N K_r",
    "source",
    "A choice and no law: candidates that share a correlation c have a best that is lower by the factor sqrt(1 - c), "
    "which shrinking their number does not give.",
)
MAXIMUM = Formula(
    "Expected improvement of the pick",
    r"E = m + \frac{s^2}{s_{\mathrm{tot}}}\,e(K_{\mathrm{eff}}), \qquad "
    r"e(K) = \int z\,K\,\varphi(z)\,\Phi(z)^{K - 1}\,dz",
    "E = m + (s^2/s_tot) e(K_eff), e(K) = integral of z K phi(z) Phi(z)^(K-1) dz",
    "corrected",
    "The source takes Phi^-1(1 - 1/K) for the expected best of K: that is 0 for two candidates, negative for fewer, "
    "and too low by 0.25 to 0.56 for up to twelve. The mean of the maximum itself is taken; `order_statistic` source "
    "brings the other back.",
)
PASS = Formula(
    "Pass probability",
    r"P_{\mathrm{pass}} = e^{-\mu_v}, \qquad P_{\mathrm{good}} = e^{-\mu_v - \mu_h}",
    "P_pass = exp(-mu_v), P_good = exp(-mu_v - mu_h)",
    "corrected",
    "The source has exp(-r mu) with one mass mu. That holds at the start, where mu_v = r mu. Afterwards tests have "
    "turned down what they see and let through what they do not, so the defects left are hidden more often than at "
    "first: visible and hidden ones are followed apart. `process` single is the source's reading.",
)
FALSE_PASS = Formula(
    "False-pass risk",
    r"P_{\mathrm{false} \mid \mathrm{pass}} = 1 - e^{-\mu_h}",
    "P(false | pass) = 1 - exp(-mu_h)",
    "corrected",
    "The source has 1 - exp(-(1 - r) mu), which is this at the start alone and too low later, for the same reason. It "
    "is exact, not an approximation: counts that are thinned and added to stay Poisson.",
)
ACCEPTANCE = Formula(
    "Acceptance",
    r"P(\mathrm{accept} \mid \Delta, Y) = \mathbf{1}[Y > 0]\;e^{-r \max(-\Delta, 0)}",
    "P(accept | Delta, Y) = 1[Y > 0] exp(-r max(-Delta, 0))",
    "corrected",
    "A move is kept where reviewers score it above nothing and no new defect is seen. The source stands a sigmoid of "
    "a positive number in for it, which is never below one half; and tests that notice any damage with probability r, "
    "however small it is, contradict its own pass probability.",
)
UPDATE = Formula(
    "Trust-region update",
    r"\delta \leftarrow \begin{cases} \alpha\,\delta & A > A_{\mathrm{high}} \\ "
    r"\beta\,\delta & A < A_{\mathrm{low}} \\ \delta & \text{otherwise} \end{cases}",
    "delta becomes alpha delta where A > A_high, beta delta where A < A_low, else it stays; within its bounds",
    "corrected",
    "A is the share of the last window's moves that were kept: an event, fed back. In the source it is a proxy that "
    "the radius never hears of. With its constants A stays above the band, so the radius grows to its bound, which "
    "decides how far the loop gets; `tr_band` candidate and `collateral` are two ways out.",
)
PLANNER = Formula(
    "Planner",
    r"H_t = \min(H + t\,dH,\; 0.95), \quad r_t = \min(r + t\,dr,\; 0.95) \quad (t \le T_p), "
    r"\qquad \delta_{t + 1} = \lambda\,\delta_t \quad (t > T_p)",
    "H_t = min(H + t dH, 0.95), r_t = min(r + t dr, 0.95) up to T_p moves; then delta shrinks by the decay rate",
    "corrected",
    "Better tests see defects that were hidden: of these the share (r' - r)/(1 - r) becomes visible, which the source "
    "leaves out. A prior above 0.95 from the start stays what it is.",
)
STOP = Formula(
    "Stop",
    r"T = \min\{t : e^{-\mu_v(t)} \ge \text{target}\}",
    "T = first t with exp(-mu_v) >= target",
    "corrected",
    "By what the tests would say, as in the source; whether anything is wrong then is P_good's to say, and runs are "
    "given up after `max_moves`. Single runs stop at moves of their own: a distribution is told, not one path.",
)
CEILING = Formula(
    "Where the mean path rests",
    r"\frac{\mu^*}{\mu^* + b} = q, \qquad A\,q - C + \frac{e\,S^2 \delta\,q}{\sqrt{S^2 \delta^2 q + v}} = 0",
    "mu*/(mu* + b) = q, A q - C + e S^2 delta q/sqrt(S^2 delta^2 q + v) = 0; A = a1 rho_eff, C = a2 (1 - kappa2 H), "
    "S = s0 (1 - kappa1 H)",
    "ours",
    "A move there damages as much as it repairs. It bounds no single run: chance, reviewers and tests carry them past.",
)
COST = Formula(
    "Cost of a move",
    r"c = K' (c_{\mathrm{generate}} + N\,c_{\mathrm{review}}) + c_{\mathrm{oracle}}",
    "c = K' (c_generate + N c_review) + c_oracle",
    "ours",
    "Every reviewer reads every candidate, its own proposals among them.",
)

FORMULAS = (
    *(TARGETING, IMPROVEMENT, VARIANCE, REVIEWERS, NOISE, CANDIDATES, MAXIMUM, ACCEPTANCE, PASS, FALSE_PASS),
    *(UPDATE, PLANNER, STOP, CEILING, COST),
)
"""All of them, whatever is set."""
