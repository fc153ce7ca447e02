"""Where the kube binaries come from, in which order, and what is said where there are none."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from support import kube_binaries
from support.kube_binaries import HOW_TO_GET_THEM, BuildFailed, cache_folder, find_binaries, unpack

NEEDED = ("etcd", "kube-apiserver", "kubectl")


def programs(folder: Path, *names: str) -> Path:
    """A folder with programs of these names."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine with nothing on it; what is said."""
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kube_binaries, "_go", lambda say: None)
    return []


def test_the_given_folder_comes_before_the_path_and_the_path_before_the_cache(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (cache_folder(), tmp_path / "path", tmp_path / "given"):
        programs(folder, *NEEDED, "kube-controller-manager")
        if folder.name == "given":
            monkeypatch.setenv("KUBEBUILDER_ASSETS", str(folder))
        found = find_binaries(said.append)
        assert found is not None
        assert {path.parent for path in vars(found).values()} == {folder}
    assert said == []


def test_what_lacks_a_program_is_passed_over(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = programs(tmp_path / "given", "etcd", "kubectl")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(given))
    programs(tmp_path / "path", "kubectl")
    programs(cache_folder(), *NEEDED, "kube-controller-manager")
    found = find_binaries(said.append)
    assert found is not None
    assert found.etcd.parent == cache_folder()
    assert said == [f"KUBEBUILDER_ASSETS={given} lacks etcd, kube-apiserver or kubectl: looking elsewhere"]


def test_a_controller_manager_may_be_missing_and_that_is_said(tmp_path: Path, said: list[str]) -> None:
    programs(tmp_path / "path", *NEEDED)
    found = find_binaries(said.append)
    assert found is not None
    assert found.controller_manager is None
    assert said[0].startswith("no kube-controller-manager beside ")


def test_one_line_says_how_to_get_them_where_there_is_no_go_either(said: list[str]) -> None:
    assert find_binaries(said.append) is None
    assert said == [HOW_TO_GET_THEM]


def test_a_build_that_fails_is_told_with_its_last_words(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    go = programs(tmp_path / "go", "go") / "go"
    go.write_text("#!/bin/sh\necho 'module not found' >&2\nexit 1\n")
    monkeypatch.setattr(kube_binaries, "_go", lambda say: str(go))
    assert find_binaries(said.append) is None
    assert said[1].endswith("failed: module not found")
    assert list(cache_folder().iterdir()) == []


def test_a_build_fills_the_cache_once(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    go = programs(tmp_path / "go", "go") / "go"
    go.write_text('#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\necho "#!/bin/sh" > "$2"\n')
    monkeypatch.setattr(kube_binaries, "_go", lambda say: str(go))
    found = find_binaries(said.append)
    assert found is not None
    assert found.controller_manager is not None
    assert {path.resolve() for path in vars(found).values()} == {cache_folder() / "kube"}
    assert said[-1] == f"built: {cache_folder()}"
    go.unlink()
    assert find_binaries(said.append) == found


def test_a_packed_binary_is_unpacked_into_the_cache(tmp_path: Path, said: list[str]) -> None:
    packed = tmp_path / f"kube-{kube_binaries.VERSION}-any.xz"
    packed.write_bytes(lzma.compress(b"#!/bin/sh\n"))
    assert unpack(packed) == find_binaries(said.append)
    assert (cache_folder() / "kube").read_bytes() == b"#!/bin/sh\n"
    assert said == []


def test_a_packed_binary_of_another_version_is_refused(tmp_path: Path, said: list[str]) -> None:
    with pytest.raises(BuildFailed, match=r"kube-1\.2\.3-any\.xz: the tests use 1\.35\.4"):
        unpack(tmp_path / "kube-1.2.3-any.xz")
