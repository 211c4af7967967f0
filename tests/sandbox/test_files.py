"""The confined tier keeps files as they are where Landlock does not: by the filter, on every version of Landlock."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.environments import as_user
from veritune.sandbox import Limits, Program, Sandbox
from veritune.sandbox.conformance import files
from veritune.sandbox.local import probe
from veritune.sandbox.local.backend import LocalSandbox

LIMITS = Limits(cpu_s=5, wall_s=20)


@pytest.fixture(params=[1, 2, 3, None], ids=lambda version: f"Landlock {version or 'of this kernel'}")
def confined(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The tier as on a kernel with this version, showing programs ``tmp_path`` to read."""
    monkeypatch.setattr(probe, "_found", {})
    monkeypatch.setattr(probe, "_landlock_at_most", request.param)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and not folder.stat().st_mode & stat.S_IXOTH:
            folder.chmod(0o755)
    with LocalSandbox(tier="confined", workers=1, packages=(), read_only=[str(tmp_path)]) as sandbox:
        yield sandbox


def test_what_may_be_read_may_not_be_changed(confined: Sandbox, tmp_path: Path) -> None:
    """A file that programs are shown, that everybody may write to: nothing but the sandbox stands in the way."""
    target = tmp_path / "shown"
    target.write_text("kept")
    target.chmod(0o666)
    tmp_path.chmod(0o777)
    before = files.state(target)
    read = confined.run(Program("python", f"print(open({str(target)!r}).read())"), limits=LIMITS)
    assert read.stdout == b"kept\n", read.stderr
    outcome = confined.run(Program("python", files.CHANGE.replace("@PATH@", repr(str(target)))), limits=LIMITS)
    assert outcome.ok, outcome.stderr
    assert files.state(target) == before, outcome.stdout
    assert outcome.stdout == b""


def test_the_report_says_what_landlock_does_not_govern(confined: Sandbox) -> None:
    notes = [note for note in confined.report().notes if "Landlock" in note]
    assert notes
    assert all("does not govern modes, owners and times" in note for note in notes)
    version = probe._landlock_at_most
    assert ("truncation" in notes[0]) == (version is not None and version < 3)


def test_programs_write_their_own_files(confined: Sandbox) -> None:
    """What right programs do with files of their own, on every version: make, write, cut, rename and remove them."""
    source = (
        "import os, shutil, tempfile\n"
        "with open('a', 'w') as f: f.write('12345'); f.truncate(2)\n"
        "with open('a', 'r+') as f: assert f.read() == '12'; f.truncate(0)\n"
        "open('a', 'w').close()\n"
        "os.rename('a', 'b'); os.remove('b')\n"
        "os.mkdir('d'); open('d/x', 'w').write('x'); shutil.rmtree('d')\n"
        "with tempfile.TemporaryDirectory() as t, tempfile.NamedTemporaryFile() as n: n.write(b'x')\n"
        "open('c', 'w').write('y'); shutil.copyfile('c', 'e'); print(open('e').read())\n"
    )
    outcome = confined.run(Program("python", source), limits=LIMITS)
    assert outcome.stdout == b"y\n", outcome.stderr_text


def test_a_filter_without_these_guards_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The self-test itself finds the hole: it does not take the filter's word."""
    child = "veritune.sandbox.local.inside.child"
    script = f"""
import sys
sys.argv = ["x"]
from veritune.sandbox.local import slot, probe
slot._START = slot._START.replace("from veritune.sandbox.local.inside.guardian", '''
import {child} as child
child.seccomp.ATTRIBUTES.clear()
from veritune.sandbox.local.inside.guardian''')
from veritune.sandbox.local.backend import LocalSandbox
try:
    print(LocalSandbox(tier="confined").report().fs_write)
except Exception as error:
    print(error)
"""
    said = as_user([sys.executable, "-c", script])
    if isinstance(said, str):
        pytest.skip(said)
    assert "the self-test got through: fs_write" in said.stdout, said.stdout + said.stderr


def test_an_ordinary_user_keeps_its_files(tmp_path: Path) -> None:
    """Nothing stands between a program and its own user's files but the tier."""
    for version in (1, 2, None):
        script = f"""
from pathlib import Path
import os, tempfile
from veritune.sandbox import Program
from veritune.sandbox.conformance import files
from veritune.sandbox.local import probe
from veritune.sandbox.local.backend import LocalSandbox
probe._landlock_at_most = {version}
with tempfile.TemporaryDirectory() as folder, LocalSandbox(tier="confined", workers=1, packages=()) as sandbox:
    target = Path(folder) / "id"
    target.write_text("kept")
    before = files.state(target), files.state(Path(folder))
    outcome = sandbox.run(Program("python", files.CHANGE.replace("@PATH@", repr(str(target)))))
    print(outcome.ok, outcome.stdout, (files.state(target), files.state(Path(folder))) == before)
"""
        said = as_user([sys.executable, "-c", script])
        if isinstance(said, str):
            pytest.skip(said)
        assert said.stdout == "True b'' True\n", said.stdout + said.stderr
