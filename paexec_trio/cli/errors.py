"""Errors of usage."""

from paexec_trio.core.visible import diagnostic


class UsageError(Exception):
    """The call cannot be understood; the octets say why, without the program's name.

    Args:
        template: what to print, with ``%b`` where the texts stand.
        foreign: what the user wrote; it is shown in visible form and cut.
        status: the exit status (OPT-020, EXE-044).
    """

    def __init__(self, template: bytes, *foreign: bytes, status: int = 1) -> None:
        self.message = diagnostic(template, *foreign)
        super().__init__(self.message)
        self.status = status


def invalid(option: str, value: bytes, expected: bytes) -> UsageError:
    """Return the error of an option whose value is impossible."""
    text = b"invalid argument for option %b: '%b'; expected %b"
    return UsageError(text, option.encode(), value, expected)


def refuse_newline(key: bytes, text: bytes) -> None:
    """Raise ``UsageError`` if a text of ``-m`` that stands for one line holds a newline (OPT-060).

    Args:
        key: the key of ``-m``.
        text: its text.
    """
    if key in {b"s", b"f", b"F", b"w"} and b"\n" in text:
        raise UsageError(b"the text of -m%b= must not contain a newline: '%b'", key, text)


def is_lack_of_memory(error: ImportError) -> bool:
    """Return whether a module was not loaded because there is no room for its machine code.

    The dynamic linker tells that by words alone; Python makes no ``MemoryError`` of it.
    """
    return any(words in str(error) for words in _WORDS_OF_LINKERS)


_WORDS_OF_LINKERS = ("failed to map segment", "annot allocate memory")
