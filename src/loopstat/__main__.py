"""The way in, for `loopstat` and `python -m loopstat`: light, so that an interrupt while the rest loads is one too."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from .faces.cli import main as run

        run(prog_name="loopstat")
    except KeyboardInterrupt:
        sys.stderr.write("interrupted.\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
