from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from workers.http_worker import MOST_BODY_BYTES, HttpWorker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Store

    from workers.config import Config

PYTHON_CLIENT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def _serving(config: Config) -> Iterator[int]:
    with HttpWorker(config) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def port(config: Config) -> Iterator[int]:
    with _serving(config) as port:
        yield port


def _ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, content, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    assert answer.getheader("Content-Type") == "application/json; charset=utf-8"
    parsed = json.loads(answer.read())
    connection.close()
    return answer.status, parsed


def test_a_whole_batch_over_http(port: int, store: Store, samples: dict[str, bytes]) -> None:
    doc_ids = store.add_batch("b", samples)
    answers = [_ask(port, "POST", "/process-file", {"doc_id": doc_id}) for doc_id in doc_ids]
    assert [status for status, _ in answers] == [422, 422] + [200] * 10
    assert answers[0][1] == {"error": "PDF is encrypted and needs a password"}
    assert set(answers[2][1]) == {"doc_id", "media_type", "bytes", "characters", "pages", "sha256"}
    assert _ask(port, "POST", "/aggregate-batch", {"batch_id": "b"}) == (
        200,
        {"batch_id": "b", "status": "completed_with_errors", "files": 12, "completed": 10, "failed": 2},
    )
    assert store.batch("b")["status"] == "completed_with_errors"


def test_the_caller_can_say_why_a_document_got_no_answer(port: int, store: Store) -> None:
    doc_ids = store.add_batch("b", {"a.txt": b"a", "b.txt": b"b"})
    reasons = {doc_ids[0]: "the worker could not be reached"}
    status, _ = _ask(port, "POST", "/aggregate-batch", {"batch_id": "b", "reasons": reasons})
    assert status == 200
    assert store.document(doc_ids[0])["reason"] == "the worker could not be reached"
    assert store.document(doc_ids[1])["reason"] == "was not processed"


def test_what_does_not_exist_is_404(port: int) -> None:
    assert _ask(port, "POST", "/process-file", {"doc_id": "x"}) == (404, {"error": "there is no document 'x'"})
    assert _ask(port, "POST", "/aggregate-batch", {"batch_id": "x"}) == (404, {"error": "there is no batch 'x'"})
    assert _ask(port, "POST", "/other", {}) == (404, {"error": "there is no /other"})
    assert _ask(port, "GET", "/other") == (404, {"error": "there is no /other"})


def test_what_fails_otherwise_is_500(port: int, store: Store) -> None:
    doc_id = store.add_document("a.txt", b"a")
    Path(store.document(doc_id)["storage_path"]).unlink()
    assert _ask(port, "POST", "/process-file", {"doc_id": doc_id}) == (
        500,
        {"error": f"the stored file of document '{doc_id}' is missing"},
    )


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", "the body is not JSON"),
        (b"\xff", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        ([], "the body must be an object with batch_id, a text"),
        ({"doc_id": "x"}, "the body must be an object with batch_id, a text"),
        ({"batch_id": 1}, "the body must be an object with batch_id, a text"),
        ({"batch_id": ""}, "the body must be an object with batch_id, a text"),
        ({"batch_id": "x", "reasons": []}, "reasons must be an object of texts"),
        ({"batch_id": "x", "reasons": {"d": 1}}, "reasons must be an object of texts"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_body_that_makes_no_sense_is_400(port: int, body: Any, error: str) -> None:
    assert _ask(port, "POST", "/aggregate-batch", body) == (400, {"error": error})


def test_only_json_of_a_reasonable_size_is_read(port: int) -> None:
    assert _ask(port, "POST", "/process-file", b"{}", **{"Content-Type": "text/plain"})[0] == 415
    assert _ask(port, "GET", "/process-file")[0] == 405
    with socket.create_connection(("127.0.0.1", port), timeout=30) as raw:
        raw.sendall(f"POST /process-file HTTP/1.1\r\nContent-Length: {MOST_BODY_BYTES + 1}\r\n\r\n".encode())
        assert b" 413 " in raw.recv(4096)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as raw:
        raw.sendall(b"POST /process-file HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert b" 411 " in raw.recv(4096)


def test_in_http_mode_health_says_so(port: int) -> None:
    assert _ask(port, "GET", "/healthz") == (200, {"status": "ok", "mode": "http"})


def test_in_queue_mode_it_serves_health_only(config: Config, store: Store) -> None:
    doc_id = store.add_document("a.txt", b"a")
    with _serving(replace(config, use_queue=True)) as port:
        assert _ask(port, "GET", "/healthz") == (200, {"status": "ok", "mode": "queue"})
        status, answer = _ask(port, "POST", "/process-file", {"doc_id": doc_id})
        assert status == 409
        assert answer["error"].startswith("queue mode")
        assert _ask(port, "POST", "/aggregate-batch", {"batch_id": "x"})[0] == 409
    assert store.document(doc_id)["status"] == "pending"


def _start(config: Config, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "workers.http_worker"],
        cwd=PYTHON_CLIENT,
        env={
            **os.environ,
            "DATABASE_URL": config.database_url,
            "USE_QUEUE": "false",
            "WORKER_HTTP_PORT": "0",
            "PYTHONUNBUFFERED": "1",
            **environ,
        },
        stderr=subprocess.PIPE,
        text=True,
    )


def _port_of(process: subprocess.Popen[str]) -> int:
    assert process.stderr is not None
    line = process.stderr.readline()
    assert "listening on http://127.0.0.1:" in line
    return int(line.partition("127.0.0.1:")[2].partition(",")[0])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=30).close()
    except ConnectionError:
        return False
    return True


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_running_request_finish(config: Config, store: Store, tmp_path: Path, stop: int) -> None:
    fifo = tmp_path / "slow.txt"
    doc_id = store.add_document("slow.txt", b"")
    stored = Path(store.document(doc_id)["storage_path"])
    stored.unlink()
    # Opening a named pipe waits for somebody to write to it: the request is under way until we do.
    os.mkfifo(fifo)
    stored.symlink_to(fifo)
    process = _start(config)
    try:
        port = _port_of(process)
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        body = json.dumps({"doc_id": doc_id})
        connection.request("POST", "/process-file", body, {"Content-Type": "application/json"})
        # This returns when the worker has opened the other end.
        writer = os.open(fifo, os.O_WRONLY)
        process.send_signal(stop)
        while _listens(port):
            pass
        os.close(writer)
        answer = connection.getresponse()
        assert answer.status == 422
        assert json.loads(answer.read()) == {"error": "the file is empty"}
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_port_in_use_is_said_in_one_line(config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = _start(config, WORKER_HTTP_PORT=str(taken.getsockname()[1]))
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.startswith("workers.http_worker: cannot listen on 127.0.0.1:")
    assert errors.count("\n") == 1


def test_a_bad_setting_is_said_in_one_line(config: Config) -> None:
    process = _start(config, WORKER_CONCURRENCY="many")
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors == "workers.http_worker: WORKER_CONCURRENCY must be a whole number from 1 to 256, not 'many'\n"
