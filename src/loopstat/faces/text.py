"""Names the renderers of the other lenses still call; it goes with the last of them."""

from ..results.words import clean as clean
from ..results.words import clean_sentence as clean_sentence
from .terminal import Style as Style
from .terminal import doubt_lines as _doubt_lines
from .terminal import hanging as _wrap
from .terminal import line as _line
from .terminal import unstyled as unstyled
from .terminal import wrapped as _plain_wrap

_warning = _doubt_lines
__all__ = ["Style", "_head", "_line", "_plain_wrap", "_warning", "_wrap", "clean", "clean_sentence", "unstyled"]


def _head(text: str, width: int, style: Style) -> list[str]:
    return [style(part, "head") for part in _plain_wrap(text, width)]
