"""What can be wrong with a call."""


class UsageError(Exception):
    """The call cannot be understood; the octets say why, without the program's name."""

    def __init__(self, message: bytes) -> None:
        super().__init__(message)
        self.message = message
