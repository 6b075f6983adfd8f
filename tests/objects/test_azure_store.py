"""Runs in an Azure container: the bytes of a folder, one winner, and clear refusals."""

from __future__ import annotations

from collections.abc import Iterator

import azure_server
import pytest
from stored_runs import files, generate, winner_of

import fauxpay
from fauxpay.errors import StorageError
from fauxpay.storage import clients
from fauxpay.storage.objects import object_path

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def container(tmp_path_factory) -> Iterator[str]:
    """The address of a container, and the environment to write there."""
    folder = tmp_path_factory.mktemp("azure")
    server = azure_server.AzureServer(azure_server.installed(folder), folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environ.items():
            patch.setenv(name, value)
        clients.client.cache_clear()
        yield f"az://{azure_server.CONTAINER}"
    clients.client.cache_clear()
    server.stop()


def test_a_container_holds_the_bytes_of_a_folder(container, sealed):
    """Two workers upload; every file is that of a local run, and the run is found and read."""
    run = generate(f"{container}/a", executor="processes", workers=2)
    assert files(object_path(f"{container}/a")) == files(sealed)
    assert generate(f"{container}/a").run_id == run.run_id
    found = fauxpay.open(f"{container}/a").latest()
    assert found.table("labels").count_rows() == run.rows["labels"]


def test_of_sixteen_writers_one_wins(container):
    """Real conditional puts."""
    path = object_path(f"{container}/b/one")
    assert winner_of(path) == path.read_bytes()


def test_no_container_and_a_wrong_key_are_said(container, monkeypatch):
    """The store's word, what was expected, no key."""
    with pytest.raises(StorageError, match=r"ContainerNotFound.*Make the bucket, or correct --out"):
        generate("az://no-such-container/x")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "d3Jvbmcga2V5IG9mIG5vIHdvcnRo")
    clients.client.cache_clear()
    with pytest.raises(StorageError, match="Expected credentials that may read") as caught:
        generate(f"{container}/c")
    assert "d3Jvbmcga2V5" not in str(caught.value)
    clients.client.cache_clear()
