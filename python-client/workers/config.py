"""What the workers are told from outside: environment variables and an optional ``.env`` file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dotenv import dotenv_values
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from workers.processing.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

_REPOSITORY = Path(__file__).resolve().parents[2]
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


class ConfigError(ValueError):
    """Raised when a setting is missing or makes no sense; the message names the variable and what it accepts."""


@dataclass(frozen=True)
class Config:
    """Settings of one worker process.

    The two URLs may carry passwords: they are left out of ``repr``, and `describe` masks them.
    """

    database_url: str = field(repr=False)
    """SQLAlchemy URL: ``sqlite:////absolute/path.db`` or ``postgresql+psycopg://…``."""
    redis_url: str = field(repr=False)
    """``redis://``, ``rediss://`` or ``unix://`` URL of the queue's server."""
    use_queue: bool
    """True: jobs come from the queue and the HTTP worker serves health only. False: the HTTP worker processes."""
    queue_prefix: str
    """BullMQ's key prefix, the same as on the Node side."""
    worker_concurrency: int
    """How many documents are processed at the same time."""
    contract_dir: Path
    """Folder of ``contract.json``."""
    http_host: str
    http_port: int
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Config:
        """Read the settings from `environ` (default: the process's), completed from a ``.env`` file.

        The environment wins over the file. The file is the first of ``.env`` in the working directory and ``.env`` in
        the repository; an empty value counts as not set.

        Raises:
            ConfigError: a value that cannot be used, with the name of its variable (never with its content where that
                may hold a password).
        """
        settings = _Settings(os.environ if environ is None else environ, _read_dotenv())
        return cls(
            database_url=_database_url(settings.text("DATABASE_URL", _default_database_url())),
            redis_url=_redis_url(settings),
            use_queue=settings.flag("USE_QUEUE", default=True),
            queue_prefix=settings.text("QUEUE_PREFIX", "bull"),
            worker_concurrency=settings.number("WORKER_CONCURRENCY", min(4, os.cpu_count() or 1), 1, 256),
            contract_dir=Path(settings.text("CONTRACT_DIR", str(_REPOSITORY / "schemas"))),
            http_host=settings.text("WORKER_HTTP_HOST", "127.0.0.1"),
            http_port=settings.number("WORKER_HTTP_PORT", 8000, 0, 65535),
        )

    def describe(self) -> str:
        """One line for the log, with passwords masked."""
        return (
            f"database={make_url(self.database_url).render_as_string(hide_password=True)}"
            f" redis={_masked(self.redis_url)} prefix={self.queue_prefix}"
            f" mode={'queue' if self.use_queue else 'http'} concurrency={self.worker_concurrency}"
        )


@dataclass(frozen=True)
class _Settings:
    environ: Mapping[str, str] = field(repr=False)
    dotenv: Mapping[str, str | None] = field(repr=False)

    def text(self, name: str, default: str) -> str:
        return (self.environ.get(name) or self.dotenv.get(name) or default).strip()

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name, str(default)).lower()
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise ConfigError(f"{name} must be true or false, not {value!r}")

    def number(self, name: str, default: int, least: int, most: int) -> int:
        value = self.text(name, str(default))
        if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
            raise ConfigError(f"{name} must be a whole number from {least} to {most}, not {value!r}")
        return int(value)


def _read_dotenv() -> dict[str, str | None]:
    for folder in (Path.cwd(), _REPOSITORY):
        path = folder / ".env"
        if path.is_file():
            # No interpolation: a `$` in a password means itself, as it does for the Node side.
            return dotenv_values(path, interpolate=False)
    return {}


def _default_database_url() -> str:
    return f"sqlite:///{_REPOSITORY / '.data' / 'bullmq-bridge.db'}"


def _database_url(value: str) -> str:
    accepted = "DATABASE_URL must be sqlite:///<absolute path> or postgresql://user:password@host/database"
    try:
        url = make_url(value)
    except ArgumentError:
        raise ConfigError(accepted) from None
    if url.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        if not url.database or not Path(url.database).is_absolute():
            raise ConfigError(f"{accepted}; a relative path would depend on where each process was started")
        return f"sqlite:///{url.database}"
    raise ConfigError(f"{accepted}; this worker has no driver for {url.drivername!r}")


def _redis_url(settings: _Settings) -> str:
    host = settings.text("REDIS_HOST", "127.0.0.1")
    bracketed = f"[{host}]" if ":" in host else host
    url = settings.text("REDIS_URL", f"redis://{bracketed}:{settings.number('REDIS_PORT', 6379, 1, 65535)}")
    if urlsplit(url).scheme not in {"redis", "rediss", "unix"}:
        raise ConfigError("REDIS_URL must start with redis://, rediss:// or unix://")
    return url


def _masked(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{'***@' if '@' in parts.netloc else ''}{host}{parts.path}"
