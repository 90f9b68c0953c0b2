"""Writing to standard output, where the reader may leave at any time (`| head`)."""

import os
import sys


def write(text: str | bytes) -> None:
    """Write to standard output now; bytes as they are. A reader that has left is no error: nobody is left to tell."""
    try:
        if isinstance(text, bytes):
            sys.stdout.buffer.write(text)
        else:
            sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered must not raise again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
