"""`loopstat moves calibrate --progress`: how fast recorded versions lose their defects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from loopstat.faces.cli import main
from loopstat.moves.settings import MoveSettings

A, C, B = 0.9, 0.1, 4.0


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty sessions of 13 versions with A = 0.9, C = 0.1, b = 4, measured twice with errors of 0.3."""
    rng = np.random.default_rng(3)
    mass = np.empty((60, 13))
    mass[:, 0] = rng.uniform(3, 14, 60)
    for t in range(1, 13):
        share = mass[:, t - 1] / (mass[:, t - 1] + B)
        mass[:, t] = mass[:, t - 1] - A * share + C + 0.3 * np.sqrt(share) * rng.normal(size=60)
    path = tmp_path_factory.mktemp("versions") / "versions.csv"
    once, twice = mass + 0.3 * rng.normal(size=(2, *mass.shape))
    rows = [f"s{i},{t},{once[i, t]},{twice[i, t]},{1 + t % 2}" for i in range(60) for t in range(13)]
    path.write_text("session,step,defects,again,size\n" + "\n".join(rows) + "\n")
    return path


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(main, ["moves", "calibrate", *map(str, arguments)])


def parameters(*arguments: Any) -> dict[str, dict[str, Any]]:
    result = run(*arguments, "--json", "-")
    assert result.exit_code == 0, result.output
    [group] = json.loads(result.stdout)["groups"]
    return {p["name"]: p for p in group["parameters"]}


@pytest.mark.slow
def test_products_become_settings(versions: Path, tmp_path: Path) -> None:
    out = tmp_path / "settings.json"
    found = parameters(versions, "--progress", "defects", "--instrument", "again", "--out", out)
    s = MoveSettings()
    effective = 1 - (1 - s.model_prior) * (1 - s.human_prior)
    assert found["a1"]["low"] < A / effective < found["a1"]["high"]
    assert found["a2"]["low"] < C / (1 - s.kappa2 * s.human_prior) < found["a2"]["high"]
    assert found["edit_radius"]["value"] == 1
    assert {"a1", "s0", "edit_radius"} <= set(json.loads(out.read_text())["settings"])


def test_one_measurement_gives_bounds_only(versions: Path) -> None:
    found = parameters(versions, "--progress", "defects", "--radius", "size")
    assert "edit_radius" not in found
    for name in ("a1", "a2", "s0"):
        assert found[name]["bound"] == "upper"
        assert not found[name]["identifiable"]
        assert "--instrument" in found[name]["reason"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--progress", "defect"), "defects"),
        (("--radius", "size"), "goes with --progress"),
        (("--progress", "session"), "number"),
    ],
)
def test_what_cannot_be_read_is_refused(versions: Path, options: tuple[str, ...], said: str) -> None:
    result = run(versions, *options, "--coarse", "size") if options[0] == "--radius" else run(versions, *options)
    assert result.exit_code == 2
    assert said in result.stderr
