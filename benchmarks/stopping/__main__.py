"""Judge decisions when to stop on simulated loops: `python -m benchmarks.stopping` writes docs/validation_stopping.md.

Each recording has a random stream of its own, made from the kind's name, the size and its number, so the figures do not
depend on the number of workers, nor on which kinds were kept from an earlier run.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .kinds import KINDS
from .page import page, readings
from .validate import LENS, SIZES, Scored, Size, code_digest, kept_or_run, size_of

FULL, QUICK = 400, 40


def listed(text: str) -> list[str]:
    """Split at commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the kinds and write the page; the exit status is 1 where an aim is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stopping", description=__doc__)
    parser.add_argument("--panels", type=int, help=f"recordings of each kind and size (default {FULL})")
    parser.add_argument("--sizes", type=listed, default=list(SIZES), help="sessions x steps (default all: %(default)s)")
    parser.add_argument("--kinds", type=listed, help="these kinds only, printed, not written")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} panels, printed, not written")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--write", type=Path, metavar="PATH", help=f"default: {LENS.page}")
    options = parser.parse_args(arguments)
    if unknown := set(options.kinds or ()) - set(KINDS):
        parser.error(f"no kind {', '.join(sorted(unknown))}; kinds: {', '.join(KINDS)}")
    try:
        sizes = [size_of(label) for label in options.sizes]
    except ValueError:
        parser.error(f"--sizes {','.join(options.sizes)}: expected sizes such as 50x7,400x20")
    panels = options.panels or (QUICK if options.quick else FULL)
    chosen = [KINDS[name] for name in options.kinds or KINDS]
    code = code_digest()
    results: dict[Size, dict[str, list[Scored]]] = {size: {} for size in sizes}
    for size, kind, scored in kept_or_run(chosen, sizes, panels, options.workers, code):
        results[size][kind.name] = scored
    if code_digest() != code:
        parser.exit(2, "the code changed while this ran: run it again.\n")
    command = "python -m benchmarks.stopping"
    command += f" --panels {panels}" if panels != FULL else ""
    command += f" --sizes {','.join(options.sizes)}" if options.sizes != list(SIZES) else ""
    text = page(results, command, code)
    if (options.quick or options.kinds) and not options.write:
        print(text)
    else:
        path = options.write or Path(LENS.page)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)
    return int(not all(r.met for r in readings({size.label: found for size, found in results.items()})))


if __name__ == "__main__":
    sys.exit(main())
