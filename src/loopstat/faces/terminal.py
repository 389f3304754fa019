"""The terminal: the one writer of documents to it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

from ..results.chart import Chart
from ..results.document import (
    Answer,
    Block,
    Checks,
    Depth,
    Document,
    Fact,
    Facts,
    Formulas,
    Section,
    Sheet,
    Text,
    shown_at,
)
from ..results.words import cell as cell_words
from ..results.words import clean, clean_sentence, number
from ..results.words import parts as words_of

Style = Callable[[str, str], str]
"""Takes (text, role) with role one of `head`, `key`, `doubt`, `answer`; returns the text to print."""

NARROWEST_TEXT = 30  # columns; where there are fewer beside its key, a text stands below it
KEY_WIDTH = 17
LABEL_WIDTH = 24
LEAST_WORDS = 30  # columns that words in a table need

# ------------------------------------------------------------------------------ documents


def unstyled(text: str, role: str) -> str:
    """Return the text as it is."""
    del role
    return text


def write(document: Document, *, depth: Depth = "short", width: int = 100, style: Style = unstyled) -> str:
    """Return a document as the terminal shows it.

    Parameters
    ----------
    document : Document
    depth : str
        `front`, `short` or `long`.
    width : int
        Columns to wrap at.
    style : callable, optional
        Adds colour.
    """
    return _Writer(depth, width, style).document(document)


class _Writer:
    """Writes blocks at one depth, width and style."""

    def __init__(self, depth: Depth, width: int, style: Style) -> None:
        self.depth, self.width, self.style = depth, width, style

    def document(self, document: Document) -> str:
        title = words_of((document.title, *([": ", *document.lead] if document.lead else [])))
        lines = [self.style(words, "head") for words in wrapped(title, self.width)]
        if document.answer is not None:
            lines += self._answer(document.answer)
        sections = [s for s in document.sections if shown_at(s.depth, self.depth)]
        for section in sections:
            brief = self.depth == "front" and section.answer is not None
            lines += ["", *(self._brief_section(section) if brief else self._section(section))]
        notes = (*document.first, *(document.notes if shown_at("short", self.depth) else ()))
        if notes:
            lines.append("")
        for note in notes:
            lines += hanging(clean_sentence(note), self.width, "  ", "    ")
        for hint in document.hints:
            lines += ["", *hanging(hint, self.width, "", "  ")]
        return "\n".join(lines)

    def _brief_section(self, section: Section) -> list[str]:
        """Return the answer of a section beside its title, and what stands at the front of it."""
        answer = section.answer
        assert isinstance(answer, Answer)  # noqa: S101 - asked for only where there is one
        title, said = clean(section.title), f"{words_of((answer.said, *answer.why))}"
        together = len(title) + len(said) + 3 <= self.width
        lines = [f"{self.style(title, 'head')}   {self.style(said, 'answer')}"] if together else []
        if not together:
            lines = [self.style(part, "head") for part in wrapped(title, self.width)] + self._answer(answer)
        for block in section.blocks:
            if shown_at(block.depth, self.depth) and not isinstance(block, Section):
                lines += self._block(block)
        return lines

    def _answer(self, answer: Answer) -> list[str]:
        said = words_of((answer.said, *answer.why))
        return [f"  {self.style(part, 'answer')}" for part in wrapped(said, self.width - 2)]

    def _section(self, section: Section, *, inside: bool = False) -> list[str]:
        lead = f"   {words_of(section.lead)}" if section.lead else ""
        role = "key" if inside else "head"
        lines = [self.style(part, role) for part in wrapped(f"{clean_sentence(section.title)}{lead}", self.width - 2)]
        lines = [f"  {part}" for part in lines] if inside else lines
        if section.answer is not None:
            lines += self._answer(section.answer)
        for block in section.blocks:
            if shown_at(block.depth, self.depth):
                lines += self._section(block, inside=True) if isinstance(block, Section) else self._block(block)
        return lines

    def _block(self, block: Block) -> list[str]:
        if isinstance(block, Facts):
            return self._facts(block.rows)
        if isinstance(block, Text):
            return self._text(block)
        if isinstance(block, Sheet):
            return self._sheet(block)
        if isinstance(block, Checks):
            return self._checks(block)
        if isinstance(block, Formulas):
            return self._formulas(block)
        assert isinstance(block, Chart)  # noqa: S101 - pictures are for the page
        return []

    def _facts(self, rows: Sequence[Fact]) -> list[str]:
        lines = []
        for fact in rows:
            if shown_at(fact.depth, self.depth):
                lines += line(fact.key, words_of(fact.said), self.width, self.style)
        return lines

    def _text(self, block: Text) -> list[str]:
        shown = block.said[: self._brief(block.brief)]
        lines = []
        for said in map(words_of, shown):
            doubt = block.tone == "doubt"
            lines += doubt_lines(said, self.width, self.style) if doubt else hanging(said, self.width, "  ", "    ")
        return [*lines, *self._more(len(block.said) - len(shown))]

    def _sheet(self, sheet: Sheet) -> list[str]:
        rows = [[cell_words(c) for c in row] for row in sheet.rows[: self._brief(sheet.brief)]]
        titles = wrapped(clean_sentence(sheet.title), self.width - 2) if sheet.title else []
        title = [f"  {self.style(part, 'key')}" for part in titles]
        note = hanging(clean_sentence(sheet.note), self.width, "    ", "    ") if sheet.note else []
        table = columns_of(sheet.columns, rows, self.width - 2, self.style)
        lines = [*title, *(f"  {part}" for part in table), *note, *self._more(len(sheet.rows) - len(rows))]
        return ["", *lines] if title else lines

    def _checks(self, block: Checks) -> list[str]:
        lines = ["", f"  {self.style('Checks', 'key')}"]
        for check in block.checks:
            word = "passed" if check.passed else "failed"
            figure = "" if check.value is None else f" ({number(check.value, 3)})"
            said = f"{word}{figure}: {clean_sentence(check.message)}"
            lines += line(check.name, said, self.width, self.style, key_width=LABEL_WIDTH)
        return lines

    def _formulas(self, block: Formulas) -> list[str]:
        lines = []
        for row in block.rows:
            lines += ["", f"  {self.style(row.name, 'key')} ({row.origin})"]
            lines += [
                f"    {part}" for said in (row.plain, clean_sentence(row.note)) for part in _indented(said, self.width)
            ]
        return lines

    def _brief(self, most: int) -> int | None:
        return most if most and not shown_at("long", self.depth) else None

    def _more(self, n: int) -> list[str]:
        return [f"  ({n:,} more: --verbose)"] if n > 0 else []


def _indented(said: str, width: int) -> list[str]:
    return wrapped(said, width - 4) if said else []


def doubt_lines(said: str, width: int, style: Style) -> list[str]:
    """Return a sentence that casts doubt, marked."""
    first, *rest = wrapped(said, width - 4)
    return [f"  {style('!', 'doubt')} {first}", *(f"    {part}" for part in rest)]


def line(key: str, said: str, width: int, style: Style, *, key_width: int = KEY_WIDTH) -> list[str]:
    """Return a key and what is said of it, wrapped beside it, or under it where the key is long."""
    if len(key) >= key_width or width - key_width - 2 < NARROWEST_TEXT:
        return [f"  {style(key, 'key')}", *(f"      {part}" for part in wrapped(said, width - 6))]
    parts = wrapped(said, width - key_width - 2)
    first = f"  {style(key, 'key')}{' ' * (key_width - len(key))}{parts[0]}"
    return [first, *(" " * (key_width + 2) + part for part in parts[1:])]


def wrapped(said: str, width: int) -> list[str]:
    """Return the lines of words; what no-break spaces join stays together where a line can hold it."""
    most = max(width, NARROWEST_TEXT)
    lines: list[str] = []
    for part in textwrap.wrap(said, most, break_long_words=False, break_on_hyphens=False):
        free = part.replace("\xa0", " ")
        lines += (
            textwrap.wrap(free, most, break_long_words=False, break_on_hyphens=False) if len(part) > most else [free]
        )
    return lines or [""]


def hanging(said: str, width: int, first: str, rest: str) -> list[str]:
    """Return the lines of a paragraph, the first indented by `first`, later ones by `rest`."""
    return [f"{rest if k else first}{part}" for k, part in enumerate(wrapped(said, width - len(rest)))]


def columns_of(head: Sequence[str], rows: Sequence[Sequence[str]], width: int, style: Style) -> list[str]:
    """Lay a table out in columns, words of the last one wrapped, or row by row where there is no room."""
    widths = [max(len(row[j]) for row in (head, *rows)) for j in range(len(head))]
    room = width - 2 - sum(widths[:-1]) - 2 * (len(widths) - 1)
    if widths[-1] > room >= LEAST_WORDS:
        widths[-1] = room
    gap = next((g for g in (3, 2) if 2 + sum(widths) + g * (len(widths) - 1) <= width), 0)
    if gap:
        first, *made = (part for row in (head, *rows) for part in _row_in(row, widths, " " * gap))
        return [f"  {style(first, 'key')}", *(f"  {part}" for part in made)]
    lines = []
    for row in rows:
        said = ", ".join(f"{name} {text}".strip() for name, text in zip(head[1:], row[1:], strict=True) if text)
        lines += line(row[0], said, width, style, key_width=max(widths[0] + 2, 10))
    return lines


def _row_in(row: Sequence[str], widths: Sequence[int], gap: str) -> list[str]:
    """Return the lines of a row in columns of these widths."""
    first, *rest = wrapped(row[-1], widths[-1]) if len(row[-1]) > widths[-1] else [row[-1]]
    start = gap.join(text.ljust(w) for text, w in zip((*row[:-1], first), widths, strict=True)).rstrip()
    indent = " " * (sum(widths[:-1]) + len(gap) * (len(widths) - 1))
    return [start, *(indent + part for part in rest)]
