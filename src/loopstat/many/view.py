"""A file of sums as a document: what it holds, and what to do with it."""

from __future__ import annotations

from .. import __version__
from ..results.document import Document, Fact, Facts, Provenance, Section, settings_said, title_of
from ..results.words import clean, clean_sentence, plural
from .file import packed
from .listing import GroupListing, StatsListing

HINT = "Next: loopstat merge part1.stats part2.stats ... · --json - · loopstat explain TERM"


def document(result: StatsListing) -> Document:
    """Return what sums hold.

    Parameters
    ----------
    result : StatsListing

    Returns
    -------
    Document
        Of kind `stats`.
    """
    names = ", ".join(clean_sentence(o.name) for o in result.objectives)
    return Document(
        "stats",
        title_of(result.source.files),
        Provenance(
            __version__, str(result.settings.get("command") or ""), result.source.digest, settings_said(result.settings)
        ),
        (f"{plural(result.n_sessions, 'session')}, {plural(result.n_steps, 'step')}; sums of {names}",),
        tuple(_group(k, group) for k, group in enumerate(result.groups)),
        notes=tuple(clean_sentence(n) for n in result.notes),
        hints=(HINT,),
    )


def _group(k: int, group: GroupListing) -> Section:
    label = "all sessions" if group.label == "all" else group.label
    each = ", ".join(f"{n:,} {clean_sentence(kind)} clusters" for kind, n in group.clusters.items())
    blocks = ", in random blocks where they are many" if group.in_blocks else ""
    facts = [
        Fact("sessions", (f"{plural(group.n_sessions, 'session')}, {plural(group.n_transitions, 'transition')}",)),
        Fact("intervals", (f"{each}{blocks}",)),
    ]
    return Section(f"g{k}", clean(label), (Facts(tuple(facts)),))


def packed_listing(result: StatsListing) -> bytes:
    """Return the bytes of the file of sums that a listing describes."""
    if result.stats is None:
        raise ValueError("a listing read back from JSON has no sums to write")
    return packed(result.stats)
