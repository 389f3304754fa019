"""What a page can be taken away as: the report, the JSON, single pictures, files to go on with, the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from ...errors import SettingsError
from ...lenses import Progress, Result, load
from ...parameters import nearest
from ...results.document import Block, Section
from ..run import json_text, page_text
from .answers import Answers, Asked, document_of

ODD = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Download:
    """A file for the page to save."""

    name: str
    media: str
    text: str | bytes


def download(answers: Answers, asked: Asked, what: str, progress: Progress) -> Download:
    """Return a file of what is asked.

    Parameters
    ----------
    answers : Answers
    asked : Asked
    what : str
        `html`, `json`, `command`, `svg:KEY` of a chart, `save:NAME` of a further file of the command.
    progress : callable

    Raises
    ------
    LoopstatError
        There is no such file, or no answer.
    """
    kind, _, name = what.partition(":")
    if kind not in MAKERS or bool(name) != (kind in ("svg", "save")):
        raise SettingsError(f"`what` must be html, json, command, svg:KEY or save:NAME. Got {what[:60]!r}.")
    stem = ODD.sub("-", "-".join(["loopstat", *asked.place.name.split(), *([name] if name else [])]))[:80]
    suffix, media, make = MAKERS[kind]
    if kind == "command":
        return Download(stem + suffix, media, asked.command + "\n")
    text = make(asked, answers.whole(asked, progress), name)
    if kind == "save":
        save = next(save for save in asked.place.command.saves if save.name == name)
        suffix = PurePath(save.file).suffix or save.suffix
        media = MEDIA.get(suffix, "application/octet-stream" if isinstance(text, bytes) else "text/plain")
    return Download(stem + suffix, media, text)


def _picture(asked: Asked, result: Result, key: str) -> str:
    from ...results.chart import Chart
    from ..svg import draw

    charts: dict[str, Chart] = {}

    def look(blocks: tuple[Block | Section, ...]) -> None:
        for block in blocks:
            if isinstance(block, Section):
                look(block.blocks)
            elif isinstance(block, Chart):
                charts.setdefault(block.key, block)

    look(document_of(asked, result).sections)
    if key not in charts:
        raise nearest(key[:60], charts, "picture")
    return draw(charts[key], alone=True) + "\n"


def _saved(asked: Asked, result: Result, name: str) -> str | bytes:
    saves = {save.name: save for save in asked.place.command.saves}
    if name not in saves:
        raise nearest(name[:60], saves, "file")
    save = saves[name]
    made: str | bytes = load(save.text)(result, path=save.file) if save.file else load(save.text)(result)
    return made


def _page(asked: Asked, result: Result, name: str) -> str:
    del name
    return page_text(asked.place.command, result)


def _json(asked: Asked, result: Result, name: str) -> str:
    del asked, name
    return json_text(result)


def _command(asked: Asked, result: Result, name: str) -> str:
    del result, name
    return asked.command


MEDIA = {".json": "application/json", ".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}
"""Media type of what a command saves, by its suffix."""

MAKERS: dict[str, tuple[str, str, Callable[[Asked, Result, str], str | bytes]]] = {
    "html": (".html", "text/html", _page),
    "json": (".json", MEDIA[".json"], _json),
    "command": (".txt", "text/plain", _command),
    "svg": (".svg", "image/svg+xml", _picture),
    "save": ("", "", _saved),
}
"""Suffix, media type and maker of each kind of file; what a command saves says its own suffix."""
