# Says whether this Python can run veritune. Written for any Python, old ones included: no annotations, no f-strings.
import sys

OLDEST, NEWEST = (3, 10), (3, 13)
if not OLDEST <= sys.version_info[:2] <= NEWEST:
    sys.stderr.write(
        "veritune needs Python %d.%d to %d.%d, and %s is Python %d.%d. Nothing was made or changed.\n"
        % (OLDEST + NEWEST + (sys.executable,) + tuple(sys.version_info[:2]))  # noqa: UP031
    )
    sys.exit(1)
