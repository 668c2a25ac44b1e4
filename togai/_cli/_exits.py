"""The exit codes, for scripts to act on."""

DONE, SOME_FAILED, REFUSED, OPEN, UNKNOWN, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
