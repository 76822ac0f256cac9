"""Whether a task that is added to the value of ``-c`` is an argument of a command (EXE-053).

The text is read by the rules of the POSIX shell and the extensions that most shells share. An
incomplete command line, such as one with an open quote, gets no answer: the shell will refuse it.
"""

from __future__ import annotations

import re
from typing import NamedTuple, final

NO_COMMAND = b"ends where a command begins"
IN_COMMENT = b"ends in a comment"
IN_DOCUMENT = b"ends in a here-document"

_TOKEN = re.compile(
    rb"""(?P<comment>    \# [^\n]* )
       | (?P<blank>      [ \t]+ )
       | (?P<continued>  \\\n )
       | (?P<newline>    \n )
       | (?P<double>     " )
       | (?P<arithmetic> \$?\(\( )
       | (?P<braces>     \$\{ )
       | (?P<commands>   [$<>]\( | ` )
       | (?P<group>      \( )
       | (?P<document>   <<-?(?!<) )
       | (?P<redirect>   <<< | &>>? | [<>]& | <> | >[>|]? | < )
       | (?P<end>        [;&|)]+ )
       | (?P<word>       \$'(?:[^'\\]|\\.)*' | '[^']*' | \\. | [^\s\\'"`$()<>;&|]+ | . )""",
    re.DOTALL | re.VERBOSE,
)
_SKIPPED = re.compile(rb"\\.|[^\\'\"`$(){}]+", re.DOTALL)
_ASSIGNMENT = re.compile(rb"[A-Za-z_]\w*\+?=", re.ASCII)
_DELIMITER = re.compile(rb"""(?:[^\s\\'"`();<>&|]|\\.|'[^']*'|"[^"]*")+""", re.DOTALL)
_QUOTES = re.compile(rb"""\\(.)|['"]""", re.DOTALL)
_MORE_THAN_ONE_WORD = set(b" \t\n#;&|<>=!()")


class _NotWholeError(ValueError):
    """A quote or a bracket is open, so the command line is incomplete."""


def without_end(text: bytes) -> bytes:
    """Return the value of ``-c`` as a task can be added to it (EXE-005, EXE-052).

    Newlines at its end, and a backslash there, would part it from the task or change the task.
    """
    text = text.rstrip(b"\n")
    backslashes = len(text) - len(text.rstrip(b"\\"))
    return text[:-1] if backslashes % 2 else text


def why_no_argument(text: bytes) -> bytes:
    """Return why a task at the end is no argument; nothing if it is one, or ``#`` leaves it out."""
    if text and not _MORE_THAN_ONE_WORD & set(text):
        return b""
    if text.split()[-1:] == [b"#"]:
        return b""
    try:
        return _Commands(_Text(text), b"").read()
    except (_NotWholeError, RecursionError):
        return b""


@final
class _Text:
    """A text, and how far it was read."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.position = 0

    def next_token(self) -> tuple[str, bytes]:
        """Read a token; return its kind and its octets."""
        match = _TOKEN.match(self.octets, self.position)
        if match is None:
            raise _NotWholeError
        self.position = match.end()
        return match.lastgroup or "", match[0]

    def take(self, closing: bytes) -> bool:
        """Read these octets if they are next."""
        is_next = self.octets.startswith(closing, self.position)
        self.position += len(closing) * is_next
        return is_next

    def skip_document(self, document: _Document) -> None:
        """Read a here-document, and the newline after it or a position beyond the text."""
        while self.position < len(self.octets):
            end = self.octets.find(b"\n", self.position)
            end = len(self.octets) if end < 0 else end
            line = self.octets[self.position : end]
            self.position = end + 1
            if (line.lstrip(b"\t") if document.strips_tabs else line) == document.delimiter:
                return

    def skip_quoted(self, closing: bytes, *, single_quotes: bool) -> None:
        """Read up to the end of double quotes, of a parameter's braces or of arithmetic."""
        while not self.take(closing):
            match = _SKIPPED.match(self.octets, self.position)
            if match:
                self.position = match.end()
            elif self.take(b"${"):
                self.skip_quoted(b"}", single_quotes=single_quotes)
            elif self.take(b"$(("):
                self.skip_quoted(b"))", single_quotes=False)
            elif self.take(b"$("):
                _Commands(self, b")").read()
            elif self.take(b"`"):
                _Commands(self, b"`").read()
            elif closing == b"))" and self.take(b"("):
                self.skip_quoted(b")", single_quotes=False)
            elif closing != b'"' and self.take(b'"'):
                self.skip_quoted(b'"', single_quotes=False)
            elif single_quotes and self.take(b"'"):
                self.position = self.octets.find(b"'", self.position) + 1 or len(self.octets)
            elif self.position < len(self.octets):
                self.position += 1
            else:
                raise _NotWholeError


class _Document(NamedTuple):
    delimiter: bytes
    strips_tabs: bool


@final
class _Commands:
    """Reads the commands between brackets, or those of the whole text."""

    def __init__(self, text: _Text, closing: bytes) -> None:
        self._text = text
        self._closing = closing
        self._word_began = -1
        self._has_command = False
        self._target_follows = False
        self._documents: list[_Document] = []
        self._ends_in = b""

    def read(self) -> bytes:
        """Read up to the closing bracket; return why a task there is no argument, or nothing.

        Raises:
            _NotWholeError: there is none.
        """
        text = self._text
        while text.position < len(text.octets):
            if self._closing and text.take(self._closing):
                return b""
            begin = text.position
            kind, token = text.next_token()
            self._ends_in = b""
            self._take_in(kind, token, begin)
        if self._closing:
            raise _NotWholeError
        self._end_word(text.position)
        if self._ends_in:
            return self._ends_in
        return b"" if self._has_command or self._target_follows else NO_COMMAND

    def _take_in(self, kind: str, token: bytes, begin: int) -> None:
        in_word = self._word_began >= 0
        if kind == "comment" and in_word:
            self._text.position = begin + 1  # no comment begins within a word
        elif kind == "comment":
            self._ends_in = IN_COMMENT
        elif kind == "redirect" or kind == "document":
            self._redirect(kind, token, begin)
        elif kind in {"blank", "newline", "end"}:
            self._end_word(begin)
            self._has_command &= kind == "blank"
            if kind == "newline":
                self._skip_documents()
        elif kind == "group" and not in_word:
            _Commands(self._text, b")").read()
            self._has_command = True  # the shell refuses anything that follows
        elif kind != "continued":
            if not in_word:
                self._word_began = begin
            self._skip_rest_of(kind, token)

    def _skip_rest_of(self, kind: str, token: bytes) -> None:
        if kind == "double":
            self._text.skip_quoted(b'"', single_quotes=False)
        elif kind == "braces":
            self._text.skip_quoted(b"}", single_quotes=True)
        elif kind == "arithmetic":
            self._text.skip_quoted(b"))", single_quotes=False)
        elif kind == "commands" or kind == "group":
            _Commands(self._text, b"`" if token == b"`" else b")").read()
        elif token in {b"'", b"\\"}:
            raise _NotWholeError

    def _end_word(self, end: int) -> None:
        began, self._word_began = self._word_began, -1
        if began < 0:
            return
        word = self._text.octets[began:end]
        if self._target_follows:
            self._target_follows = False
        elif word != b"!" and not _ASSIGNMENT.match(word):
            self._has_command = True

    def _redirect(self, kind: str, token: bytes, begin: int) -> None:
        text = self._text
        if text.octets[self._word_began : begin].isdigit():
            self._word_began = -1  # the number of a descriptor
        self._end_word(begin)
        if kind == "redirect":
            self._target_follows = True
            return
        while text.take(b" ") or text.take(b"\t"):
            pass
        match = _DELIMITER.match(text.octets, text.position)
        if match:
            text.position = match.end()
            delimiter = _QUOTES.sub(lambda quote: quote[1] or b"", match[0])
            self._documents.append(_Document(delimiter, strips_tabs=token == b"<<-"))

    def _skip_documents(self) -> None:
        documents, self._documents = self._documents, []
        for document in documents:
            self._text.skip_document(document)
            self._ends_in = IN_DOCUMENT if self._text.position > len(self._text.octets) else b""
