"""`python -m benchmarks.adapters`: every adapter against its real package, each in an environment of its own.

Environments are made under `--folder`, kept, and used again; packages come through pip as it is set up here.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED = {
    "plain": [],
    "optuna": ["optuna"],
    "gepa": ["gepa"],
    "inspect_ai": ["inspect_ai", "openai"],
    "langgraph": ["langchain", "langgraph"],
    "openevolve": ["openevolve"],
}
OURS = ["pytest", "numpy", "click", "scipy", "duckdb"]
TESTS = {
    "plain": "plain",
    "optuna": "optuna or trials",
    "gepa": "gepa or rejected",
    "inspect_ai": "attempts",
    "langgraph": "langgraph",
    "openevolve": "openevolve or programs",
}


def main() -> int:
    """Make the environments, run the tests in each, and say how they went; exit 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *NEEDED], help="default: all")
    parser.add_argument("--folder", type=Path, default=ROOT / ".adapters")
    asked = parser.parse_args()
    failed = []
    for name in asked.names or NEEDED:
        python = environment(asked.folder / name, [*NEEDED[name], *OURS])
        command = [python, "-m", "pytest", "-q", "-o", "addopts=", "-o", "filterwarnings=default", "-rs"]
        command += ["tests/adapters", "-k", TESTS[name]]
        variables = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OPENAI_API_KEY": "none"}
        done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
        said = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr
        print(f"{name:12}{said}", flush=True)
        if done.returncode or "passed" not in said or "skipped" in said:
            failed.append(name)
            print(done.stdout[-3000:], file=sys.stderr)
    return 1 if failed else 0


def environment(folder: Path, packages: list[str]) -> str:
    """Return the Python of an environment with some packages."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
    return str(python)


if __name__ == "__main__":
    sys.exit(main())
