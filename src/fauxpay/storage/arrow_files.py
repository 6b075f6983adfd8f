"""Arrow files: objects as a file system of Arrow, so that a dataset reads only what is asked for.

Reads    objects, by ranges
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyarrow import fs

from fauxpay.storage.objects import ObjectPath
from fauxpay.storage.places import Place


def dataset_files(paths: Sequence[Place]) -> tuple[fs.FileSystem, list[str]]:
    """(file system, names in it) of files that all stand in folders, or all in one bucket."""
    stored = [path for path in paths if isinstance(path, ObjectPath)]
    if not stored:
        return fs.LocalFileSystem(), [str(path) for path in paths]
    assert len(stored) == len(paths), "files of a run stand in one place"
    bucket = ObjectPath(stored[0].bucket, "", stored[0].patience_seconds)
    return fs.PyFileSystem(_Bucket(bucket)), [path.key for path in stored]


class _Bucket(fs.FileSystemHandler):  # type: ignore[misc]
    """The reading half; what would write says that it cannot."""

    def __init__(self, bucket: ObjectPath) -> None:
        self._bucket = bucket

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Bucket) and self._bucket == other._bucket

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def get_type_name(self) -> str:
        return "fauxpay"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: Sequence[str]) -> list[fs.FileInfo]:
        return [self._info(path) for path in paths]

    def open_input_file(self, path: str) -> pa.PythonFile:
        return pa.PythonFile((self._bucket / path).open(), mode="r")

    def open_input_stream(self, path: str) -> pa.PythonFile:
        return self.open_input_file(path)

    def _info(self, path: str) -> fs.FileInfo:
        try:
            found = (self._bucket / path).stat()
        except FileNotFoundError:
            return fs.FileInfo(path, fs.FileType.NotFound)
        return fs.FileInfo(path, fs.FileType.File, size=found.st_size)

    def get_file_info_selector(self, selector: fs.FileSelector) -> Any:
        raise NotImplementedError(selector)

    def create_dir(self, path: str, recursive: bool) -> None:
        raise NotImplementedError(path)

    def delete_dir(self, path: str) -> None:
        raise NotImplementedError(path)

    def delete_dir_contents(self, path: str, missing_dir_ok: bool = False) -> None:
        raise NotImplementedError(path)

    def delete_root_dir_contents(self) -> None:
        raise NotImplementedError

    def delete_file(self, path: str) -> None:
        raise NotImplementedError(path)

    def move(self, src: str, dest: str) -> None:
        raise NotImplementedError(src)

    def copy_file(self, src: str, dest: str) -> None:
        raise NotImplementedError(src)

    def open_output_stream(self, path: str, metadata: Any) -> Any:
        raise NotImplementedError(path)

    def open_append_stream(self, path: str, metadata: Any) -> Any:
        raise NotImplementedError(path)
