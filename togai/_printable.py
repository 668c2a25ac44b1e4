"""Text from the service, made safe to show to a person."""

from __future__ import annotations


def printable(text: object) -> str:
    r"""Text on one line, without anything that moves a cursor, hides or reorders other text.

    Control characters, line breaks, bidirectional controls, lone surrogates and other characters that are not
    printable are written as escapes, such as `\x1b`.

    Args:
        text: Text that the service sent.

    Returns:
        The printable text; the same text if all of it is printable.
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in shown
    )
