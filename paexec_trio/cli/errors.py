"""What can be wrong with a call."""


class UsageError(Exception):
    """The call cannot be understood; the octets say why, without the program's name.

    Args:
        message: what to print.
        status: the exit status (OPT-020, EXE-044).
    """

    def __init__(self, message: bytes, status: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
