"""The wrapper of a calculator: shell text that greets, and that beats while the calculator runs.

It runs on the node, so it is text for any POSIX shell, without newlines: these would cost one more
shell (see ``launch``). It greets by writing a token on standard output. Then it runs the calculator
in the foreground, with the standard input of the wrapper. A loop in the background writes the token
on standard error again and again.

The loop ends what is left of the process group when a beat cannot be written, when the wrapper is
gone, or when the link is. A write does not tell that a link is cut: the octets wait in a buffer.
But under ssh the system knows: it has sent a beat again and again, and nobody acknowledges it.
Linux shows that in ``/proc/net/tcp``, and ``SSH_CONNECTION`` tells which line to read there.
"""

from __future__ import annotations

from typing import NamedTuple, final

from paexec_trio.core.silence import MISSED

GROUP_GRACE = 2
"""Seconds from SIGTERM to SIGKILL for the process group of a calculator whose link is gone."""

GREETER = b'echo "$1"; shift; exec "$@"'
"""The wrapper without beats: nothing of it is left when the calculator runs."""

# A line of /proc/net/tcp: number, local and remote address and port, state (01: established), two
# queues, timer, how often the oldest octets were sent again in vain, user, and how many probes are
# unanswered: without a route nothing is sent, and only these are counted. Lines with other ports
# than ours, in another state, sent again or with several probes do not match.
_LINK = (
    b"l=; set -- $SSH_CONNECTION; case $# in 4) "
    b'l=":$(printf %%04X $4) [0-9A-F]*:$(printf %%04X $2) 01 [0-9A-F:]* [0-9A-F:]* 00000000 '
    b' *[0-9][0-9]*  *[01] "; '
    b'grep -qs "$l" $f || l=;; esac; '
)

# A trap that does nothing lets a write fail that would otherwise end the shell. The one of SIGTERM
# ends the sleep as well, which would hold nothing, but be left. Fractions are not for every sleep.
LOOP = (
    b"trap : PIPE; trap 'kill $!; exit' TERM; "
    b'f="/proc/net/tcp /proc/net/tcp6"; m=0; ' + _LINK + b'while kill -0 $$ && echo "$n"; do '
    b'sleep "$i" >/dev/null & wait $! || sleep 1 >/dev/null; '
    b'case $l in ?*) if grep -qs "$l" $f; then m=0; else m=$((m+1)); fi;; esac; '
    b"case $m in %(missed)d) break;; esac; done; "
    b"trap '' TERM; kill -s TERM 0; sleep %(grace)d >/dev/null; kill -s KILL 0"
)

# The shell's own messages, such as "Killed", go nowhere. The subshell keeps dash from writing them
# where the calculator's standard error is.
BEATER = (
    b'exec %(spare)d>&2 2>/dev/null; n=$1 i=$2; shift 2; echo "$n"; '
    b"(%(loop)b) </dev/null >&%(spare)d %(spare)d>&- & b=$!; "
    b'(exec "$@" 2>&%(spare)d %(spare)d>&-); s=$?; kill $b; exit $s'
)


@final
class Wrapper(NamedTuple):
    """The wrapper of the calculators of a run.

    Attributes:
        token: the text that greets and beats, which no calculator can know.
        interval: the seconds between two beats; 0: there are none.
        spare: a descriptor of 3 to 9 that calculators do not inherit.
    """

    token: bytes
    interval: float = 0.0
    spare: int = 9

    def wrap(self, calculator: list[bytes]) -> list[bytes]:
        """Return the words that start a calculator within the wrapper."""
        if not self.interval:
            return [b"/bin/sh", b"-c", GREETER, b"sh", self.token, *calculator]
        loop = LOOP % {b"missed": MISSED, b"grace": GROUP_GRACE}
        text = BEATER % {b"spare": self.spare, b"loop": loop}
        interval = b"%f" % self.interval if self.interval % 1 else b"%d" % self.interval
        return [b"/bin/sh", b"-c", text, b"sh", self.token, interval, *calculator]
