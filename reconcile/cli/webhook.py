"""Tell somebody over HTTP. The URL may hold a token: it is in no output, whatever goes wrong."""

from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from reconcile.errors import ExitCode, Finding, ReconcileError, Severity

TIMEOUT_S = 10.0
VARIABLE = "RECONCILE_DRIFT_WEBHOOK"


class _NoRedirect(HTTPRedirectHandler):
    """A POST that is redirected arrives elsewhere as a GET without its body; here it fails and is told."""

    def redirect_request(self, *_arguments: object) -> None:
        """Follow nothing."""


def check_webhook(url: str | None, origin: str) -> None:
    """
    Look, before anything is read, whether *url* can be sent to; None asks for nothing.

    Raises:
        ReconcileError: it is no URL of HTTP; exit code 64.

    """
    if url is None:
        return
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
        is_usable = is_usable and (parts.port is None or parts.port > 0) and url.isascii() and url.isprintable()
    except ValueError:
        is_usable = False
    if not is_usable or " " in url:
        finding = Finding(
            what="the webhook cannot be used",
            where=origin,
            why="it is no http:// or https:// URL; it is not repeated here, since it may hold a token",
            fix="write https://HOST/PATH, without user and password, other characters as %XX",
        )
        raise ReconcileError([finding], ExitCode.USAGE)


def send(url: str, origin: str, body: str, timeout_s: float = TIMEOUT_S) -> list[Finding]:
    """
    POST *body* as JSON.

    Returns:
        Nothing, or a warning that says why it did not arrive.

    """
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "reconcile"}
    request = Request(url, data=body.encode(), headers=headers, method="POST")  # noqa: S310 - see check_webhook
    try:
        with build_opener(_NoRedirect).open(request, timeout=timeout_s):
            return []
    except HTTPError as error:
        error.close()
        return [_not_sent(origin, f"the server answered {error.code}")]
    except TimeoutError:
        return [_not_sent(origin, f"no answer within {timeout_s:g} s")]
    except URLError as error:
        is_late = isinstance(error.reason, TimeoutError)
        return [_not_sent(origin, f"no answer within {timeout_s:g} s" if is_late else _reason(error.reason))]
    except (OSError, HTTPException, ValueError) as error:
        return [_not_sent(origin, _reason(error))]


def _reason(error: object) -> str:
    """Name what went wrong without the message of an error, which may repeat the URL."""
    told = error.strerror if isinstance(error, OSError) else None
    return told or type(error).__name__


def _not_sent(origin: str, why: str) -> Finding:
    return Finding(
        what="the webhook was not told",
        where=origin,
        why=why,
        fix="check the URL and that this machine reaches it; the exit code says what was found all the same",
        severity=Severity.WARNING,
    )
