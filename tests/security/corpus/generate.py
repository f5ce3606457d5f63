"""Writes the kept cases: `python3 tests/security/corpus/generate.py`, or `--check` to compare with what is there.

Each maker holds the rules of one kind of input, in words and in code of its own: nothing of the crate is asked, so a
verdict is what the promises say and not what the code happens to answer. Every run writes the same bytes; letters are
those of Unicode 14, which Python 3.11 knows.

A text is a string, or a list of `[piece, times]` for long ones, or `{"hex": "…"}` for bytes that are no text.
"""

import json
import pathlib
import re
import sys

# Nothing but the cases is left behind.
sys.dont_write_bytecode = True

from makers import cookies, emails, form_bodies, json_bodies, redirects, schemas, traits

MAKERS = [redirects, emails, json_bodies, form_bodies, cookies, schemas, traits]

# What may be written in pieces.
TEXTS = ("asked", "email", "body", "value", "schema", "values", "lines")


def shortened(value, name=""):
    """Long repetitions as pieces, so that the files stay readable."""
    if isinstance(value, dict):
        return {key: shortened(member, key) for key, member in value.items()}
    if isinstance(value, list) and name in ("values", "lines", "cases"):
        return [shortened(item, name) for item in value]
    if not isinstance(value, str) or name not in TEXTS or len(value) < 200:
        return value
    pieces, at = [], 0
    for run in re.finditer(r"(.{1,3}?)\1{59,}", value, re.DOTALL):
        pieces += [[value[at:run.start()], 1]] if run.start() > at else []
        pieces.append([run[1], len(run[0]) // len(run[1])])
        at = run.end()
    return pieces + [[value[at:], 1]] * (at < len(value)) if pieces else value


def written(document):
    """One case a line, so that a change shows as what it is."""
    lines = []
    for name, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join(json.dumps(row, ensure_ascii=True) for row in value)
            lines.append(f"{json.dumps(name)}: [\n{rows}\n]")
        else:
            lines.append(f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=True)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    here = pathlib.Path(__file__).resolve().parent
    stale = []
    for maker in MAKERS:
        name, document = maker.__name__.removeprefix("makers."), shortened(maker.make())
        file, text = here / f"{name}.json", written(document)
        if "--check" in sys.argv:
            stale += [] if file.exists() and file.read_text("utf-8") == text else [file.name]
        else:
            file.write_text(text, "utf-8")
            print(f"{file.name}: {len(document['cases'])} cases, {len(text)} bytes")
    if stale:
        sys.exit("not what the makers make: " + ", ".join(stale))


if __name__ == "__main__":
    main()
