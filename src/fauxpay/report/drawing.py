"""Drawing: Matplotlib figures as SVG that follows the page: its colours, its font, its width.

Reads    nothing
Writes   Matplotlib's own cache of fonts, in a folder of the system's temporary files
Draws    nothing
Sources  nothing

A figure is drawn in marker colours, which become CSS variables, so that light, dark and print are
one file. Text stays text. Same figure, same bytes: ids come from a fixed salt, and no clock is
asked. Nothing of pyplot is used: it would keep figures and ask for a screen.
"""

from __future__ import annotations

import io
import math
import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

INK, MUTED, GRID, PAPER = "#010101", "#020202", "#030303", "#040404"
SERIES = tuple(f"#0500{number:02x}" for number in range(1, 7))
HEAT = tuple(f"#0600{number:02x}" for number in range(1, 10))
_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--line",
    PAPER: "--panel",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, 1)},
    **{colour: f"--heat-{number}" for number, colour in enumerate(HEAT, 1)},
}
WIDTH = 4.5  # inches of 72 units: about as wide as a phone, so that 8.5 is readable there
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "fauxpay",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.parse_math": False,  # A city may have a dollar in its name.
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "figure.facecolor": "none",
}


def prepare() -> None:
    """Imports Matplotlib so that it writes nothing into the home folder.

    Whoever imported it before has chosen where; then nothing is changed.
    """
    if "matplotlib" in sys.modules or "MPLCONFIGDIR" in os.environ:
        return
    own = Path(os.path.expanduser("~/.config/matplotlib/matplotlibrc"))
    given = {"MPLCONFIGDIR": _cache_folder()}
    if own.is_file() and "MATPLOTLIBRC" not in os.environ:
        given["MATPLOTLIBRC"] = str(own)  # Who draws later in this process keeps one's own style.
    os.environ.update(given)
    try:
        import matplotlib
        import matplotlib.font_manager

        matplotlib.get_cachedir()
    finally:
        for name in given:
            del os.environ[name]


def _cache_folder() -> str:
    """A folder of our own that stays for the next time; a fresh one where that is not ours."""
    owner = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"fauxpay-matplotlib-{owner}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == owner and not found.st_mode & 0o022:
            return str(folder)
    except OSError:
        pass
    return tempfile.mkdtemp(prefix="fauxpay-matplotlib-")


def areas(
    axes: Any,
    sides: tuple[Any, Any, Any, Any],
    colour: str,
    edge: float = 0.0,
    label: str | None = None,
) -> None:
    """Rectangles of one colour as a single path, however many; limits of axes stay as they are.

    sides  left, right, bottom and top: f64[n] each
    edge   width of a line around each, in its own colour
    label  what a legend calls them
    """
    import numpy as np
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    left, right, bottom, top = (np.asarray(side, dtype=np.float64) for side in sides)
    if not left.size:
        return
    xs = np.stack([left, right, right, left, left], axis=1)
    ys = np.stack([bottom, bottom, top, top, bottom], axis=1)
    codes = [Outline.MOVETO, *[Outline.LINETO] * 3, Outline.CLOSEPOLY] * left.size
    outline = Outline(np.column_stack([xs.ravel(), ys.ravel()]), codes)
    look = {"facecolor": colour, "edgecolor": colour, "linewidth": edge}
    axes.add_artist(PathPatch(outline, label=label, **look))


def plain_logarithm(axis: Any, text: Callable[[float], str]) -> None:
    """Ticks of a logarithmic axis as numbers that people read, and none between.

    Powers of ten; 1, 2 and 5 of each where the limits, which must be set, are less than two apart,
    or 1 and 3 where such numbers are too long to stand side by side.
    """
    from matplotlib.ticker import LogLocator

    low, high = axis.get_view_interval()
    if high < 100 * low:
        box = axis.axes.get_position()
        length = 72 * (box.width * WIDTH if axis.axis_name == "x" else math.inf)
        room = math.log10(2) * length / math.log10(high / low)
        is_long = (
            0.65 * _STYLE["font.size"] * len(text(10.0 ** math.floor(math.log10(high)))) > room
        )
        axis.set_major_locator(LogLocator(subs=(1.0, 3.0) if is_long else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(lambda value, _: text(value))
    axis.set_minor_locator(_no_ticks())


def _no_ticks() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()


def share_text(share: float) -> str:
    """A share as percent, with as many digits as it needs: 10 %, 0.01 %."""
    return f"{share * 100:.6f}".rstrip("0").rstrip(".") + " %"


@contextmanager
def drawn(height: float = 2.7, margins: tuple[float, ...] = ()) -> Iterator[tuple[Any, list[str]]]:
    """Axes to draw on, and a list that holds the SVG when the block ends.

    height   inches; the width is that of a phone
    margins  left, right, bottom, top in inches: fixed, because fitted ones depend on fonts
    """
    prepare()
    import matplotlib
    from matplotlib.figure import Figure

    left, right, bottom, top = margins or (0.62, 0.12, 0.46, 0.12)
    made: list[str] = []
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, height))
        axes = figure.add_axes(
            (left / WIDTH, bottom / height, 1 - (left + right) / WIDTH, 1 - (bottom + top) / height)
        )
        yield axes, made
        made.append(_svg(figure))


def _svg(figure: Any) -> str:
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    stream = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    canvas: Any = FigureCanvasSVG(figure)
    canvas.print_svg(stream, metadata=nothing)
    return stream.getvalue()


def _shorter(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def svg_of(drawing: str, key: str, title: str) -> str:
    """Matplotlib's SVG as an element of a page: named, in the page's colours and font.

    key    prefix of its ids, so that two drawings in a page never share one
    title  its name for those who do not see it
    """
    body = drawing[drawing.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    opening, _, rest = body.partition(">")
    (box,) = re.findall(r'viewBox="([^"]+)"', opening)
    # Only what is referred to keeps an id; a group's name of its own would stand in every drawing.
    used = set(re.findall(r'(?:xlink:href="#|url\(#)([^")]+)', rest))
    rest = re.sub(r' id="([^"]+)"', lambda m: f' id="{key}-{m[1]}"' if m[1] in used else "", rest)
    rest = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{key}-", rest)
    rest = rest.replace("xlink:href", "href")
    rest = rest.replace("font-family: 'DejaVu Sans'", "font-family: inherit")
    rest = re.sub(r"font: ([\d.]+px) 'DejaVu Sans'[^;\"]*", r"font-size: \1", rest)
    # Styles stand in a sheet of their own once; the page's own sheet holds what all have.
    rest = re.sub(r"<style[^>]*>.*?</style>", "", rest, flags=re.DOTALL)
    for colour, variable in _VARIABLES.items():
        rest = rest.replace(colour, f"var({variable})")
    rest = rest.replace('transform="rotate(-0', 'transform="rotate(0')
    rest = re.sub(r' transform="rotate\(0 [^"]*"', "", rest)
    rest = re.sub(r"<[^>]+>", lambda tag: re.sub(r"\d+\.\d{3,}", _shorter, tag[0]), rest)
    rest = re.sub(r"\s*\n\s*", "\n", rest)
    name = f"{key}-name"
    return (
        f'<svg viewBox="{box}" role="img" aria-labelledby="{name}" class="drawing">'
        f'<title id="{name}">{escape(title)}</title>{rest.strip()}'
    )
