"""Many texts at once: equal texts once, in batches, on all cores; the same scores in every order and number."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..inference.workers import Progress, run_all
from .score import Artefact, Score, Scorer, hash_of

BATCH_TEXTS = 250
BATCH_CHARACTERS = 2_000_000


@dataclass(frozen=True)
class Batch:
    """Texts that are scored together."""

    scorer: Scorer
    artefacts: tuple[Artefact, ...]
    label: str

    @property
    def size(self) -> int:
        """How long it takes beside others."""
        return sum(len(a.text) for a in self.artefacts)

    def run(self, progress: Progress | None = None) -> list[Score]:
        """Return the scores."""
        del progress
        return self.scorer.score(self.artefacts)


def score_all(
    artefacts: Sequence[Artefact | str],
    scorer: Scorer,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[Score]:
    """Score texts.

    Parameters
    ----------
    artefacts : sequence of Artefact or str
    scorer : Scorer
        As `scorer_of` makes it.
    workers : int, optional
        Processes. Default: as many as there are cores, once the work takes a second; one for a function that cannot
        be sent to another process, such as a lambda.
    progress : callable, optional
        Called with (done, total, label), in batches.

    Returns
    -------
    list of Score
        In the order of the texts, each with the scorer's hash.

    Examples
    --------
    >>> from loopstat.scoring.registry import scorer_of
    >>> score_all(["one two", "one"], scorer_of(lambda text: float(len(text))))[0].values
    {'<lambda>': 7.0}
    """
    given = [Artefact(a) if isinstance(a, str) else a for a in artefacts]
    different = list(dict.fromkeys(given))
    name = hash_of(scorer)
    batches = [Batch(scorer, tuple(part), f"{len(different):,} texts") for part in _parts(different)]
    workers = workers if len(batches) > 1 and _travels(scorer) else 1
    parts = run_all(batches, mode="process", workers=workers, progress=progress)
    scores = (replace(score, hash=name) for part in parts for score in part)
    by_text = dict(zip(different, scores, strict=True))
    return [by_text[a] for a in given]


def _travels(scorer: Scorer) -> bool:
    """True where another process can have the scorer."""
    try:
        pickle.dumps(scorer)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return True


def _parts(artefacts: Sequence[Artefact]) -> Iterator[list[Artefact]]:
    part: list[Artefact] = []
    size = 0
    for artefact in artefacts:
        if part and (len(part) == BATCH_TEXTS or size + len(artefact.text) > BATCH_CHARACTERS):
            yield part
            part, size = [], 0
        part.append(artefact)
        size += len(artefact.text)
    if part:
        yield part
