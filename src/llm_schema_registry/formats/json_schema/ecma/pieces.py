"""A translated pattern before its groups are numbered."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Open:
    """The start of a capturing group."""

    group: int


@dataclass(frozen=True, slots=True)
class Close:
    """The end of a capturing group."""

    group: int


@dataclass(frozen=True, slots=True)
class Back:
    """A backreference; `sure` if its group has always matched before."""

    group: int
    sure: bool


Piece = str | Open | Close | Back
"""Text of the engine, or what depends on how groups are numbered."""


def rendered(pieces: list[Piece]) -> str:
    """The text of pieces. Only groups that are referred to capture.

    To the engine a group that has not matched matches nothing, to ECMA-262 the empty string: behind such a group
    stands an empty one, which has matched if the group has.
    """
    sure = {piece.group: True for piece in pieces if isinstance(piece, Back)}
    for piece in pieces:
        if isinstance(piece, Back) and not piece.sure:
            sure[piece.group] = False
    numbers: dict[int, int] = {}
    count = 0
    text: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            text.append(piece)
        elif isinstance(piece, Open):
            capturing = piece.group in sure
            if capturing:
                count += 1
                numbers[piece.group] = count
            text.append("(?:" if not capturing else "(" if sure[piece.group] else "(?:(")
        elif isinstance(piece, Close):
            guarded = not sure.get(piece.group, True)
            count += guarded
            if guarded:
                numbers[-piece.group] = count
            text.append(")())" if guarded else ")")
        elif sure[piece.group]:
            text.append(f"(?:\\{numbers[piece.group]})")
        else:
            captured, matched = numbers[piece.group], numbers[-piece.group]
            text.append(f"(?:\\{matched}\\{captured}|(?!\\{matched}))")
    return "".join(text)
