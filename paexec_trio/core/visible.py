r"""Foreign octets in diagnostics: visible, and not too many of them (SEC-002, SEC-003).

Whatever did not come from this program is foreign: tasks, names, input, values of options, paths.
A terminal obeys some of these octets, so a diagnostic shows them as a C program writes them:
``\n``, ``\r``, ``\t``, and ``\033`` for any other, in octal. Printable text in UTF-8 stays as it
is, and so does a backslash, because people read the text.
"""

from __future__ import annotations

MOST_OCTETS = 200
"""Octets of one foreign text that a diagnostic shows."""

_LONGEST_CHARACTER = 4
"""Octets of a character in UTF-8."""

_SHORT = {"\n": b"\\n", "\r": b"\\r", "\t": b"\\t"}


def visible(octets: bytes) -> bytes:
    """Return a whole text in visible form; one that is visible already stays the same."""
    text = octets.decode("utf-8", "surrogateescape")
    if text.isprintable():
        return octets
    return b"".join([_shown(character) for character in text])


def _shown(character: str) -> bytes:
    octets = character.encode("utf-8", "surrogateescape")
    if character.isprintable():
        return octets
    return _SHORT.get(character) or b"".join([b"\\%03o" % octet for octet in octets])


def excerpt(octets: bytes) -> bytes:
    """Return a text in visible form, cut after 200 octets; the number of those left out follows."""
    if len(octets) <= MOST_OCTETS:
        return visible(octets)
    shown = b""
    for character in octets[: MOST_OCTETS + _LONGEST_CHARACTER].decode("utf-8", "surrogateescape"):
        whole = character.encode("utf-8", "surrogateescape")
        if len(shown) + len(whole) > MOST_OCTETS:
            break
        shown += whole
    return visible(shown) + b"...(%d more octets)" % (len(octets) - len(shown))


def diagnostic(template: bytes, *foreign: bytes | float) -> bytes:
    """Return the text of a diagnostic.

    Args:
        template: our own words, with ``%b``, ``%d`` or ``%g`` where texts and numbers stand.
        foreign: numbers, and texts that are shown in visible form and cut.
    """
    if not foreign:
        return template
    return template % tuple(
        [excerpt(item) if isinstance(item, bytes) else item for item in foreign]
    )
