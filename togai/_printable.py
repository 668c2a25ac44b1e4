"""Text from the service and arguments of callers, made safe to show to a person."""

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


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun, such as 1 event, 2,000 events."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def printable_name(name: str) -> str:
    """The first 100 characters of a name from a response, on one line."""
    return printable(name[:100])[:100]


_LONGEST = 80


def shown(value: object) -> str:
    """The start of the repr of an argument, for the message of an error.

    Args:
        value: Any object, also one without a repr, such as a number of more than 4,300 digits.
    """
    try:
        text = printable(repr(value))
    except Exception:  # noqa: BLE001  (the class may be the caller's)
        return f"<{type(value).__name__}>"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def shown_setting(value: object) -> str:
    """A setting of a client, for the message of an error: a number, otherwise only its type.

    Args:
        value: Any object, also a token that was passed in place of another setting.
    """
    return shown(value) if isinstance(value, int | float) else f"<{type(value).__name__}>"
