"""``python -m workers.http_worker``: the processors behind HTTP, as they were called before there was a queue.

With ``USE_QUEUE=true`` it serves ``GET /healthz`` only and answers the rest with 409. Requests and answers are JSON:

* ``POST /process-file`` with ``doc_id``: 200 the result, 404 no such document, 422 unreadable.
* ``POST /aggregate-batch`` with ``batch_id``, and ``reasons`` by document id for those that got no answer (optional):
  200 the result, 404 no such batch.

Any other failure is 500. There is no authentication: it listens on 127.0.0.1 unless told otherwise.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from workers.config import Config, ConfigError
from workers.database.connection import dispose_engines, get_session
from workers.processing.aggregator import aggregate_batch
from workers.processing.errors import BatchNotFound, DocumentNotFound, DocumentUnreadable
from workers.processing.extractor import process_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.payloads import AggregateBatchResult, ProcessFileResult

MOST_BODY_BYTES = 1024 * 1024
"""A longer request body is refused."""
SOCKET_TIMEOUT_S = 10
"""How long a client may keep its thread, and so the stop of the server, without sending or receiving anything."""

_ID_FIELDS = {"/process-file": "doc_id", "/aggregate-batch": "batch_id"}

log = logging.getLogger("workers.http_worker")


class HttpWorker(ThreadingHTTPServer):
    """The server: a thread per request, of which as many process at once as the configuration allows.

    `server_close` waits for the requests that are being answered.
    """

    daemon_threads = False

    def __init__(self, config: Config) -> None:
        super().__init__((config.http_host, config.http_port), _Handler)
        self.config = config
        self.processing_slots = threading.BoundedSemaphore(config.worker_concurrency)


class _Refused(Exception):
    def __init__(self, status: HTTPStatus, error: str) -> None:
        super().__init__(error)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: HttpWorker
    protocol_version = "HTTP/1.1"
    timeout = SOCKET_TIMEOUT_S

    def do_GET(self) -> None:
        if self.path == "/healthz":
            mode = "queue" if self.server.config.use_queue else "http"
            self._answer(HTTPStatus.OK, {"status": "ok", "mode": mode})
        elif self.path in _ID_FIELDS:
            self._answer(HTTPStatus.METHOD_NOT_ALLOWED, {"error": f"use POST for {self.path}"})
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"error": f"there is no {self.path}"})

    def do_POST(self) -> None:
        try:
            # First of all: a connection closed over an unread body is reset, and the client never sees the answer.
            body = self._read_body()
            self._answer(HTTPStatus.OK, self._process(self._content(body)))
        except _Refused as refusal:
            self._answer(refusal.status, {"error": str(refusal)})
        except (DocumentNotFound, BatchNotFound) as error:
            self._answer(HTTPStatus.NOT_FOUND, {"error": str(error)})
        except DocumentUnreadable as error:
            self._answer(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": str(error)})
        except Exception as error:
            log.exception("%s failed", self.path)
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": str(error) or type(error).__name__})

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise _Refused(HTTPStatus.LENGTH_REQUIRED, "Content-Length is missing")
        if len(length) > 9 or int(length) > MOST_BODY_BYTES:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body has more than {MOST_BODY_BYTES} bytes")
        return self.rfile.read(int(length))

    def _content(self, body: bytes) -> dict[str, Any]:
        field = _ID_FIELDS.get(self.path)
        if field is None:
            raise _Refused(HTTPStatus.NOT_FOUND, f"there is no {self.path}")
        if self.server.config.use_queue:
            raise _Refused(
                HTTPStatus.CONFLICT, "queue mode: jobs come from the queue; set USE_QUEUE=false to process over HTTP"
            )
        # Also keeps web pages out: a browser asks before it sends JSON to another origin.
        if self.headers.get_content_type() != "application/json":
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json")
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            raise _Refused(HTTPStatus.BAD_REQUEST, "the body is not JSON") from None
        if not isinstance(content, dict) or not isinstance(content.get(field), str) or not content[field]:
            raise _Refused(HTTPStatus.BAD_REQUEST, f"the body must be an object with {field}, a text")
        reasons = content.get("reasons", {})
        if not isinstance(reasons, dict) or not all(isinstance(reason, str) for reason in reasons.values()):
            raise _Refused(HTTPStatus.BAD_REQUEST, "reasons must be an object of texts")
        return content

    def _process(self, content: Mapping[str, Any]) -> ProcessFileResult | AggregateBatchResult:
        config = self.server.config
        with self.server.processing_slots, get_session(config) as session:
            if self.path == "/process-file":
                return process_file(session, content["doc_id"], config)
            return aggregate_batch(session, content["batch_id"], config, content.get("reasons"))

    def _answer(self, status: HTTPStatus, content: Mapping[str, Any]) -> None:
        body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        # One request a connection: an idle connection would hold its thread, and with it the stop of the server.
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        log.info(format, *args)


def main() -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests that are being answered."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        config = Config.from_environment()
    except ConfigError as error:
        sys.exit(f"workers.http_worker: {error}")
    try:
        server = HttpWorker(config)
    except OSError as error:
        sys.exit(
            f"workers.http_worker: cannot listen on {config.http_host}:{config.http_port}: {error.strerror};"
            " set WORKER_HTTP_HOST and WORKER_HTTP_PORT"
        )

    def stop(_signal: int, _frame: object) -> None:
        # shutdown() waits for serve_forever(), which runs in this very thread.
        threading.Thread(target=server.shutdown, name="stop").start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    log.info("listening on http://%s:%d, %s", *server.server_address[:2], config.describe())
    with server:
        server.serve_forever(poll_interval=0.2)
    dispose_engines()
    log.info("stopped")


if __name__ == "__main__":
    main()
