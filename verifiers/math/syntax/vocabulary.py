"""The words of mathematics: commands, functions, and what each is to the reader."""

from __future__ import annotations

from veritune.verifiers.math.text.strings import names

BARE_COMMANDS = names(
    "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth sech csch asin acos atan "
    "arcsinh arccosh arctanh ln log lg exp sqrt cbrt abs floor ceil gcd lcm max min det binom mod sgn cis pi theta "
    "alpha beta gamma delta epsilon lambda mu sigma omega phi rho tau infty infinity inf oo and or union in to"
)
"""Words that are commands also without a backslash."""
KEEP_WORDS = names(
    "am pm ft cm mm km kg mg ml hr hrs min sec yes no all odd the for is are of if not day mph mi lb lbs oz yd deg "
    "rad pct per sq cu any but mol pts kph gal so we it he one two six ten red usd dne"
)
"""Short words that are words, not products of letters."""
UNIT_WORDS = frozenset(
    prefix + unit
    for prefix in ("", "k", "M", "G", "m", "c", "n", "T", "d")
    for unit in ("eV", "Hz", "Pa", "Wh", "J", "N", "W", "V", "A", "L")
    if len(prefix + unit) > 1
) | names("nm ms ns pm")
"""Units behind a number that are no products of letters; the small ones only where a space stands before them."""
UNIT_LIKE = names("mg ml km cm mm kg mi lb")
"""Units that are as well a product of letters: ``mg sin θ``."""
AMBIGUOUS = names("in min sec deg")
"""Commands that are units behind a number."""
GLUED = ("qquad", "quad")
"""Commands that are often glued to the letter that follows."""
ALIASES = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "tg": "tan",
    "ctg": "cot",
    "cotan": "cot",
    "cosec": "csc",
    "arctg": "arctan",
    "arcctg": "arccot",
    "infinity": "infty",
    "inf": "infty",
    "oo": "infty",
    "union": "cup",
    "dfrac": "frac",
    "tfrac": "frac",
    "cfrac": "frac",
    "dbinom": "binom",
    "tbinom": "binom",
    "leq": "le",
    "geq": "ge",
    "leqslant": "le",
    "geqslant": "ge",
    "leqq": "le",
    "geqq": "ge",
    "lt": "<",
    "gt": ">",
    "neq": "ne",
    "ast": "*",
    "star": "*",
    "cdotp": "cdot",
    "bullet": "cdot",
    "over": "/",
    "varnothing": "emptyset",
    "varepsilon": "epsilon",
    "varphi": "phi",
    "vartheta": "theta",
    "land": "and",
    "wedge": "and",
    "lor": "or",
    "vee": "or",
    "vert": "|",
    "lvert": "|",
    "rvert": "|",
    "mid": "|",
    "backslash": "setminus",
    "smallsetminus": "setminus",
    "colon": ":",
    "degree": "circ",
    "degrees": "circ",
    "lbrack": "[",
    "rbrack": "]",
    "lparen": "(",
    "rparen": ")",
    "lbrace": "\\{",
    "rbrace": "\\}",
    "sim": "approx",
    "simeq": "approx",
    "thickapprox": "approx",
    "approxeq": "approx",
    "doteq": "approx",
    "imath": "i",
    "rightarrow": "to",
    "longrightarrow": "to",
    "lVert": "||",
    "rVert": "||",
    "Vert": "||",
    "dots": "ldots",
    "cdots": "ldots",
    "dotsc": "ldots",
    "dotsb": "ldots",
    "dotsm": "ldots",
    "lg": "log10",
    "bigcup": "cup",
    "bigcap": "cap",
    "percent": "%",
    "times": "*",
    "cdot": "*",
    "div": "/",
    "le": "<=",
    "ge": ">=",
    "ne": "!=",
    "le=": "<=",
}
"""Other spellings of one command or sign."""
FUNCTIONS = names(
    "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth sech csch arcsinh "
    "arccosh arctanh ln log log10 exp abs floor ceil mod sgn cis Re Im arg cbrt Gamma"
)
"""Functions of one argument."""
OPERATORS = names(
    "sum prod int iint iiint oint lim limsup liminf gcd lcm max min sup inf det deg Pr partial nabla coprod bmod "
    "pmod frac_d dim ker tr rank Var Cov"
)
"""Commands that ask for work: their presence is the question given back."""
CONSTANTS = {"pi": "pi", "infty": "oo", "emptyset": "emptyset", "infinity": "oo"}
GREEK = names(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega ell hbar"
)
RELATIONS = names("= < > <= >= != in notin approx equiv subset subseteq to")
MARKS = names("angle triangle vec overrightarrow hat bar overline widehat tilde measuredangle")
STARTERS = frozenset(["(", "[", "\\{", "{", "|"])
MATRICES = names("matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix array tabular")
ALIGNED = names("align aligned gather gathered equation split cases eqnarray multline")
INVERSE = {
    "sin": "arcsin",
    "cos": "arccos",
    "tan": "arctan",
    "cot": "arccot",
    "sec": "arcsec",
    "csc": "arccsc",
    "sinh": "arcsinh",
    "cosh": "arccosh",
    "tanh": "arctanh",
}
LEADING = frozenset(
    [
        "approximately",
        "about",
        "exactly",
        "roughly",
        "is",
        "the answer is",
        "answer",
        "the answer",
        "answer is",
        "the final answer is",
        "therefore",
        "so",
        "thus",
        "hence",
        "approx",
        "around",
        "for",
        "all",
        "for all",
        "when",
        "x is",
        "either",
        "both",
        "usd",
        "a total of",
        "rs",
    ]
)
"""Words that may stand before a value and say nothing."""
BASES = {
    name: str(base)
    for base, name in enumerate(["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], start=2)
} | {"twelve": "12", "sixteen": "16"}
"""Bases written as words in a subscript."""
