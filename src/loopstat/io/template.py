"""Small valid tables to start from."""

from __future__ import annotations


def template(kind: str) -> str:
    return ""
