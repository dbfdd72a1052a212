"""Foreign text on a terminal."""


def printable(text: str) -> str:
    """`text` with control characters written out: names and messages from elsewhere must not drive the terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
