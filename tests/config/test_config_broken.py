"""Broken configs, environments and command lines: each is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from broken_requests import FILES, REQUESTS, Broken

from fauxpay.config.sources import resolve
from fauxpay.errors import ConfigError


@pytest.mark.parametrize("broken", [*FILES.values(), *REQUESTS.values()], ids=[*FILES, *REQUESTS])
def test_a_broken_request_is_refused_by_name(broken: Broken, tmp_path: Path) -> None:
    """Each message names key, value, origin and what is allowed, and nothing is written."""
    file = None
    if broken.file is not None:
        file = tmp_path / "config.yaml"
        content = broken.file.encode() if isinstance(broken.file, str) else broken.file
        file.write_bytes(content)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ConfigError) as caught:
        resolve(file, broken.environ, broken.settings, broken.flags)
    message = str(caught.value).replace(str(file), "FILE")
    for part in broken.says:
        assert part in message
    assert caught.value.exit_code == 2
    assert sorted(tmp_path.iterdir()) == before


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A config that is not there is not taken for an empty one."""
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: No such file"):
        resolve(tmp_path / "none.yaml", {}, (), {})


def test_a_folder_is_no_config(tmp_path: Path) -> None:
    """A folder given as the config is named as such."""
    with pytest.raises(ConfigError, match="this is a folder; a YAML config file is expected"):
        resolve(tmp_path, {}, (), {})


def test_an_unreadable_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason of the system stands in the message."""
    file = tmp_path / "config.yaml"
    file.write_text("run: {}\n", encoding="utf-8")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigError, match=r"config\.yaml: cannot be read: Permission denied"):
        resolve(file, {}, (), {})
