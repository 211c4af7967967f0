"""Law: words around numbers say what they say: signs, remainders, shares, parts, statements, feet, lines;
four digits behind a zero are a code, and a bound keeps its name."""

from __future__ import annotations

import pytest

from tests.verifiers.math.extraction.test_assertion import accepted

ROWS: dict[str, tuple[list[str], list[str]]] = {
    "0110": (
        [
            "\\boxed{0110}",
            "\\boxed{\\text{0110}}",
            "The answer is 0110.",
        ],
        [
            "\\boxed{110}",
            "\\boxed{00110}",
            "\\boxed{0111}",
            "110",
            "\\boxed{110_2}",
        ],
    ),
    "073": (
        [
            "\\boxed{73}",
            "73",
        ],
        [],
    ),
    "0.5": (
        [
            "\\boxed{.5}",
        ],
        [],
    ),
    "73": (
        [
            "\\boxed{073}",
        ],
        [],
    ),
    "110": (
        [
            "\\boxed{110}",
        ],
        [],
    ),
    "00101": (
        [
            "00101",
        ],
        [
            "101",
            "\\boxed{0101}",
        ],
    ),
    "\\sup = 1, \\inf = 0": (
        [
            "\\boxed{\\inf = 0, \\sup = 1}",
            "\\boxed{\\sup=1,\\ \\inf=0}",
        ],
        [
            "\\boxed{\\sup = 0, \\inf = 1}",
        ],
    ),
    "\\max = 5, \\min = 2": (
        [
            "\\boxed{\\min = 2, \\max = 5}",
        ],
        [
            "\\boxed{\\max = 2, \\min = 5}",
        ],
    ),
    "\\gcd = 5, \\operatorname{lcm} = 20": (
        [],
        [
            "\\boxed{\\gcd = 20, \\operatorname{lcm} = 5}",
        ],
    ),
    "\\lim = 3": (
        [],
        [
            "\\boxed{\\sup = 3}",
        ],
    ),
    "7 \\text{ remainder } 2": (
        [
            "\\boxed{7 \\text{ R } 2}",
            "\\boxed{7R2}",
            "\\boxed{7 \\text{ r. } 2}",
            "\\boxed{7 \\text{ remainder } 2}",
            "The answer is 7 remainder 2.",
            "\\boxed{7\\ \\text{rem}\\ 2}",
        ],
        [
            "\\boxed{2 \\text{ R } 7}",
            "\\boxed{7 \\text{ R } 3}",
            "\\boxed{72}",
            "\\boxed{7}",
            "\\boxed{14}",
        ],
    ),
    "7 R 2": (
        [
            "\\boxed{7 \\text{ remainder } 2}",
            "7 r 2",
        ],
        [
            "\\boxed{7.2}",
            "\\boxed{14R}",
            "\\boxed{6 R 2}",
        ],
    ),
    "I and III": (
        [
            "\\boxed{\\text{I and III}}",
            "\\boxed{\\text{I}\\text{ and }\\text{III}}",
            "\\boxed{\\text{I, III}}",
        ],
        [
            "\\boxed{\\text{I and II}}",
            "\\boxed{\\text{I or III}}",
            "\\boxed{\\text{I}}",
            "\\boxed{\\text{I, II and III}}",
        ],
    ),
    "True, False, True": (
        [
            "\\boxed{\\text{True, False, True}}",
            "\\boxed{\\text{True},\\text{False},\\text{True}}",
        ],
        [
            "\\boxed{\\text{True, True, False}}",
            "\\boxed{\\text{False, True, True}}",
            "\\boxed{\\text{True, False}}",
        ],
    ),
    "-5": (
        [
            "\\boxed{\\text{negative five}}",
            "\\boxed{\\text{minus } 5}",
            "\\boxed{\\text{negative } 5}",
            "The answer is negative five.",
            "The answer is minus five.",
            "The answer is negative 5.",
        ],
        [
            "\\boxed{\\text{five}}",
            "\\boxed{\\text{positive five}}",
            "\\boxed{\\text{minus minus five}}",
            "\\boxed{\\text{non-negative five}}",
            "\\boxed{\\text{negative six}}",
        ],
    ),
    "5": (
        [
            "\\boxed{\\text{positive five}}",
            "\\boxed{\\text{five}}",
            "\\boxed{\\begin{aligned}x&=2+3\\\\&=5\\end{aligned}}",
        ],
        [
            "\\boxed{\\text{negative five}}",
            "\\boxed{\\text{minus } 5}",
            "\\boxed{\\begin{aligned}x&=2+2\\\\&=5\\end{aligned}}",
        ],
    ),
    "-\\infty": (
        [
            "\\boxed{\\text{negative infinity}}",
            "\\boxed{\\text{minus infinity}}",
        ],
        [
            "\\boxed{\\text{infinity}}",
            "\\boxed{\\text{positive infinity}}",
            "\\boxed{\\infty}",
        ],
    ),
    "\\infty": (
        [
            "\\boxed{\\text{infinity}}",
            "\\boxed{\\text{positive infinity}}",
            "\\boxed{+\\infty}",
            "\\boxed{\\inf}",
        ],
        [
            "\\boxed{\\text{negative infinity}}",
        ],
    ),
    "(a) 3 (b) 4": (
        [
            "\\boxed{\\text{(a) } 3 \\text{ (b) } 4}",
            "\\boxed{\\text{(a)}\\ 3,\\ \\text{(b)}\\ 4}",
            "\\boxed{(a) 3; (b) 4}",
            "\\boxed{(a)\\ 3 \\quad (b)\\ 4}",
        ],
        [
            "\\boxed{\\text{(a) } 4 \\text{ (b) } 3}",
            "\\boxed{\\text{(a) } 3}",
            "\\boxed{\\text{(a) } 34}",
            "\\boxed{\\text{(b) } 3 \\text{ (a) } 4}",
            "\\boxed{3}",
        ],
    ),
    "x=2,y=3": (
        [
            "\\[\\boxed{\\begin{aligned}x&=2\\\\y&=3\\end{aligned}}\\]",
            "\\[\\boxed{\\begin{cases}x=2\\\\y=3\\end{cases}}\\]",
            "\\boxed{\\begin{aligned}y&=3\\\\x&=2\\end{aligned}}",
            "\\boxed{\\begin{array}{l}x=2\\\\y=3\\end{array}}",
            "\\boxed{\\begin{gathered}x=2,\\\\ y=3\\end{gathered}}",
        ],
        [
            "\\[\\boxed{\\begin{aligned}x&=3\\\\y&=2\\end{aligned}}\\]",
            "\\[\\boxed{\\begin{aligned}x&=2\\end{aligned}}\\]",
            "\\boxed{\\begin{aligned}x&=2\\\\&=3\\end{aligned}}",
        ],
    ),
    "5'7''": (
        [
            "\\boxed{67 \\text{ inches}}",
            "\\boxed{5 \\text{ ft } 7 \\text{ in}}",
            "5 feet 7 inches",
        ],
        [
            "\\boxed{57}",
            "\\boxed{57 \\text{ inches}}",
            "\\boxed{5'8''}",
            "\\boxed{7'5''}",
            "\\boxed{5 \\text{ ft}}",
        ],
    ),
    "\\text{base} \\times \\text{height}": (
        [
            "\\boxed{\\text{height} \\times \\text{base}}",
            "\\boxed{\\text{base} \\cdot \\text{height}}",
        ],
        [
            "\\boxed{\\text{height} + \\text{base}}",
            "\\boxed{\\text{base} \\times \\text{width}}",
            "\\boxed{\\frac{\\text{base}}{\\text{height}}}",
            "\\boxed{\\text{base}}",
        ],
    ),
    "\\text{base} - \\text{height}": (
        [],
        [
            "\\boxed{\\text{height} - \\text{base}}",
        ],
    ),
    "\\text{base} + \\text{height}": (
        [
            "\\boxed{\\text{height} + \\text{base}}",
        ],
        [],
    ),
    "3/8": (
        [
            "\\boxed{\\text{3 out of 8}}",
            "3 out of 8",
            "The answer is 3 in 8.",
        ],
        [
            "8 out of 3",
            "\\boxed{\\text{3 out of 9}}",
        ],
    ),
    "(1,2,3)+t(1,0,-1)": (
        [
            "\\boxed{(1,2,3)+s(1,0,-1)}",
        ],
        [],
    ),
    "(x,y,z)=(1,2,3)+t(1,0,-1)": (
        [
            "\\boxed{(x,y,z)=(1,2,3)+s(1,0,-1)}",
            "\\boxed{(x,y,z)=(1,2,3)+\\lambda(1,0,-1)}",
        ],
        [
            "\\boxed{(x,y,z)=(1,2,3)+t(1,0,1)}",
            "\\boxed{(x,y,z)=(1,2,3)+x(1,0,-1)}",
            "\\boxed{(x,y,z)=(1,2,3)}",
        ],
    ),
    "0011": (
        [
            "0011",
            "$0011$",
            "The answer is \\boxed{0011}.",
        ],
        [
            "11",
            "\\boxed{11}",
            "\\boxed{0b11}",
            "The answer is 011.",
            "\\boxed{3}",
        ],
    ),
    "00420": (
        [],
        [
            "420",
        ],
    ),
    "05": (
        [
            "5",
        ],
        [],
    ),
    "0.050": (
        [
            "\\boxed{0.05}",
        ],
        [],
    ),
    "0": (
        [
            "0",
        ],
        [],
    ),
    "1100": (
        [],
        [
            "0011",
        ],
    ),
    "0000": (
        [
            "0000",
        ],
        [
            "0",
        ],
    ),
    "\\inf A = 2, \\sup A = 7": (
        [
            "\\boxed{\\sup A = 7, \\inf A = 2}",
        ],
        [
            "\\boxed{\\inf A = 7, \\sup A = 2}",
        ],
    ),
    "\\min = 2": (
        [],
        [
            "\\boxed{\\max = 2}",
        ],
    ),
    "\\inf f = 0": (
        [],
        [
            "\\boxed{\\infty f = 0}",
        ],
    ),
    "(0,\\infty)": (
        [
            "\\boxed{(0,\\inf)}",
        ],
        [],
    ),
    "12 R 5": (
        [
            "\\boxed{12\\text{ R }5}",
            "\\boxed{12 \\text{ remainder of } 5}",
            "\\boxed{12\\,\\text{remainder}\\,5}",
            "12 r 5",
            "12 with a remainder of 5",
        ],
        [
            "\\boxed{12.5}",
            "\\boxed{60R}",
            "\\boxed{12 R}",
            "\\boxed{12 R 6}",
            "\\boxed{125}",
            "\\boxed{12 + 5}",
        ],
    ),
    "4r^2": (
        [],
        [
            "\\boxed{4 r 2}",
        ],
    ),
    "7r": (
        [
            "\\boxed{7r}",
        ],
        [],
    ),
    "14r": (
        [],
        [
            "\\boxed{7 r 2}",
        ],
    ),
    "I, II": (
        [
            "\\boxed{\\text{I, II}}",
            "\\boxed{\\text{I and II}}",
        ],
        [
            "\\boxed{\\text{II, III}}",
        ],
    ),
    "II only": (
        [
            "\\boxed{\\text{II only}}",
            "\\boxed{\\text{II}}",
        ],
        [
            "\\boxed{\\text{I only}}",
            "\\boxed{\\text{III only}}",
        ],
    ),
    "-7": (
        [
            "\\boxed{\\text{negative seven}}",
            "\\boxed{\\textbf{negative } 7}",
        ],
        [],
    ),
    "-\\frac{2}{3}": (
        [
            "negative two thirds",
            "\\boxed{\\text{minus }\\frac{2}{3}}",
        ],
        [
            "two thirds",
            "negative three halves",
        ],
    ),
    "-12": (
        [
            "negative twelve",
        ],
        [],
    ),
    "negative definite": (
        [
            "\\boxed{\\text{negative definite}}",
        ],
        [
            "positive definite",
        ],
    ),
    "positive": (
        [
            "\\boxed{\\text{positive}}",
        ],
        [
            "\\boxed{\\text{negative}}",
        ],
    ),
    "positive integers": (
        [
            "\\boxed{\\text{positive integers}}",
        ],
        [],
    ),
    "(a) 1/2 (b) 6 (c) 9": (
        [
            "\\boxed{\\text{(a) } \\frac12 \\text{ (b) } 6 \\text{ (c) } 9}",
            "\\boxed{(a) 1/2, (b) 6, (c) 9}",
        ],
        [
            "\\boxed{\\text{(a) } \\frac12 \\text{ (b) } 9 \\text{ (c) } 6}",
            "\\boxed{\\text{(a) } \\frac12 \\text{ (b) } 6}",
        ],
    ),
    "a=1, b=4": (
        [
            "\\boxed{\\begin{align*}a&=1\\\\b&=4\\end{align*}}",
            "\\boxed{\\begin{split}a&=1,\\\\ b&=4.\\end{split}}",
            "\\boxed{\\begin{aligned}&a=1\\\\&b=4\\end{aligned}}",
        ],
        [
            "\\boxed{\\begin{align*}a&=4\\\\b&=1\\end{align*}}",
            "\\boxed{\\begin{aligned}a&=1\\\\b&=4\\\\c&=5\\end{aligned}}",
        ],
    ),
    "7": (
        [
            "\\boxed{\\begin{aligned}x&=3+4\\\\&=7\\end{aligned}}",
        ],
        [
            "\\boxed{\\begin{aligned}x&=7\\\\y&=8\\end{aligned}}",
        ],
    ),
    "\\begin{aligned}x&=1\\\\y&=2\\end{aligned}": (
        [
            "x=1, y=2",
        ],
        [],
    ),
    "6'2\"": (
        [
            "\\boxed{74 \\text{ inches}}",
            "6 feet 2 inches",
            "\\boxed{6'2''}",
        ],
        [
            "62 inches",
            "6 feet 3 inches",
            "2 feet 6 inches",
        ],
    ),
    "f'(2)=3": (
        [
            "\\boxed{f'(2)=3}",
        ],
        [
            "f(2)=3",
        ],
    ),
    "f''(2)": (
        [
            "\\boxed{f''(2)}",
        ],
        [
            "\\boxed{f'(2)}",
        ],
    ),
    "\\frac{\\text{distance}}{\\text{time}}": (
        [
            "\\boxed{\\text{distance}/\\text{time}}",
            "\\boxed{\\text{distance} \\div \\text{time}}",
        ],
        [
            "\\boxed{\\frac{\\text{time}}{\\text{distance}}}",
            "\\boxed{\\text{distance} \\times \\text{time}}",
        ],
    ),
    "2\\text{length} + 2\\text{width}": (
        [],
        [
            "\\boxed{2\\text{length}+\\text{width}}",
            "\\boxed{2(\\text{length}+\\text{height})}",
        ],
    ),
    "1/4": (
        [
            "1 in 4",
            "one out of four",
            "\\boxed{\\text{1 out of 4}}",
        ],
        [
            "4 out of 1",
            "1 in 5",
            "one out of five",
        ],
    ),
    "3 in": (
        [
            "\\boxed{3 \\text{ in}}",
        ],
        [],
    ),
    "3/4": (
        [],
        [
            "3 in",
        ],
    ),
    "5 inches": (
        [
            "5 in",
        ],
        [],
    ),
    "(2,0)+\\lambda(1,1)": (
        [
            "\\boxed{(2,0)+t(1,1)}",
        ],
        [
            "\\boxed{(2,0)+t(1,2)}",
            "\\boxed{(2,t)+(1,1)}",
            "\\boxed{(0,2)+t(1,1)}",
        ],
    ),
    "\\max(a,b)": (
        [
            "\\boxed{\\max(b,a)}",
            "\\boxed{\\max\\{a,b\\}}",
        ],
        [
            "\\boxed{\\max(a,b,a+b)}",
            "\\boxed{\\frac{a+b-|a-b|}{2}}",
            "\\boxed{\\max(a,|b|)}",
            "\\boxed{\\max(a^2,b^2)}",
        ],
    ),
    "|x-2|+|x+2|": (
        [
            "\\boxed{|x+2|+|2-x|}",
            "\\boxed{|2+x|+|x-2|}",
        ],
        [
            "\\boxed{2x}",
            "\\boxed{|2x|}",
            "\\boxed{|x-2|+x+2}",
        ],
    ),
    "\\lfloor x \\rfloor + \\lfloor y \\rfloor": (
        [
            "\\boxed{\\lfloor y \\rfloor + \\lfloor x \\rfloor}",
        ],
        [
            "\\boxed{\\lfloor x+y \\rfloor}",
        ],
    ),
    "\\operatorname{sgn}(x)|x|": (
        [
            "\\boxed{x}",
        ],
        [
            "\\boxed{|x|}",
        ],
    ),
    "\\min(x,1)": (
        [],
        [
            "\\boxed{\\min(x,2)}",
            "\\boxed{x}",
            "\\boxed{1}",
        ],
    ),
    "three to one": (
        [],
        [
            "one to three",
        ],
    ),
    "3:1": (
        [
            "\\boxed{\\text{3 to 1}}",
            "\\boxed{3:1}",
        ],
        [
            "\\boxed{\\text{1 to 3}}",
            "\\boxed{\\text{31}}",
        ],
    ),
    "half past three": (
        [
            "\\boxed{\\text{half past three}}",
        ],
        [
            "\\boxed{\\text{half past four}}",
        ],
    ),
    "north-east": (
        [],
        [
            "\\boxed{\\text{north-west}}",
        ],
    ),
    "at least 5": (
        [
            "\\boxed{\\text{at least 5}}",
        ],
        [
            "\\boxed{\\text{at most 5}}",
            "\\boxed{\\text{more than 5}}",
        ],
    ),
    "x \\mapsto x+1": (
        [
            "\\boxed{x \\mapsto x+1}",
        ],
        [
            "\\boxed{x \\mapsto x-1}",
        ],
    ),
    "12 dozen": (
        [
            "\\boxed{144}",
        ],
        [
            "\\boxed{12}",
            "\\boxed{120}",
        ],
    ),
    "2 pairs": (
        [],
        [
            "\\boxed{3 \\text{ pairs}}",
        ],
    ),
    "ABCD is a square": (
        [],
        [
            "\\boxed{\\text{ABCD is a rhombus}}",
        ],
    ),
    "m/s": (
        [
            "\\boxed{\\text{m/s}}",
        ],
        [
            "\\boxed{\\text{s/m}}",
        ],
    ),
}
"""By gold: what must pay, and what must not."""


@pytest.mark.parametrize("gold", ROWS)
def test_words_and_signs_say_one_thing(gold: str) -> None:
    right, wrong = ROWS[gold]
    assert [text for text in right if not accepted(gold, text)] == []
    assert [text for text in wrong if accepted(gold, text)] == []
