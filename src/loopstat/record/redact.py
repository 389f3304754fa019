"""Secrets are taken out before anything is written: values of known variables, what telling keys hold, known forms."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from urllib.parse import quote

SHORTEST = 8  # characters of a secret; shorter values of such variables are settings rather than secrets
_WORDS = (
    r"api[_-]?keys?|access[_-]?keys?|private[_-]?keys?|secret[_-]?keys?|secrets?|token|passw(?:or)?d|passphrase"
    r"|credentials?|authorization|auth"
)
TELLING = re.compile(rf"(?:^|[_\-. ])(?:{_WORDS})(?:$|[_\-. ])", re.IGNORECASE)
"""Names of variables and of keys whose values are secrets; `tokens` and `tokens_in` are counts."""

IN_WORDS = ("key", "secret", "token", "passw", "passphrase", "credential", "auth")
IN_FORMS = ("sk-", "gh", "glpat-", "hf_", "xox", "AKIA", "AIza", "Bearer ", "PRIVATE KEY")
"""What every telling name and every known form holds."""

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ASSIGNED = re.compile(
    rf"""((?:{_WORDS})[\w-]{{0,40}}["']?[ \t]{{0,3}}[:=][ \t]{{0,3}}(["']))([^\s"']{{16,4096}})(?=\2)""", re.IGNORECASE
)
_MIXED = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])")
_FORMS = re.compile(
    r"\bsk-[A-Za-z0-9_-]{16,256}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,255}|\bgithub_pat_\w{20,255}|\bglpat-[\w-]{20,255}"
    r"|\bhf_[A-Za-z0-9]{20,255}|\bxox[abeprs]-[\w-]{10,255}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{35}"
    r"|(?<=\bBearer )[\w.~+/=-]{20,4096}"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]{0,20000}-----END [A-Z ]{0,30}PRIVATE KEY-----"
)


@lru_cache(maxsize=4096)
def tells(name: str) -> bool:
    """Return whether a name says that its value is a secret.

    Examples
    --------
    >>> tells("OPENAI_API_KEY"), tells("apiKey"), tells("tokens_in"), tells("keyboard")
    (True, True, False, False)
    """
    return TELLING.search(_CAMEL.sub("_", name)) is not None


def known_secrets() -> dict[str, str]:
    """Return the secrets of the environment and the names that stand for them, the longest first."""
    found: dict[str, str] = {}
    for name, value in os.environ.items():
        if len(value) < SHORTEST or value.isdecimal() or not tells(name):
            continue
        for text in (value, value.strip(), quote(value, safe="")):
            found.setdefault(text, name)
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def redacted(text: str, secrets: dict[str, str]) -> str:
    """Return a text without secrets.

    Parameters
    ----------
    text : str
    secrets : mapping from value to the name of its variable

    Examples
    --------
    >>> redacted("curl -u me:hunter2hunter2", {"hunter2hunter2": "MY_PASSWORD"})
    'curl -u me:[redacted: MY_PASSWORD]'
    """
    for value, name in secrets.items():
        if value in text:
            text = text.replace(value, f"[redacted: {name}]")
    if _named(text):
        text = "\n".join(_without_values(line) if _named(line) else line for line in text.split("\n"))
    return _FORMS.sub("[redacted]", text) if any(part in text for part in IN_FORMS) else text


def _named(text: str) -> bool:
    """Return whether a text may name a secret; looked at first, for it takes a hundredth of the time."""
    lower = text.lower()
    return any(part in lower for part in IN_WORDS)


def _without_values(line: str) -> str:
    return _ASSIGNED.sub(lambda m: f"{m[1]}[redacted]" if _MIXED.match(m[3]) else m[0], line)
