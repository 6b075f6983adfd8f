"""Runs in a real object store: the bytes of a folder, through races, kills, storms and refusals."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import object_server
import pytest
from deltalake import DeltaTable
from stored_runs import files, generate, winner_of

import fauxpay
import sealed as sealed_root
from fauxpay.delivery import object_sink
from fauxpay.delivery.staging import home, staged_name
from fauxpay.errors import GateError, StorageError
from fauxpay.lakes.beside import tables_place
from fauxpay.report import owed
from fauxpay.report.writing import is_due
from fauxpay.storage import clients
from fauxpay.storage.objects import object_path

pytestmark = pytest.mark.slow


def command(out: str, *more: str) -> list[str]:
    """The same by the command line."""
    window = sealed_root.WINDOW
    flags = ["--out", out, "--from", window["from"], "--to", window["to"], "--no-report"]
    return [
        *(sys.executable, "-m", "fauxpay", "generate", *flags, *sealed_root.settings()),
        *more,
    ]


@pytest.fixture(scope="session")
def local(tmp_path_factory) -> dict[str, bytes]:
    """The files of the run in a folder."""
    root = tmp_path_factory.mktemp("local")
    generate(str(root))
    return files(root)


def test_a_store_holds_the_bytes_of_a_folder(prefix, local):
    """Two workers upload while they make; every file is that of a local run, and it is found."""
    run = generate(prefix, executor="processes", workers=2)
    root = object_path(prefix)
    assert files(root) == local
    assert str(run.root) == prefix
    again = fauxpay.open(prefix).latest()
    assert (again.run_id, again.receipt) == (run.run_id, run.receipt)
    assert generate(prefix).run_id == run.run_id
    assert again.table("transactions").count_rows() == run.rows["transactions"]
    assert list((root / ".staging").rglob("*")) == []


def test_the_command_line_reads_a_store(prefix):
    """Every command that looks at runs takes an address."""
    generate(prefix)
    environ = dict(os.environ)
    for args in (
        ["runs", "list"],
        ["runs", "show", "latest"],
        ["verify", "latest"],
        ["sql", "latest", "SELECT count(*) FROM transactions"],
        ["report", "latest"],
        ["quarantine", "list"],
        ["replay", "latest", "--sample", "1"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "fauxpay", *args, "--out", prefix],
            env=environ,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (args, done.stderr)
    assert (fauxpay.open(prefix).latest().folder / "report.html").is_file()
    done = subprocess.run(
        [sys.executable, "-m", "fauxpay", "gc", "--out", prefix], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "lifecycle rules" in done.stderr


def test_a_damaged_object_is_found(prefix):
    """verify names the file whose bytes are not those of the receipt."""
    run = generate(prefix)
    path = object_path(f"{prefix}/{run.entries('transactions')[0]['path']}")
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.store.put(path.key, bytes(data))
    done = subprocess.run(
        [sys.executable, "-m", "fauxpay", "verify", "latest", "--out", prefix],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 8
    assert path.name in done.stdout + done.stderr
    assert "file SHA-256" in done.stdout + done.stderr


def test_two_racing_writers_make_one_run(prefix, local):
    """Two processes ask for the same at once: both say PASS, and the files are there once."""
    running = [
        subprocess.Popen(command(prefix, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    told = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0], told
    root = object_path(prefix)
    assert files(root) == local
    assert len(list(root.glob("runs/utc_day=*/*/receipt.json"))) == 1
    assert list((root / "conflicts").rglob("*")) == []


@pytest.mark.parametrize("files_before", [2, 20, 45])
def test_a_killed_writer_leaves_nothing_that_passes_and_is_resumed(prefix, local, files_before):
    """SIGKILL when so many objects are there; then the same command makes the same files."""
    root = object_path(prefix)
    running = subprocess.Popen(
        command(prefix), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    while running.poll() is None and len(root.sizes()) < files_before:
        time.sleep(0.01)
    running.kill()
    assert running.wait() == -signal.SIGKILL, "it was at work"
    if not list(root.glob("runs/utc_day=*/*/_PASSED")):
        with pytest.raises(GateError, match="no run"):
            fauxpay.open(prefix).latest()
    assert subprocess.run(command(prefix), capture_output=True).returncode == 0
    assert files(root) == local


def test_a_server_that_is_killed_and_back_is_waited_for(tmp_path, local, monkeypatch):
    """Within the patience of a request the run goes on as if nothing had been."""
    own = object_server.Server(object_server.installed(tmp_path), tmp_path / "data")
    own.start()
    prefix = f"s3://{object_server.BUCKET}/there"
    environ = {**os.environ, **own.environ}
    try:
        running = subprocess.Popen(command(prefix), env=environ, stderr=subprocess.PIPE)
        for name, value in own.environ.items():
            monkeypatch.setenv(name, value)
        clients.client.cache_clear()
        root = object_path(prefix)
        while running.poll() is None and len(root.sizes()) < 20:
            time.sleep(0.02)
        assert running.poll() is None, "it was at work"
        own.kill()
        time.sleep(2)
        own.start()
        _, told = running.communicate(timeout=120)
        assert running.returncode == 0, told
        assert files(root) == local
    finally:
        clients.client.cache_clear()
        own.stop()


def test_a_server_that_stays_away_is_said_and_the_run_resumes(tmp_path, local, monkeypatch):
    """Patience ends: exit 6, nothing says PASS, and the same command goes on once it is back."""
    own = object_server.Server(object_server.installed(tmp_path), tmp_path / "data")
    own.start()
    prefix = f"s3://{object_server.BUCKET}/there"
    environ = {**os.environ, **own.environ}
    impatient = ["--set=run.patience_seconds=1"]
    try:
        for name, value in own.environ.items():
            monkeypatch.setenv(name, value)
        clients.client.cache_clear()
        root = object_path(prefix)
        running = subprocess.Popen(command(prefix, *impatient), env=environ, stderr=subprocess.PIPE)
        while running.poll() is None and len(root.sizes()) < 20:
            time.sleep(0.02)
        assert running.poll() is None, "it was at work"
        own.kill()
        _, told = running.communicate(timeout=120)
        assert running.returncode == 6, told
        assert b"Look at the network, the endpoint and the store; the same command resumes." in told
        own.start()
        assert list(root.glob("runs/utc_day=*/*/_PASSED")) == []
        assert subprocess.run(command(prefix), env=environ, capture_output=True).returncode == 0
        assert files(root) == local
    finally:
        clients.client.cache_clear()
        own.stop()


STORMS = {
    "every third answer is an error of the server": lambda nth, verb: (
        "500" if nth % 3 == 1 else "ok"
    ),
    "two of three are told to slow down": lambda nth, verb: "ok" if nth % 3 == 2 else "503",
    "uploads are cut off in the middle": lambda nth, verb: (
        "cut" if verb == "PUT" and nth % 4 == 1 else "ok"
    ),
    "answers to uploads are lost": lambda nth, verb: (
        "lost" if verb == "PUT" and nth % 4 == 1 else "ok"
    ),
}


@pytest.mark.parametrize("storm", STORMS)
def test_storms_change_nothing(prefix, local, server, monkeypatch, storm):
    """A proxy in between fails requests: the run is made, and its files are the same."""
    proxy = object_server.Proxy(server.port, STORMS[storm])
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
    clients.client.cache_clear()
    try:
        generate(prefix)
    finally:
        proxy.close()
    assert len([one for one in proxy.seen if not one.endswith("ok")]) > 5
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.environ["AWS_ENDPOINT_URL"])
    clients.client.cache_clear()
    assert files(object_path(prefix)) == local


def test_a_storm_without_end_ends_with_our_patience(prefix, server, monkeypatch):
    """Errors for ever: StorageError after about the time that is allowed, not later."""
    proxy = object_server.Proxy(server.port, lambda nth, verb: "503")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
    clients.client.cache_clear()
    begun = time.monotonic()
    with pytest.raises(StorageError, match="the same command resumes"):
        generate(prefix, patience_seconds=2.0)
    assert time.monotonic() - begun < 30
    proxy.close()


def test_wrong_keys_are_said_without_showing_them(prefix, monkeypatch):
    """The store's word, what was expected, and no secret."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wRoNgSeCrEt")
    clients.client.cache_clear()
    with pytest.raises(StorageError, match="SignatureDoesNotMatch") as caught:
        generate(prefix)
    assert "Expected credentials that may read and write there" in str(caught.value)
    assert "wRoNgSeCrEt" not in str(caught.value)


def test_a_bucket_that_is_not_there_is_said(prefix):
    """Before anything is made."""
    with pytest.raises(StorageError, match=r"NoSuchBucket.*Make the bucket, or correct --out"):
        generate("s3://no-such-bucket/x")


def test_a_clock_that_is_wrong_is_said(prefix):
    """The store refuses signatures of another hour."""
    if shutil.which("faketime") is None:
        pytest.skip("faketime is not installed: `tools/install_debian.sh faketime`")
    done = subprocess.run(
        ["faketime", "+2 hours", *command(prefix, "--workers", "1")], capture_output=True, text=True
    )
    assert done.returncode == 6
    assert "RequestTimeTooSkewed" in done.stderr
    assert "Set this machine's clock" in done.stderr


def test_sixteen_writers_of_a_name_have_one_winner(prefix):
    """Real conditional puts."""
    path = object_path(f"{prefix}/one")
    for _ in range(5):
        assert winner_of(path) == path.read_bytes()
        path.unlink()


def test_big_files_go_out_in_parts(prefix, local, monkeypatch):
    """Multipart uploads, copied where nothing stands; then the same bytes stand there already."""
    monkeypatch.setattr(object_sink, "WHOLE_BYTES_MAX", 10_000)
    generate(prefix)
    root = object_path(prefix)
    assert files(root) == local
    assert list((root / ".staging").rglob("*")) == []
    for sidecar in list(root.glob("worlds/*/seed=1/partitions/*/*.json")):
        sidecar.unlink()
    for mark in list(root.glob("runs/utc_day=*/*/_PASSED")):
        mark.unlink()
    generate(prefix)
    assert files(root) == local
    assert list((root / "conflicts").rglob("*")) == []


def test_delta_tables_stand_beside_the_files(prefix):
    """`--format delta` commits in the store; asked again there is nothing to do."""
    run = generate(prefix, format="delta")
    place = str(tables_place(run, "delta"))
    assert place.startswith(f"{prefix}/tables/delta/")
    options = {"allow_http": "true"}
    table = DeltaTable(f"{place}/transactions", storage_options=options)
    assert table.to_pyarrow_table(columns=["transaction_id"]).num_rows == run.rows["transactions"]
    version = table.version()
    generate(prefix, format="delta")
    assert DeltaTable(f"{place}/transactions", storage_options=options).version() == version


def test_a_profile_is_read_where_boto3_is_installed(prefix, server, tmp_path, monkeypatch):
    """Keys that stand in a credentials file alone, which the client itself does not know."""
    file = tmp_path / "credentials"
    keys = {name.lower(): value for name, value in server.environ.items() if "_KEY" in name}
    lines = [f"{name} = {value}" for name, value in keys.items()]
    file.write_text("\n".join(["[mine]", *lines]))
    for name in keys:
        monkeypatch.delenv(name.upper())
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", "mine")
    path = object_path(f"{prefix}/one")
    path.store.put(path.key, b"1")
    assert path.read_bytes() == b"1"


def test_an_owed_report_is_taken_over_in_a_store(prefix):
    """The sign of a killed maker becomes ours, and goes when the page is there."""
    run = generate(prefix)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    theirs = run.root / f".staging/{gone.pid}-{home()}-report-{run.run_id}"
    theirs.put(b"")
    assert not is_due(run, is_new=False, is_asked=False)
    assert is_due(run, is_new=False, is_asked=True)
    assert not theirs.exists()
    ours = run.root / f".staging/{staged_name(f'report-{run.run_id}')}"
    assert ours.exists()
    assert not is_due(run, is_new=False, is_asked=True)
    owed.finish(run)
    assert not ours.exists()
