from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from workers.config import Config, ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_defaults_need_nothing_at_all() -> None:
    config = Config.from_environment({})
    assert config.use_queue
    assert config.redis_url == "redis://127.0.0.1:6379"
    assert config.database_url.startswith("sqlite:////")
    assert config.http_host == "127.0.0.1"
    assert config.contract_dir.name == "schemas"


def test_redis_url_wins_over_host_and_port() -> None:
    environ = {"REDIS_HOST": "::1", "REDIS_PORT": "7000"}
    assert Config.from_environment(environ).redis_url == "redis://[::1]:7000"
    assert Config.from_environment({**environ, "REDIS_URL": "rediss://r/1"}).redis_url == "rediss://r/1"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_uses_psycopg(scheme: str) -> None:
    config = Config.from_environment({"DATABASE_URL": f"{scheme}://u:p%40ss@h:5433/d?sslmode=require"})
    assert config.database_url == "postgresql+psycopg://u:p%40ss@h:5433/d?sslmode=require"


def test_environment_wins_over_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("QUEUE_PREFIX=fromfile\nREDIS_PORT='7001'  # comment\nREDIS_URL=\n")
    assert Config.from_environment({}).queue_prefix == "fromfile"
    assert Config.from_environment({}).redis_url == "redis://127.0.0.1:7001"
    assert Config.from_environment({"QUEUE_PREFIX": "mine"}).queue_prefix == "mine"


def test_a_dollar_sign_in_dotenv_means_itself(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("REDIS_URL=redis://:pa${HOME}ss@h\n")
    assert Config.from_environment({}).redis_url == "redis://:pa${HOME}ss@h"


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "USE_QUEUE", "no")
    assert not Config.from_environment().use_queue


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("USE_QUEUE", "maybe", "true or false"),
        ("WORKER_CONCURRENCY", "0", "from 1 to 256"),
        ("WORKER_CONCURRENCY", "two", "from 1 to 256"),
        ("REDIS_PORT", "70000", "from 1 to 65535"),
        ("REDIS_URL", "http://secret@h", "redis://"),
        ("DATABASE_URL", "secret", "sqlite:///<absolute path>"),
        ("DATABASE_URL", "sqlite:///secret.db", "absolute"),
        ("DATABASE_URL", "mysql://u:secret@h/d", "no driver for 'mysql'"),
    ],
)
def test_a_bad_value_is_named_with_what_is_accepted(name: str, value: str, accepted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_environment({name: value})
    assert str(caught.value).startswith(name)
    assert accepted in str(caught.value)
    assert "secret" not in str(caught.value)


def test_passwords_are_neither_in_repr_nor_in_the_log_line() -> None:
    config = Config.from_environment(
        {"DATABASE_URL": "postgresql://u:hunter2@h/d", "REDIS_URL": "redis://u:hunter2@h:1/0?password=hunter2"}
    )
    assert "hunter2" not in repr(config)
    assert config.describe() == (
        f"database=postgresql+psycopg://u:***@h/d redis=redis://***@h:1/0 prefix=bull mode=queue"
        f" concurrency={config.worker_concurrency}"
    )
