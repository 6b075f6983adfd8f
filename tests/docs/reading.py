"""What the pages of the project tell a reader to type: blocks, lines, commands of `fauxpay`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
PAGES += sorted(ROOT.glob("examples/*/README.md"))
# How a line begins that one types; a block of others is something that was printed.
TYPED = re.compile(
    r"(\w+=\S* )*(fauxpay|python3?|pip|pytest|just|airflow|dagster|weed|sh|\.venv)\b"
)
_COMMENT = re.compile(r"\s+#( .*)?$")


def name_of(page: Path) -> str:
    """A page's path in the checkout."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Language (`indented` where there is no fence) and text of each block of a page."""
    fence, own, before = None, [], ""
    for line in [*page.read_text("utf-8").splitlines(), ""]:
        if fence is not None:
            if line.startswith("```"):
                yield fence, "\n".join(own)
                fence, own = None, []
            else:
                own.append(line)
        elif line.startswith("```"):
            fence = line[3:].strip()
        elif line.startswith("    ") and (own or not before):
            own.append(line[4:])
        elif own:
            yield "indented", "\n".join(own)
            own = []
        before = line.strip()


def typed_lines(page: Path) -> list[str]:
    """The lines of all blocks that one types, without what is said about them."""
    found = []
    for language, text in blocks(page):
        lines = text.splitlines()
        if language in ("", "indented") and any(TYPED.match(line) for line in lines):
            found += [_COMMENT.sub("", line).strip() for line in lines if line.strip()]
    return found


def commands(line: str) -> list[str]:
    """The commands of fauxpay in a line, each of `a | b` by itself, in the order of the line."""
    found = []
    for part in line.split(" && "):
        command = re.sub(r"^(\w+=('[^']*'|\S*) )*(\.venv/bin/)?", "", part.strip())
        if not command.startswith(("fauxpay ", "python -m fauxpay.generate ")):
            continue
        first, *others = command.split(" | ")
        head = first.rpartition(" ")[0]
        found += [first, *(f"{head} {other}" for other in others)]
    return found


def code(page: Path) -> str:
    """All of a page's Python, one block after the other."""
    return "\n".join(text for language, text in blocks(page) if language == "python")


def words_of(command: str) -> list[str]:
    """A command's words after `fauxpay`, up to where its output goes."""
    words = shlex.split(command)[1:]
    return words[: words.index(">")] if ">" in words else words
