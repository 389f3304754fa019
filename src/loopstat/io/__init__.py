"""Tables in: files and dataframes to a Panel or to counted moves, and small tables to start from."""

from __future__ import annotations

from .noise import read_scorer_noise
from .pools import PoolRecording, read_pool
from .read import read
from .recorded import Recording
from .states import read_recording
from .template import template

__all__ = ["PoolRecording", "Recording", "read", "read_pool", "read_recording", "read_scorer_noise", "template"]
