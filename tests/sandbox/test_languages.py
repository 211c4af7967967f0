"""Every language that is installed: right and wrong solutions of three problems, in each tier, with caches in the scratch."""
# ruff: noqa: E501

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

from veritune.sandbox import Limits, Program, Sandbox, SandboxUnavailable
from veritune.sandbox.checks import SUMS, language_problem
from veritune.sandbox.languages import LANGUAGES
from veritune.sandbox.local.backend import LocalSandbox

# "sum 1 2 3", "reverse word", "primes 30"; with 1 for @ each answer is wrong
SOLUTIONS = {
    "python": """
op, *rest = input().split()
if op == "sum": print(sum(map(int, rest)) + @)
elif op == "reverse": print(rest[0][::-1][@:])
else: print(sum(all(n % d for d in range(2, n)) for n in range(2, int(rest[0]) + 1)) + @)
""",
    "cpp": """
#include <algorithm>
#include <iostream>
#include <string>
int main() {
  std::string op, word; std::cin >> op;
  if (op == "sum") { long x, t = @; while (std::cin >> x) t += x; std::cout << t << std::endl; }
  else if (op == "reverse") { std::cin >> word; std::reverse(word.begin(), word.end()); std::cout << word.substr(@) << std::endl; }
  else { int n, c = @; std::cin >> n; for (int i = 2; i <= n; i++) { bool p = true; for (int d = 2; d < i; d++) p &= i % d != 0; c += p; } std::cout << c << std::endl; }
}
""",
    "c": """
#include <stdio.h>
#include <string.h>
int main(void) {
  char op[20], w[99]; scanf("%19s", op);
  if (!strcmp(op, "sum")) { long x, t = @; while (scanf("%ld", &x) == 1) t += x; printf("%ld\\n", t); }
  else if (!strcmp(op, "reverse")) { scanf("%98s", w); for (int i = strlen(w) - 1 - @; i >= 0; i--) putchar(w[i]); puts(""); }
  else { int n, c = @; scanf("%d", &n); for (int i = 2; i <= n; i++) { int p = 1; for (int d = 2; d < i; d++) p &= i % d != 0; c += p; } printf("%d\\n", c); }
  return 0;
}
""",
    "javascript": """
const [op, ...rest] = require('fs').readFileSync('/dev/stdin', 'utf8').trim().split(/\\s+/);
if (op === 'sum') console.log(rest.map(Number).reduce((a, b) => a + b, @));
else if (op === 'reverse') console.log([...rest[0]].reverse().join('').slice(@));
else { let c = @; for (let i = 2; i <= +rest[0]; i++) { let p = 1; for (let d = 2; d < i; d++) if (i % d === 0) p = 0; c += p; } console.log(c); }
""",
    "bash": """
read -r op rest
case $op in
  sum) t=@; for x in $rest; do t=$((t + x)); done; echo $t ;;
  reverse) w=; for ((i = ${#rest} - 1 - @; i >= 0; i--)); do w+=${rest:i:1}; done; echo "$w" ;;
  *) c=@; for ((i = 2; i <= rest; i++)); do p=1; for ((d = 2; d < i; d++)); do ((i % d)) || p=0; done; c=$((c + p)); done; echo $c ;;
esac
""",
    "java": """
import java.util.*;
public class Solution {
  public static void main(String[] args) {
    Scanner in = new Scanner(System.in); String op = in.next();
    if (op.equals("sum")) { long t = @; while (in.hasNextLong()) t += in.nextLong(); System.out.println(t); }
    else if (op.equals("reverse")) System.out.println(new StringBuilder(in.next()).reverse().substring(@));
    else { int n = in.nextInt(), c = @; for (int i = 2; i <= n; i++) { boolean p = true; for (int d = 2; d < i; d++) p &= i % d != 0; if (p) c++; } System.out.println(c); }
  }
}
""",
    "rust": """
use std::io::{self, BufRead};
fn main() {
  let mut line = String::new(); io::stdin().lock().read_line(&mut line).unwrap();
  let words: Vec<&str> = line.split_whitespace().collect();
  match words[0] {
    "sum" => println!("{}", words[1..].iter().map(|x| x.parse::<i64>().unwrap()).sum::<i64>() + @),
    "reverse" => println!("{}", words[1].chars().rev().skip(@).collect::<String>()),
    _ => { let n: u32 = words[1].parse().unwrap(); println!("{}", (2..=n).filter(|i| (2..*i).all(|d| i % d != 0)).count() + @) }
  }
}
""",
    "go": """
package main
import ("bufio"; "fmt"; "os"; "strings"; "strconv")
func main() {
  in := bufio.NewScanner(os.Stdin); in.Scan(); words := strings.Fields(in.Text())
  switch words[0] {
  case "sum": t := @; for _, w := range words[1:] { x, _ := strconv.Atoi(w); t += x }; fmt.Println(t)
  case "reverse": w := ""; for _, c := range words[1] { w = string(c) + w }; fmt.Println(w[@:])
  default: n, _ := strconv.Atoi(words[1]); c := @
    for i := 2; i <= n; i++ { p := 1; for d := 2; d < i; d++ { if i%d == 0 { p = 0 } }; c += p }
    fmt.Println(c)
  }
}
""",
}  # fmt: skip
PROBLEMS = {"sum 1 2 39": b"42", "reverse drawer": b"reward", "primes 30": b"10"}
LIMITS = Limits(cpu_s=10, wall_s=60, compile_cpu_s=60, compile_wall_s=180)


@pytest.fixture(scope="module", params=["namespaces", "confined"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with LocalSandbox(tier=request.param, workers=2) as made:
        try:
            made.report()
        except SandboxUnavailable as error:
            pytest.skip(f"no tier {request.param} here: {str(error)[:100]}")
        yield made


@functools.cache
def installed(sandbox: Sandbox) -> frozenset[str]:
    return frozenset(sandbox.languages())


@pytest.mark.parametrize("language", SOLUTIONS)
def test_right_and_wrong_solutions_of_three_problems(sandbox: Sandbox, language: str) -> None:
    if language not in installed(sandbox):
        pytest.skip(f"{language} is not installed")
    for digit in ("0", "1"):
        program = Program(language, SOLUTIONS[language].replace("@", digit))
        for given, expected in PROBLEMS.items():
            outcome = sandbox.run(program, f"{given}\n", limits=LIMITS)
            said = outcome.compiled.messages if outcome.compiled is not None else b""
            assert outcome.ok, (outcome.describe(), outcome.stderr[-300:], said[-300:])
            assert (outcome.stdout.strip() == expected) is (digit == "0"), (given, outcome.stdout)


def test_doctor_has_a_program_for_every_language() -> None:
    assert set(SUMS) == set(LANGUAGES) == set(SOLUTIONS)


def test_a_language_that_does_not_run_is_not_called_ok(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert language_problem(sandbox, "python") is None
    monkeypatch.setitem(SUMS, "python", "print(41)")
    assert "does not work" in str(language_problem(sandbox, "python"))
    monkeypatch.setitem(SUMS, "python", "raise ValueError('no cache')")
    assert "no cache" in str(language_problem(sandbox, "python"))


def test_a_package_comes_with_what_it_requires() -> None:
    """pytest is one name of several modules, and needs others."""
    with LocalSandbox(packages=("pytest",), workers=1) as made:
        outcome = made.run(Program("python", "import pytest, _pytest, pluggy, packaging.version; print(1)"))
    assert outcome.stdout == b"1\n", outcome.stderr[-300:]
