"""What the commands of the moves lens do: settings laid together, runs, plans, lists, and what recordings show."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import SettingsError
from ..parameters import pairs
from .files import asked_for, settings_file
from .settings import POLICY_DEFAULTS, PRESETS, ROWS, SCENARIOS, MoveSettings

if TYPE_CHECKING:
    from .calibrate.fit import Calibration
