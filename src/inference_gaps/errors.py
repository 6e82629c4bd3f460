"""Errors that a user can act on."""

__all__ = ["UserError"]


class UserError(Exception):
    """Something a user can mend; its message is one or two whole sentences.

    The message says what is wrong, in which key or file, and what to write or do instead.
    The command line prints it without a traceback and exits with status 1.
    """
