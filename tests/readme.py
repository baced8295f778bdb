"""The commands that the README has its readers type; ``python tests/readme.py docs`` prints one.

CI runs what this prints, so that it fails when the README is wrong.
"""

import re
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"python -m pip install .*&& python -m nox -s (\w+)")


def commands(text):
    """Return the commands that set themselves up, by the name of the session that each runs."""
    found = {}
    for line in "".join(BLOCK.findall(text)).splitlines():
        if match := COMMAND.fullmatch(line):
            if match[1] in found:
                raise ValueError(f"The README has two commands for {match[1]!r}.")
            found[match[1]] = line
    return found


def main(session):
    """Print the command that runs a session, or end with an error."""
    known = commands(README.read_text(encoding="utf-8"))
    if session not in known:
        sys.exit(f"The README has no command for {session!r}, only for {', '.join(known)}.")
    sys.stdout.write(f"{known[session]}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
