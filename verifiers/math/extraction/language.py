"""What is known of one language: a row of words for each way to say, deny or doubt an answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """One language's words, separated by ``|``. Spaced: matched as whole words."""

    subjects: str
    """What "the answer" is called."""
    links: str
    """What stands between the subject and its value. Empty: nothing has to."""
    denials: str = ""
    """Between subject and value, or right before the value: it is not the value, or not near it."""
    hedges: str = ""
    """It may be the value."""
    wrong: str = ""
    """What is said of a value that is not the answer."""
    suppositions: str = ""
    """Before the subject: what follows is only supposed, asked or wished."""
    hearsay: str = ""
    """Others say, think or claim it."""
    comments: str = ""
    """Words that begin a clause which comments on the value and is no part of it."""
    concessions: str = ""
    """Words that begin a clause which concedes, denies or explains, in a sentence whose other clauses assert."""
    verbs: str = ""
    """Finite verbs: a stretch behind a comma that holds one is a clause."""
    tails: str = ""
    """What may end the sentence behind the value: です, 입니다, है."""
    retractions: str = ""
    """Beginnings of a later sentence that take the answer back."""
    spaced: bool = True
    trailing: bool = False
    """The denial may follow the value: 答えは42ではない."""
