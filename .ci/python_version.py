# Says whether this Python can run veritune. Written for any Python, old ones included: no annotations, no f-strings.
import sys

OLDEST, NEWEST = (3, 10), (3, 13)


def written(version):  # noqa: ANN001, ANN201
    return ".".join(map(str, version[:2]))


if not OLDEST <= sys.version_info[:2] <= NEWEST:
    wanted = "veritune needs Python " + written(OLDEST) + " to " + written(NEWEST) + ", and "
    sys.stderr.write(
        wanted + sys.executable + " is Python " + written(sys.version_info) + ". Nothing was made or changed.\n"
    )
    sys.exit(1)
