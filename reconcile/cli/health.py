"""`--health-url`: ask the application whether it is well once the rows are committed; what it says undoes nothing."""

import base64
import http.client
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlsplit

from reconcile.cli.version import TOOL_VERSION
from reconcile.endpoint import Answer
from reconcile.errors import ExitCode, Finding, ReconcileError, Severity

VARIABLE = "RECONCILE_HEALTH_URL"
TIMEOUT_S = 10.0
_FIRST_REDIRECT, _FIRST_BAD = 300, 400


def health_url(given: str | None, settings: Mapping[str, str]) -> str | None:
    """
    Give the URL to ask, the flag's or the variable's; None where neither is set.

    Raises:
        ReconcileError: it is none that can be asked; exit code 64, and the message does not repeat it.

    """
    url, origin = (given, "--health-url") if given else (settings.get(VARIABLE), VARIABLE)
    if not url:
        return None
    if why := _unusable(url):
        finding = Finding("the health URL cannot be used", origin, why, "write https://HOST/PATH")
        raise ReconcileError([finding], ExitCode.USAGE)
    return url


def ask(url: str, timeout_s: float = TIMEOUT_S) -> Answer:
    """
    Ask *url* with GET and give what came back; only an answer of the 200s is a good one.

    Redirects are not followed: a login page answers 200 too. Certificates are verified against the system's
    authorities. A user and a password in the URL go along as HTTP Basic authentication.
    """
    parts = urlsplit(url)
    request = urllib.request.Request(_bare(parts), headers=_headers(parts))  # noqa: S310 - http or https, see _unusable
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=ssl.create_default_context()))
    started = time.monotonic()
    try:
        with opener.open(request, timeout=timeout_s) as response:
            status, why = int(response.status), ""
    except urllib.error.HTTPError as error:
        status, why = error.code, _told(error.code)
        error.close()
    except (OSError, http.client.HTTPException) as error:
        return Answer(shown(url), None, time.monotonic() - started, _reason(error, timeout_s))
    except KeyboardInterrupt:  # ends the waiting only: what was committed is still to be reported
        return Answer(shown(url), None, time.monotonic() - started, "the asking was interrupted")
    return Answer(shown(url), status, time.monotonic() - started, why)


def warning(answer: Answer) -> Finding:
    """Say that the application is not well."""
    return Finding(
        what="the application is not healthy after the run",
        where=answer.url,
        why=str(answer),
        fix="look at the application's log; the rows are committed, `reconcile rollback` takes them back",
        severity=Severity.WARNING,
    )


def shown(url: str) -> str:
    """Give *url* as it may be shown: user, password, query and fragment may hold a secret."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    place = f"{host}:{parts.port}" if parts.port else host
    return f"{parts.scheme}://{place}{parts.path}{'?…' if parts.query else ''}"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: the redirect itself is the answer. Source: Python manual, "HTTPRedirectHandler Objects"."""

    def redirect_request(self, *_arguments: object, **_named: object) -> None:
        return None


def _unusable(url: str) -> str:
    """Say what is wrong with *url*; nothing where it can be asked."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return "it holds blanks or characters that a URL must escape"
    try:
        parts = urlsplit(url)
        is_complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "it does not read as a URL"
    if parts.scheme not in {"http", "https"}:
        return "it is neither http:// nor https://"
    return "" if is_complete else "it names no host or port that can be asked"


def _bare(parts: SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()


def _headers(parts: SplitResult) -> dict[str, str]:
    headers = {"User-Agent": f"reconcile/{TOOL_VERSION}", "Accept": "*/*"}
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    return headers


def _told(status: int) -> str:
    if _FIRST_REDIRECT <= status < _FIRST_BAD:
        return "it redirects; name the address that answers itself"
    name = http.client.responses.get(status)
    return f"the application says {name}" if name else "the application says that something is wrong"


def _reason(error: OSError | http.client.HTTPException, timeout_s: float) -> str:
    """Say why nothing came back, in words that hold no part of the URL."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    match cause:
        case TimeoutError():
            return f"it does not answer within {timeout_s:g} s"
        case ssl.SSLCertVerificationError():
            return f"its certificate does not hold: {cause.verify_message}"
        case ssl.SSLError():
            return f"no TLS: {cause.reason or 'the connection ended'}"
        case OSError() if cause.errno is not None:
            return os.strerror(cause.errno) if cause.errno > 0 else "its host name cannot be found"
        case _:
            return f"what came back is no HTTP ({type(cause).__name__})"
