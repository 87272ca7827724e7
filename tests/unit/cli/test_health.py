"""What `--health-url` asks and says; the application is a server of our own on the loopback address."""

import base64
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from reconcile.cli.health import ask, health_url, shown
from reconcile.errors import ExitCode, ReconcileError
from tests.unit.cli.shell import Shell

pytestmark = pytest.mark.enable_socket

SMALL = ("--state", "tests.unit.cli.club", "--force")


class Application(ThreadingHTTPServer):
    """Answers with the status that the path names, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Endpoint)
        self.asked: list[tuple[str, str | None]] = []
        self.released = threading.Event()

    def handle_error(self, *_: object) -> None:
        """Say nothing: a client that ends a handshake is what a test wants."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Endpoint(BaseHTTPRequestHandler):
    server: Application

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Authorization"]))
        word = self.path.split("?")[0].strip("/")
        if word == "silence":
            self.server.released.wait(10)
            return
        if word == "noise":
            self.wfile.write(b"no HTTP at all\r\n")
            return
        self.send_response(int(word))
        if word == "302":
            self.send_header("Location", "/200")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def application() -> Iterator[Application]:
    with Application() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.released.set()
        server.shutdown()


@pytest.mark.parametrize("status", [200, 204])
def test_an_answer_of_the_200s_is_good(application: Application, status: int) -> None:
    answer = ask(f"{application.url}/{status}")

    assert (answer.is_healthy, answer.status) == (True, status)
    assert re.fullmatch(rf"{status} after \d+\.\d s", str(answer))


@pytest.mark.parametrize(
    ("path", "status", "why"),
    [
        ("503", 503, "the application says Service Unavailable"),
        ("404", 404, "the application says Not Found"),
        ("302", 302, "it redirects; name the address that answers itself"),
        ("599", 599, "the application says that something is wrong"),
        ("noise", None, "what came back is no HTTP (BadStatusLine)"),
    ],
)
def test_any_other_answer_is_a_bad_one(application: Application, path: str, status: int | None, why: str) -> None:
    answer = ask(f"{application.url}/{path}")

    assert (answer.is_healthy, answer.status, answer.why) == (False, status, why)
    assert len(application.asked) == 1


def test_who_does_not_answer_is_not_waited_for(application: Application) -> None:
    answer = ask(f"{application.url}/silence", timeout_s=0.1)

    assert (answer.status, answer.why) == (None, "it does not answer within 0.1 s")


def test_nobody_there_is_a_bad_answer() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets it, and nobody answers
        answer = ask(f"http://127.0.0.1:{taken.getsockname()[1]}/health")

    assert (answer.status, answer.why) == (None, "Connection refused")


def test_who_speaks_no_tls_is_refused(application: Application) -> None:
    answer = ask(f"{application.url.replace('http', 'https')}/200", timeout_s=2)

    assert (answer.is_healthy, answer.why[:8], application.asked) == (False, "no TLS: ", [])


def test_a_certificate_that_nobody_vouches_for_is_refused(application: Application, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "own.pem"))
    application.socket = context.wrap_socket(application.socket, server_side=True, do_handshake_on_connect=False)

    answer = ask(f"{application.url.replace('http', 'https')}/200", timeout_s=5)

    assert (answer.why, application.asked) == ("its certificate does not hold: self-signed certificate", [])


def self_signed(file: Path) -> Path:
    """Write a key and its own certificate for the loopback address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
    return file


def test_user_and_password_go_along_and_are_not_shown(application: Application) -> None:
    url = application.url.replace("http://", "http://me:s%40cret@") + "/200?token=canary#canary"

    answer = ask(url)

    login = base64.b64encode(b"me:s@cret").decode()
    assert application.asked == [("/200?token=canary", f"Basic {login}")]
    assert answer.url == f"{application.url}/200?…"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://erp.example.com/health", "https://erp.example.com/health"),
        ("https://u:canary@erp.example.com:8443/h?canary", "https://erp.example.com:8443/h?…"),
        ("http://u@[::1]:80/", "http://[::1]:80/"),
    ],
)
def test_what_may_hold_a_secret_is_not_shown(url: str, expected: str) -> None:
    assert shown(url) == expected


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://canary@host/", "it is neither http:// nor https://"),
        ("file:///etc/passwd?canary", "it is neither http:// nor https://"),
        ("https://", "it names no host or port that can be asked"),
        ("https://host:canary/", "it does not read as a URL"),
        ("https://host:0/canary", "it names no host or port that can be asked"),
        ("https://host/a canary", "it holds blanks or characters that a URL must escape"),
        ("https://host/\ncanary", "it holds blanks or characters that a URL must escape"),
    ],
)
def test_a_url_that_cannot_be_asked_is_refused_unrepeated(url: str, why: str) -> None:
    with pytest.raises(ReconcileError) as refused:
        health_url(url, {})

    (finding,) = refused.value.findings
    assert (refused.value.exit_code, finding.why) == (ExitCode.USAGE, why)
    assert "canary" not in str(finding)


def test_the_flag_comes_before_the_variable() -> None:
    settings = {"RECONCILE_HEALTH_URL": "https://variable/"}

    assert health_url("https://flag/", settings) == "https://flag/"
    assert health_url(None, settings) == "https://variable/"
    assert health_url(None, {}) is None


def test_apply_reports_a_good_answer(application: Application, shell: Shell) -> None:
    told = shell("apply", *SMALL, "--health-url", f"{application.url}/200?token=canary")

    assert (told.code, told.out.splitlines()[-2]) == (0, "Health: 200 after 0.0 s")
    assert "canary" not in told.out + told.err


@pytest.mark.parametrize("asked_for", ["json", "jsonl", "md", "text"])
def test_a_bad_answer_is_a_warning_and_changes_no_exit_code(
    application: Application, shell: Shell, asked_for: str
) -> None:
    """The rows are committed, whatever the application says."""
    told = shell("apply", *SMALL, "--format", asked_for, "--health-url", f"{application.url}/503?token=canary")

    assert told.code == 0
    assert "warning: the application is not healthy after the run" in told.err
    assert "503" in told.out
    assert "canary" not in told.out + told.err


def test_the_json_outcome_holds_the_answer(application: Application, shell: Shell) -> None:
    document = shell("apply", *SMALL, "--format", "json", "--health-url", f"{application.url}/503?token=canary").valid(
        "outcome"
    )

    assert document["health"] | {"seconds": 0} == {
        "url": f"{application.url}/503?…",
        "healthy": False,
        "status": 503,
        "seconds": 0,
        "why": "the application says Service Unavailable",
    }
    assert document["errors"] == []


def test_without_a_url_nobody_is_asked(shell: Shell) -> None:
    told = shell("apply", *SMALL, "--format", "json")

    assert "health" not in json.loads(told.out)


def test_a_run_with_nothing_to_do_asks_too(application: Application, shell: Shell) -> None:
    shell("apply", *SMALL)

    told = shell("apply", *SMALL, "--health-url", f"{application.url}/200")

    assert (told.code, len(application.asked), "Health: 200" in told.out) == (0, 1, True)


def test_a_bad_url_stops_before_anything_is_written(shell: Shell) -> None:
    assert shell("apply", *SMALL, "--health-url", "erp.example.com/health").code == ExitCode.USAGE

    assert shell("query", "--state", "tests.unit.cli.club").code == ExitCode.ERROR  # there is no file yet


def test_rbac_and_rollback_ask_as_well(application: Application, shell: Shell) -> None:
    asking = ("--state", "tests.unit.office", "--force", "--health-url", f"{application.url}/200")

    ended = [shell(*words, *asking).code for words in (["apply"], ["rollback"], ["rbac", "--apply"])]

    assert (ended, len(application.asked)) == ([0, 0, 0], 3)
