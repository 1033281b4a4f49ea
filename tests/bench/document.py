"""docs/performance.md: what was measured in the last run, part by part, and what does not change.

The document keeps each measured part between two comments; a run replaces the parts that it measured.
"""

import re

PARTS = ("machine", "goals", "ceiling", "growth", "check", "start")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def replace_parts(text, parts):
    for name, content in parts.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"docs/performance.md has no part {name}")
        text = pattern.sub(lambda found: found[1] + content.strip() + "\n" + found[2], text)
    return text


def goals_of(text):
    """The goals that an earlier run has left in the document: {name: row}."""
    found = re.search(r"<!-- goals -->\n(.*?)<!-- end of goals -->", text, re.DOTALL)
    rows = {}
    for line in (found[1] if found else "").splitlines()[2:]:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 4:
            rows[cells[0], cells[1]] = cells
    return rows
