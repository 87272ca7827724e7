"""The command line as others on the machine read it in the process list."""

import sys

from reconcile.masking import shown_words


def hide_passwords() -> bool:
    """
    Take passwords and URLs that may hold a token out of this process's title, and say whether there were any.

    They stood there since the process began: what is in the environment never does. Source: Linux manual, proc(5),
    /proc/PID/cmdline; every account may read it.
    """
    shown = shown_words(sys.orig_argv)
    if shown == sys.orig_argv:
        return False
    from setproctitle import setproctitle

    setproctitle(" ".join(shown))
    return True
