"""Who is told what of a run, over a real connection to a server of the test's own."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from helpers.run.notify import Notices
from helpers.store.errors import BadInput


class _Inbox(BaseHTTPRequestHandler):
    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.received.append((self.path, sent["title"], sent["message"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *words):
        pass


@pytest.fixture
def inbox():
    server = HTTPServer(("127.0.0.1", 0), _Inbox)
    server.received = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def address(server: HTTPServer, path: str) -> str:
    return f"json://127.0.0.1:{server.server_port}/{path}"


def test_readers_are_told_where_the_report_stands(shop, inbox):
    shop.chapter("10_traffic", "x = 1")
    done = shop.run(
        "--notify", "send",
        STORE_REPORT_NOTIFY=address(inbox, "readers"),
        STORE_REPORT_URL="https://reports.example.com/",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ((path, _, message),) = inbox.received
    assert path == "/readers"
    assert "https://reports.example.com/shop/2011-11/index.html" in message
    assert "https://reports.example.com/shop/2011-11/10_traffic.html" in message


def test_only_the_owner_is_told_of_a_fault_and_the_readers_of_what_was_published(shop, inbox):
    shop.chapter("10_traffic", "x = 1")
    shop.chapter("20_lifecycle", "raise ValueError('broken')")
    done = shop.run(
        "--notify", "send",
        STORE_REPORT_NOTIFY=address(inbox, "readers"),
        STORE_REPORT_NOTIFY_OWNER=address(inbox, "owner"),
    )  # fmt: skip
    assert done.returncode == 1
    readers, owner = sorted(inbox.received, reverse=True)
    assert readers[0] == "/readers"
    assert owner[0] == "/owner"
    assert "20_lifecycle failed" in owner[2]


def test_bad_input_is_told_to_the_owner(shop, inbox):
    done = shop.run("--notify", "send", STORE_REPORT_NOTIFY=address(inbox, "owner"))
    assert done.returncode == 2
    ((_, _, message),) = inbox.received
    assert "holds no chapter" in message


def test_a_notice_that_does_not_arrive_is_said_and_undoes_nothing(shop, inbox):
    shop.chapter("10_traffic", "x = 1")
    inbox.shutdown()
    inbox.server_close()
    done = shop.run("--notify", "send", STORE_REPORT_NOTIFY=address(inbox, "readers"))
    assert done.returncode == 0
    assert "did not reach 1 of 1" in done.stderr
    assert (shop.published / "index.html").exists()


def test_what_would_be_sent_is_printed_without_any_address(shop):
    shop.chapter("10_traffic", "x = 1")
    done = shop.run("--notify", "print")
    assert done.returncode == 0, done.stderr
    assert str(shop.published / "index.html") in done.stdout


def test_a_run_that_can_tell_nobody_does_not_begin():
    with pytest.raises(BadInput, match="STORE_REPORT_NOTIFY is not set"):
        Notices.of("send", {})
    with pytest.raises(BadInput, match="address 2 of 2") as caught:
        Notices.of("send", {"STORE_REPORT_NOTIFY": "json://localhost secret-word"})
    assert "secret-word" not in str(caught.value)
