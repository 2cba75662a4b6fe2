"""Which letters hold a text: an index beside the database that can be thrown away. Floor 2.

letters     what is kept of a letter: its folded text
index       candidates by their pieces, confirmed by the text itself: never a wrong answer
fulltext    one index for each account, opened when it is asked
filling     after deliveries, in the background

A letter is known here by its content id, so an account's copies share it. What is not indexed yet is said to be
unknown, and is read instead.
"""

from postel.fulltext.filling import Filler
from postel.fulltext.fulltext import FullText
from postel.fulltext.index import Found
from postel.fulltext.letters import Field, LetterText, Place

__all__ = ["Field", "Filler", "Found", "FullText", "LetterText", "Place"]
