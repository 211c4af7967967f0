"""Interactive problems: the interactor's exit status decides, and nobody waits for long."""

from __future__ import annotations

from typing import Any

import pytest

from veritune.plugins import Cause, Sample, get_reward
from veritune.sandbox import default_sandbox

PYTHON_INTERACTOR = """
import sys
secret, left = int(open(sys.argv[1]).read()), 12
print(1000, flush=True)
for line in sys.stdin:
    word, number = line.split()
    if word == "!":
        sys.exit(0 if int(number) == secret else "a wrong guess")
    left -= 1
    if left < 0:
        print("too many questions", file=sys.stderr)
        sys.exit(1)
    print("<" if secret < int(number) else ">=", flush=True)
sys.exit(2)
"""
CPP_INTERACTOR = """
#include "testlib.h"
int main(int argc, char* argv[]) {
  registerInteraction(argc, argv);
  int secret = inf.readInt(), left = 12;
  std::cout << 1000 << std::endl;
  while (true) {
    std::string word = ouf.readWord("[!?]", "word");
    int number = ouf.readInt(1, 1000, "number");
    if (word == "!") { tout << number; if (number == secret) quitf(_ok, "found"); quitf(_wa, "a wrong guess"); }
    if (left-- == 0) quitf(_wa, "too many questions");
    std::cout << (secret < number ? "<" : ">=") << std::endl;
  }
}
"""
SEARCH = (
    "n = int(input())\nlo, hi = 1, n\nwhile lo < hi:\n    mid = (lo + hi + 1) // 2\n    print('?', mid{flush})\n"
    + ("    if input() == '<': hi = mid - 1\n    else: lo = mid\nprint('!', lo{flush})\n")
)
CPP_SEARCH = """
#include <iostream>
#include <string>
int main() {
  int n, lo = 1; std::cin >> n; std::string s;
  while (lo < n) { int m = (lo + n + 1) / 2; std::cout << "? " << m << std::endl; std::cin >> s;
    if (s == "<") n = m - 1; else lo = m; }
  std::cout << "! " << lo << std::endl;
}
"""
FLUSHED, PLAIN = SEARCH.format(flush=", flush=True"), SEARCH.format(flush="")
RIGHT = {
    "flushes": FLUSHED,
    "input() flushes": PLAIN,
    "writes to the descriptor": "import os\n" + PLAIN.replace("print('?', mid)", "os.write(1, b'? %d\\n' % mid)"),
    "sys.stdin": "import sys\n" + FLUSHED.replace("input()", "sys.stdin.readline().strip()"),
    "goes on for a moment": FLUSHED + "import time\ntime.sleep(0.5)\n",
}
WRONG = {
    "guesses at once": "input()\nprint('! 1', flush=True)",
    "asks one after the other": "for i in range(1, int(input())):\n    print('?', i, flush=True)\n    input()",
    "says nothing": "input()",
    "keeps silent": "input()\nimport time\ntime.sleep(60)",
    "waits for more": "input()\ninput()",
    "asks without an end": "input()\nwhile True:\n    print('? 5', flush=True)\n    input()",
    "is chatty": "while True: print('? 5')",
    "talks nonsense": "input()\nprint('hello, are you there?', flush=True)\ninput()",
    "talks binary": "import os\nos.write(1, bytes(range(128, 256)) * 10)\ninput()",
    "crashes": "raise ValueError",
    "crashes after the right answer": FLUSHED + "raise ValueError('no')",
    "says what the interactor says": "print('found', 'ok', 0, 1)",
    "looks for the secret": "import glob\nprint('!', open('input.txt').read(), flush=True)",
    "spends its time": "input()\nwhile True: pass",
}  # fmt: skip


def verdicts(programs: list[str], interactor: str, language: str = "python") -> list[Any]:
    row = {"tests": [{"input": "777"}, {"input": "1000"}], "interactor": interactor, "time_limit": 1}
    samples = [Sample(f"```{language}\n{p}\n```", columns={**row, "language": language}) for p in programs]
    return get_reward("binary_code").score_batch(samples)


@pytest.mark.parametrize("interactor", ["python", "cpp"])
def test_right_programs_pass_and_others_do_not(interactor: str) -> None:
    if interactor == "cpp" and "cpp" not in default_sandbox().languages():
        pytest.skip("needs g++")
    source = PYTHON_INTERACTOR if interactor == "python" else CPP_INTERACTOR
    expected = dict.fromkeys(RIGHT, 1.0) | dict.fromkeys(WRONG, 0.0)
    if interactor == "cpp":  # the slow ones once
        expected = {about: value for about, value in expected.items() if about not in ("is chatty", "spends its time")}
    found = verdicts([(RIGHT | WRONG)[about] for about in expected], source)
    named = dict(zip(expected, found, strict=True))
    assert {about: score.value for about, score in named.items()} == expected, [s.reason for s in found]
    assert "too many questions" in named["asks one after the other"].reason
    assert "limit" in named["keeps silent"].reason


def test_programs_in_cpp_talk_too() -> None:
    if "cpp" not in default_sandbox().languages():
        pytest.skip("needs g++")
    wrong = CPP_SEARCH.replace("std::endl", "'\\n'").replace("<< lo", "<< lo - 1")
    found = verdicts([CPP_SEARCH, wrong, "int main() { while (1); }", "int main() {"], CPP_INTERACTOR, "cpp")
    assert [score.value for score in found] == [1.0, 0.0, 0.0, 0.0], [score.reason for score in found]


BROKEN = {
    "does not parse": "def",
    "raises": "import sys\n1/0",
    "blames the test": "import sys\nsys.exit(3)",
    "does not compile": "#include <x_of_no_name>\n",
    "is killed": "import os\nos.kill(os.getpid(), 9)",
}


@pytest.mark.parametrize("about", BROKEN)
def test_a_broken_interactor_is_the_datasets_fault(about: str) -> None:
    [found] = verdicts([RIGHT["flushes"]], BROKEN[about])
    assert (found.value, found.cause) == (None, Cause.INVALID_GOLD), found.reason
