"""The process that runs protoc: a script of its own, since hostile input aborts the process protoc runs in.

Frames on stdin and stdout: four bytes of length (big endian), then the content. A request is JSON
`{"main": name, "files": {name: text}}`, an answer is `+` and a FileDescriptorSet or `-` and protoc's messages.
An empty frame comes before the first answer, once the process is ready.
The process ends with its stdin. Arguments: its own folder, then the folders of the bundled files.
"""

import contextlib
import json
import os
import shutil
import signal
import struct
import sys
from pathlib import Path

from grpc_tools import protoc

_GROUPS = ("google/protobuf", "google/type", "confluent")
_MEMORY_LIMIT = 2 * 1024**3
_FILE_LIMIT = 256 * 1024**2


def main(folder: Path, roots: list[str]) -> None:
    """Answers requests until stdin ends; removes `folder` then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_resources()
    messages = os.open(folder / "messages", os.O_RDWR | os.O_CREAT, 0o600)
    os.dup2(messages, 2)
    bundle = folder / "bundle"
    _compile_bundle(roots, bundle)
    sources = folder / "sources"
    sources.mkdir()
    # From within the folder of the sources, protoc calls every file by its import path.
    os.chdir(sources)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    answers.write(struct.pack(">I", 0))
    answers.flush()
    try:
        while header := requests.read(4):
            (size,) = struct.unpack(">I", header)
            request = json.loads(requests.read(size))
            files = request["files"]
            imports_bundled = any(f"{group}/" in text for text in files.values() for group in _GROUPS)
            arguments = [f"--descriptor_set_in={bundle}"] if imports_bundled else []
            answer = _answer(folder, arguments, messages, request["main"], files)
            answers.write(struct.pack(">I", len(answer)) + answer)
            answers.flush()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _compile_bundle(roots: list[str], output: Path) -> None:
    """Compiles the bundled files once, so that no schema has to wait for their texts."""
    names = {
        path.relative_to(root).as_posix()
        for root in roots
        for group in _GROUPS
        for path in Path(root, group).rglob("*.proto")
    }
    protoc.main(["protoc", *(f"-I{root}" for root in roots), f"--descriptor_set_out={output}", *sorted(names)])


def _limit_resources() -> None:
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT, _MEMORY_LIMIT))
        resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_LIMIT, _FILE_LIMIT))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(folder: Path, arguments: list[str], messages: int, name: str, files: dict[str, str]) -> bytes:
    output = folder / "output"
    for path, text in files.items():
        if "/" in path:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as stream:
            stream.write(text.encode())
    os.ftruncate(messages, 0)
    os.lseek(messages, 0, os.SEEK_SET)
    options = ("-I.", "--include_imports", "--retain_options", f"--descriptor_set_out={output}")
    status = protoc.main(["protoc", *options, *arguments, name])
    for top in {path.partition("/")[0] for path in files}:
        if os.path.isdir(top):
            shutil.rmtree(top)
        else:
            os.unlink(top)
    if status == 0:
        return b"+" + output.read_bytes()
    os.lseek(messages, 0, os.SEEK_SET)
    with open(messages, "rb", closefd=False) as stream:
        return b"-" + stream.read().replace(str(folder).encode(), b"")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
