"""SMTP on real sockets: what became of a message, by the phase in which things went wrong."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from crm.domain.errors import DeliveryFailed
from crm.mail import open_mailer
from crm.mail.connection import SmtpServer as Address
from crm.mail.port import Accepted, OutgoingMessage, Uncertain
from crm.mail.smtp import SmtpMailer
from tests import smtp_steps as smtp
from tests.smtp import SmtpServer, logged, refusing_port
from tests.smtp_steps import Step

ADA = "ada@example.org"
BODY = b"From: hej@club.example\r\nX-Email-Id: e1\r\nSubject: Hello\r\n\r\nHi Ada\r\n"


def message(recipient: str = ADA, *, data: bytes = BODY, sender: str = "hej@club.example") -> OutgoingMessage:
    return OutgoingMessage(email_id="e1", sender=sender, recipient=recipient, data=data)


def failure(mailer: SmtpMailer, outgoing: OutgoingMessage | None = None, *, deadline: float = 2.0) -> DeliveryFailed:
    """Send what must fail, and give the failure."""
    with pytest.raises(DeliveryFailed) as caught:
        mailer.send(outgoing or message(), deadline=deadline)
    return caught.value


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def mailer(server: SmtpServer) -> Iterator[SmtpMailer]:
    mailer = SmtpMailer(Address(host="127.0.0.1", port=server.port))
    yield mailer
    mailer.close()


# --- accepted ---------------------------------------------------------------------------------------------------------


def test_an_accepted_message_arrives_as_it_was_written(server: SmtpServer, mailer: SmtpMailer) -> None:
    outcome = mailer.send(message(data=BODY + b".\r\n..two dots\r\n.end"), deadline=5)

    assert outcome == Accepted("2.0.0 OK queued as 1")
    [received] = server.messages
    assert received.raw == BODY + b".\r\n..two dots\r\n.end\r\n"
    assert (received.sender, received.recipient, received.email_id) == ("hej@club.example", ADA, "e1")


def test_bare_line_ends_can_not_smuggle_in_a_second_message(server: SmtpServer, mailer: SmtpMailer) -> None:
    smuggled = BODY + b"\n.\nMAIL FROM:<x@evil.example>\nRCPT TO:<y@evil.example>\r.\rDATA\n"

    mailer.send(message(data=smuggled), deadline=5)
    mailer.send(message("bea@example.org"), deadline=5)

    assert server.recipients == [ADA, "bea@example.org"]
    assert b"\r\n.\r\nMAIL FROM:<x@evil.example>\r\n" in server.messages[0].raw


def test_a_connection_is_used_again_and_replaced_after_so_many_messages(server: SmtpServer) -> None:
    mailer = SmtpMailer(Address(host="127.0.0.1", port=server.port), messages_per_connection=3)

    for _ in range(7):
        mailer.send(message(), deadline=5)

    assert (len(server.messages), server.connections) == (7, 3)
    assert server.commands.count("RSET") == 4
    mailer.close()


def test_a_connection_that_idled_too_long_is_not_used_again(server: SmtpServer) -> None:
    mailer = SmtpMailer(Address(host="127.0.0.1", port=server.port), idle_seconds=0)

    mailer.send(message(), deadline=5)
    mailer.send(message(), deadline=5)

    assert (len(server.messages), server.connections) == (2, 2)
    mailer.close()


def test_an_idle_connection_that_the_server_closed_is_replaced_without_a_double(server: SmtpServer, mailer: SmtpMailer) -> None:
    mailer.send(message(), deadline=5)
    server.drop_connections()

    outcome = mailer.send(message("bea@example.org"), deadline=5)

    assert isinstance(outcome, Accepted)
    assert server.recipients == [ADA, "bea@example.org"]


@pytest.mark.parametrize("step", [smtp.DROP_AT_MAIL, Step("mail", reply="421 4.4.2 idle too long")])
def test_a_kept_connection_that_dies_at_the_sender_is_replaced_once(server: SmtpServer, mailer: SmtpMailer, step: Step) -> None:
    mailer.send(message(), deadline=5)
    server.script_next(step)

    outcome = mailer.send(message("bea@example.org"), deadline=5)

    assert isinstance(outcome, Accepted)
    assert (server.recipients, server.connections) == ([ADA, "bea@example.org"], 2)


def test_threads_share_a_mailer_without_mixing_their_messages(server: SmtpServer, mailer: SmtpMailer) -> None:
    def send(lane: int) -> None:
        for number in range(25):
            mailer.send(message(f"p{lane}-{number}@example.org"), deadline=10)

    threads = [threading.Thread(target=send, args=(lane,)) for lane in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(server.recipients) == sorted(f"p{lane}-{number}@example.org" for lane in range(4) for number in range(25))
    assert server.connections <= 4


# --- refused: nothing was sent ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "code", "permanent"),
    [
        (smtp.REFUSE_550, "550", True),
        (smtp.RETRY_451, "451", False),
        (smtp.REFUSE_554_AT_DATA, "554", True),
        (smtp.REFUSE_554_AFTER_DATA, "554", True),
        (smtp.RETRY_451_AFTER_DATA, "451", False),
    ],
)
def test_a_refusal_of_one_message_says_whether_a_repeat_can_help_and_does_not_touch_the_next(
    server: SmtpServer, mailer: SmtpMailer, step: Step, code: str, permanent: bool
) -> None:
    server.script(ADA, step)

    refused = failure(mailer)
    mailer.send(message("bea@example.org"), deadline=5)

    assert (refused.code, refused.permanent, refused.whole_provider) == (code, permanent, False)
    assert server.recipients == ["bea@example.org"]


def test_a_refusal_is_told_without_the_address(server: SmtpServer, mailer: SmtpMailer) -> None:
    server.script(ADA, Step("rcpt", reply=f"550 5.1.1 <{ADA}>: user {ADA} is not here " + "x" * 300))

    refused = failure(mailer)

    assert ADA not in refused.message
    assert refused.message.startswith(
        "The mail server did not take the recipient: 550 5.1.1 (address): user (address) is not here"
    )
    assert len(refused.message) == 200


@pytest.mark.parametrize("step", [smtp.REFUSE_SENDER_550, smtp.RETRY_SENDER_451])
def test_a_refused_sender_concerns_the_whole_provider(server: SmtpServer, mailer: SmtpMailer, step: Step) -> None:
    server.script_next(step)

    refused = failure(mailer)

    assert (refused.whole_provider, refused.permanent, refused.code) == (True, False, step.reply[:3])
    assert server.messages == []


@pytest.mark.parametrize("greeting", [smtp.GREETING_421, smtp.GREETING_554])
def test_a_refusing_greeting_concerns_the_whole_provider(server: SmtpServer, mailer: SmtpMailer, greeting: Step) -> None:
    server.greeting = greeting

    refused = failure(mailer)

    assert (refused.whole_provider, refused.permanent, refused.code) == (True, False, greeting.reply[:3])


def test_a_server_that_goes_down_concerns_the_whole_provider(server: SmtpServer, mailer: SmtpMailer) -> None:
    server.script(ADA, smtp.CLOSING_421_AT_RCPT)

    refused = failure(mailer)

    assert (refused.whole_provider, refused.permanent, refused.code) == (True, False, "421")


def test_a_refused_connection_concerns_the_whole_provider_and_ends_when_the_server_is_back(server: SmtpServer) -> None:
    mailer = SmtpMailer(Address(host="127.0.0.1", port=server.port))
    server.stop()

    refused = failure(mailer)
    server.start()
    outcome = mailer.send(message(), deadline=5)

    assert (refused.whole_provider, refused.permanent, refused.code) == (True, False, None)
    assert refused.message == "The mail server can't be used: connection refused"
    assert isinstance(outcome, Accepted)
    mailer.close()


def test_a_host_without_a_name_concerns_the_whole_provider() -> None:
    refused = failure(SmtpMailer(Address(host="no-such-host.invalid", port=25)))

    assert (refused.whole_provider, refused.permanent) == (True, False)


@pytest.mark.parametrize("step", [smtp.DROP_AT_RCPT, smtp.DROP_AT_DATA])
def test_a_connection_lost_before_the_text_means_that_nothing_was_sent(
    server: SmtpServer, mailer: SmtpMailer, step: Step
) -> None:
    server.script(ADA, step)

    lost = failure(mailer)
    outcome = mailer.send(message(), deadline=5)

    assert (lost.permanent, lost.whole_provider, lost.code) == (False, False, None)
    assert isinstance(outcome, Accepted)
    assert server.recipients == [ADA]


def test_a_connection_lost_within_the_text_means_that_nothing_was_sent(server: SmtpServer, mailer: SmtpMailer) -> None:
    server.script(ADA, smtp.DROP_BEFORE_DOT)

    lost = failure(mailer, message(data=BODY + b"A line of a very long letter.\r\n" * 500_000), deadline=10)

    assert (lost.permanent, lost.whole_provider) == (False, False)
    assert server.messages == []


def test_a_server_that_refuses_before_it_saw_the_end_is_not_sent_the_final_dot() -> None:
    with _Scripted(b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n552 5.3.4 too big\r\n") as server:
        refused = failure(SmtpMailer(Address(host="127.0.0.1", port=server.port)))

    assert (refused.code, refused.permanent) == ("552", True)
    assert not server.received.endswith(b"\r\n.\r\n")


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org\r\nRCPT TO:<eve@example.org>",
        "ada@example.org> NOTIFY=NEVER",
        "a b@example.org",
        "ada",
        "@",
        "a,b@c.d",
        "",
    ],
)
def test_an_address_can_not_smuggle_in_a_command_or_a_recipient(server: SmtpServer, mailer: SmtpMailer, address: str) -> None:
    refused = failure(mailer, message(address))

    assert (refused.permanent, refused.whole_provider) == (True, False)
    assert server.connections == 0


# --- uncertain --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step", [smtp.ACCEPT_THEN_DROP, smtp.DROP_AFTER_DOT, smtp.STALL_AFTER_DOT, smtp.DRIP_AFTER_DOT, smtp.GARBLED_AFTER_DOT]
)
def test_an_answer_lost_after_the_final_dot_is_uncertain_and_not_repeated(
    server: SmtpServer, mailer: SmtpMailer, step: Step
) -> None:
    server.script(ADA, step)

    outcome = mailer.send(message(), deadline=1)
    after = mailer.send(message("bea@example.org"), deadline=5)

    assert isinstance(outcome, Uncertain)
    assert isinstance(after, Accepted)
    assert server.recipients == [ADA] * step.record + ["bea@example.org"]


def test_a_reply_lost_on_a_used_connection_is_not_taken_for_a_stale_one(server: SmtpServer, mailer: SmtpMailer) -> None:
    mailer.send(message("first@example.org"), deadline=5)
    server.script(ADA, smtp.ACCEPT_THEN_DROP)

    outcome = mailer.send(message(), deadline=5)

    assert isinstance(outcome, Uncertain)
    assert server.recipients == ["first@example.org", ADA]


# --- the deadline -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [smtp.STALL_AT_RCPT, smtp.DRIP_AT_RCPT])
def test_a_server_that_stalls_or_drips_can_not_outlast_the_deadline(server: SmtpServer, mailer: SmtpMailer, step: Step) -> None:
    server.script(ADA, step)
    started = time.monotonic()

    late = failure(mailer, deadline=0.8)

    assert time.monotonic() - started < 10
    assert (late.permanent, late.whole_provider) == (False, False)
    assert server.messages == []


def test_a_silent_greeting_ends_with_the_deadline_and_concerns_the_whole_provider(server: SmtpServer, mailer: SmtpMailer) -> None:
    server.greeting = smtp.STALL_AT_GREETING
    started = time.monotonic()

    late = failure(mailer, deadline=0.6)

    assert time.monotonic() - started < 10
    assert (late.permanent, late.whole_provider) == (False, True)


def test_a_dripping_answer_to_the_dot_ends_with_the_deadline(server: SmtpServer, mailer: SmtpMailer) -> None:
    server.script(ADA, smtp.DRIP_AFTER_DOT)
    started = time.monotonic()

    outcome = mailer.send(message(), deadline=0.8)

    assert 0.7 < time.monotonic() - started < 10
    assert isinstance(outcome, Uncertain)


def test_a_server_that_does_not_read_can_not_outlast_the_deadline() -> None:
    with _Scripted(b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n", deaf=True) as server:
        started = time.monotonic()

        late = failure(SmtpMailer(Address(host="127.0.0.1", port=server.port)), message(data=b"x" * 20_000_000), deadline=0.8)

        assert time.monotonic() - started < 10
        assert late.message == "The message could not be handed over: the time for the hand-over was up"


def test_an_answer_without_end_is_given_up() -> None:
    with _Scripted(b"250-" + b"x" * 100_000) as server:
        late = failure(SmtpMailer(Address(host="127.0.0.1", port=server.port)))

    assert late.message == "The mail server did not take the sender: its answer never ends"


def test_a_worker_that_was_stopped_does_not_send_the_dot_after_its_deadline(tmp_path: Path) -> None:
    log = tmp_path / "received.jsonl"
    program = (
        "import sys; from crm.mail import open_mailer; from tests.mail.test_smtp import message\n"
        "from crm.mail.connection import Connection\n"
        "write = Connection.write_body\n"
        "Connection.write_body = lambda self, data: (write(self, data), print('written', flush=True), sys.stdin.readline())\n"
        "open_mailer(sys.argv[1]).send(message(), deadline=1)\n"
    )
    with SmtpServer(log=log) as server:
        worker = subprocess.Popen(
            [sys.executable, "-c", program, server.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdout.readline()

        os.kill(worker.pid, signal.SIGSTOP)
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
        time.sleep(1.2)
        os.kill(worker.pid, signal.SIGCONT)
        errors = worker.communicate(timeout=10)[1]

    assert b"the time for the hand-over was up" in errors
    assert server.messages == []


# --- international addresses ------------------------------------------------------------------------------------------


def test_an_address_with_letters_outside_ascii_is_mailed_where_the_server_can(server: SmtpServer, mailer: SmtpMailer) -> None:
    mailer.send(message("åda@exämple.org"), deadline=5)
    mailer.send(message(), deadline=5)

    assert server.recipients == ["åda@exämple.org", ADA]


def test_an_address_with_letters_outside_ascii_fails_alone_where_the_server_can_not() -> None:
    with SmtpServer(utf8=False) as server:
        mailer = SmtpMailer(Address(host="127.0.0.1", port=server.port))

        refused = failure(mailer, message("åda@example.org"))
        mailer.send(message(), deadline=5)

        assert (refused.permanent, refused.whole_provider) == (True, False)
        assert "letters outside ASCII" in refused.message
        assert (server.recipients, server.connections) == ([ADA], 1)
        mailer.close()


# --- signing in and TLS -----------------------------------------------------------------------------------------------


def test_a_user_signs_in_with_what_the_address_says() -> None:
    with SmtpServer(login=("crm@club", "s:e/c@r%t")) as server:
        mailer = open_mailer(f"smtp://crm%40club:s%3Ae%2Fc%40r%25t@127.0.0.1:{server.port}")

        outcome = mailer.send(message(), deadline=5)

        assert isinstance(outcome, Accepted)
        mailer.close()


@pytest.mark.parametrize("password", ["wrong", "wröng"])
def test_a_wrong_password_concerns_the_whole_provider_and_is_not_told(password: str) -> None:
    with SmtpServer(login=("crm", "secret")) as server:
        mailer = SmtpMailer(Address(host="127.0.0.1", port=server.port, user="crm", password=password))

        refused = failure(mailer)

        assert (refused.whole_provider, refused.permanent) == (True, False)
        assert password not in refused.message


def test_without_starttls_on_offer_nothing_is_sent_in_the_clear(server: SmtpServer) -> None:
    refused = failure(open_mailer(f"smtp+tls://user:secret@127.0.0.1:{server.port}"))  # type: ignore[arg-type]

    assert refused.whole_provider
    assert "STARTTLS" in refused.message
    assert server.messages == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that signs itself, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    folder = tmp_path_factory.mktemp("tls")
    file, key_file = folder / "cert.pem", folder / "key.pem"
    file.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return file, context


@pytest.mark.parametrize("scheme", ["smtps", "smtp+tls", "smtp"])
def test_mail_goes_over_tls(certificate: tuple[Path, ssl.SSLContext], scheme: str) -> None:
    ca_file, context = certificate
    with SmtpServer(**{"implicit_tls" if scheme == "smtps" else "starttls": context}) as server:  # type: ignore[arg-type]
        tls = "&tls=1" if scheme == "smtp" else ""
        mailer = open_mailer(f"{scheme}://localhost:{server.port}/?ca={ca_file}{tls}")

        outcomes = [mailer.send(message(), deadline=5) for _ in range(3)]

        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert (len(server.messages), server.connections) == (3, 1)
        mailer.close()


@pytest.mark.parametrize(("host", "trusted"), [("localhost", False), ("127.0.0.1", True)])
def test_a_certificate_that_is_not_trusted_or_for_another_name_stops_the_mail(
    certificate: tuple[Path, ssl.SSLContext], host: str, trusted: bool
) -> None:
    ca_file, context = certificate
    with SmtpServer(starttls=context) as server:
        mailer = open_mailer(f"smtp+tls://{host}:{server.port}" + f"/?ca={ca_file}" * trusted)

        refused = failure(mailer)  # type: ignore[arg-type]

        assert (refused.whole_provider, refused.permanent) == (True, False)
        assert "certificate can't be trusted" in refused.message
        assert server.messages == []


def test_an_answer_smuggled_in_before_tls_is_not_believed(certificate: tuple[Path, ssl.SSLContext]) -> None:
    ca_file, context = certificate
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        connection.sendall(b"220 hi\r\n")
        connection.recv(1000)
        connection.sendall(b"250-hi\r\n250 STARTTLS\r\n")
        connection.recv(1000)
        connection.sendall(b"220 go ahead\r\n250 AUTH PLAIN\r\n")
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as encrypted:
            encrypted.recv(1000)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()

    refused = failure(open_mailer(f"smtp+tls://user:secret@localhost:{listener.getsockname()[1]}/?ca={ca_file}"))  # type: ignore[arg-type]

    assert refused.message == "The mail server can't be used: it answered before the connection was encrypted"
    thread.join(5)
    listener.close()


# --- the server itself ------------------------------------------------------------------------------------------------


def test_the_test_server_as_a_process_logs_each_message_before_it_answers(tmp_path: Path) -> None:
    log = tmp_path / "received.jsonl"
    command = [sys.executable, "-m", "tests.smtp", "--log", str(log), "--script", f"{ADA}=ACCEPT_THEN_DROP"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(" ")[2])
        mailer = open_mailer(f"smtp://127.0.0.1:{port}")

        lost = mailer.send(message(), deadline=5)
        mailer.send(message(), deadline=5)
        process.kill()

    assert isinstance(lost, Uncertain)
    assert [line["recipient"] for line in logged(log)] == [ADA, ADA]
    assert logged(log)[0]["email_id"] == "e1"


def test_a_refusing_port_refuses() -> None:
    with refusing_port() as port, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)


class _Scripted:
    """A server of a few bytes: it greets, then gives one answer per read. `deaf`: it reads no more after the last one."""

    def __init__(self, *answers: bytes, deaf: bool = False) -> None:
        self.answers = [b"220 hi\r\n", b"250 hi\r\n", *answers]
        self.deaf = deaf
        self.received = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.closed = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "_Scripted":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        self.thread.join(5)
        self.listener.close()

    def _serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            connection.sendall(self.answers[0])
            for answer in self.answers[1:]:
                self.received += connection.recv(65536)
                connection.sendall(answer)
            connection.settimeout(0.1)
            while not self.closed.is_set():
                try:
                    more = b"" if self.deaf else connection.recv(65536)
                except TimeoutError:
                    continue
                except OSError:
                    return
                self.received += more
                if not more:
                    self.closed.wait(0.05)
