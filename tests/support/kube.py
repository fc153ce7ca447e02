"""A real Kubernetes API server for tests: etcd, kube-apiserver, and a controller manager where there is one.

`find_binaries` is in kube_binaries, the fixture `cluster` in kube_plugin. All of it listens on 127.0.0.1.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from support.kube_binaries import Binaries, find_binaries
from support.kube_certificates import write_certificates
from support.running import eventually, is_stopped

__all__ = ["APPLY", "CRDS", "MERGE", "Answer", "Binaries", "Cluster", "KubectlFailed", "find_binaries"]

CRDS = Path(__file__).resolve().parents[2] / "crds"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"

# Ends what it was told of, as soon as the one who told it is gone, however that ended.
GUARD = """
import os, signal, sys
alive = set()
for line in sys.stdin:
    word, pid = line.split()
    alive.add(int(pid)) if word == "started" else alive.discard(int(pid))
for pid in alive:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""


class KubectlFailed(AssertionError):
    """kubectl was expected to succeed; says its arguments and what it wrote."""


@dataclass(frozen=True)
class Answer:
    """What the API server answered: a status code and an object (a Status where it refused)."""

    status: int
    object: dict[str, Any]

    @property
    def ok(self) -> bool:
        return self.status < 300

    @property
    def message(self) -> str:
        """Why it refused."""
        return str(self.object.get("message", ""))


class Cluster:
    """One control plane, its data in `folder`.

    `url`, `ca`, `token` (an administrator's) and `kubeconfig` stay the same over `kill_apiserver` and
    `start_apiserver`, and so do all objects.
    """

    def __init__(self, folder: Path, binaries: Binaries) -> None:
        self.folder = folder
        self.binaries = binaries
        self.token = secrets.token_hex(16)
        self.ca = folder / "ca.crt"
        self.kubeconfig = folder / "kubeconfig"
        self._ports = {name: _free_port() for name in ("etcd", "peer", "apiserver")}
        self.url = f"https://127.0.0.1:{self._ports['apiserver']}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._guard: subprocess.Popen[str] | None = None
        self._served: set[str] = set()
        self._context: ssl.SSLContext | None = None

    # -- life ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start all of it; returns when the API server is ready (about 4 s)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_certificates(self.folder)
        self._context = ssl.create_default_context(cafile=str(self.ca))
        (self.folder / "tokens.csv").write_text(f'{self.token},admin,admin,"system:masters"\n')
        self.write_kubeconfig(self.kubeconfig, self.token)
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", GUARD],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            self._start_etcd()
            self.start_apiserver()
            self._start_controllers()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every process and remove the data; logs stay. May be called again."""
        for name in list(self._processes):
            self._kill(name)
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()
            self._guard = None
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)

    def start_apiserver(self) -> None:
        """Start the API server, on the same port and data as before; returns when it is ready.

        Between ready and serving the CRDs it answers 404 for them for a moment: that is waited for too.
        """
        folder = self.folder
        self._spawn(
            "kube-apiserver",
            self.binaries.apiserver,
            f"--etcd-servers=http://127.0.0.1:{self._ports['etcd']}",
            f"--secure-port={self._ports['apiserver']}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={folder}/apiserver.crt",
            f"--tls-private-key-file={folder}/apiserver.key",
            f"--token-auth-file={folder}/tokens.csv",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            f"--service-account-key-file={folder}/accounts.key",
            f"--service-account-signing-key-file={folder}/accounts.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--shutdown-delay-duration=0s",
        )
        for path in ("/readyz", *self._served):
            self._wait("kube-apiserver", partial(self._answers, path))

    def kill_apiserver(self) -> None:
        """SIGKILL of the API server: connections are refused until `start_apiserver`."""
        self._kill("kube-apiserver")

    def pause_apiserver(self) -> None:
        """SIGSTOP of the API server: connections stay, nothing is answered until `resume_apiserver`."""
        self._processes["kube-apiserver"].send_signal(signal.SIGSTOP)
        eventually(lambda: is_stopped(self.pid("kube-apiserver")), what="it stops")

    def resume_apiserver(self) -> None:
        """And on again."""
        self._processes["kube-apiserver"].send_signal(signal.SIGCONT)

    @property
    def has_controllers(self) -> bool:
        """Whether garbage is collected, and namespaces end."""
        return self.binaries.controller_manager is not None

    def pid(self, name: str) -> int:
        """Process id of `etcd`, `kube-apiserver` or `kube-controller-manager`."""
        return self._processes[name].pid

    # -- use -----------------------------------------------------------------------------------------------

    def kubectl(
        self, *args: str, input: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator. With `check` (the default) a failure is an error.

        Raises KubectlFailed.
        """
        done = subprocess.run(
            [str(self.binaries.kubectl), f"--cache-dir={self.folder}/kubectl", *args],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.folder)},
        )
        if check and done.returncode:
            raise KubectlFailed(f"kubectl {' '.join(args)}: {done.stdout}{done.stderr}")
        return done

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content_type: str = "application/json",
        token: str | None = None,
        timeout: float = 20,
    ) -> Answer:
        """One request to the API server, far quicker than kubectl. OSError when it does not answer."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=timeout, context=self._context
        )
        headers = {"Authorization": f"Bearer {token or self.token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read()
        except http.client.HTTPException as broken:
            raise OSError(f"the API server broke off: {broken!r}") from broken
        finally:
            connection.close()
        is_json = (response.getheader("Content-Type") or "").startswith("application/json")
        return Answer(response.status, json.loads(text) if is_json else {"message": text.decode()})

    def namespace(self) -> str:
        """Make a namespace of a fresh name; the name."""
        name = f"game-{secrets.token_hex(4)}"
        answer = self.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        assert answer.ok, answer
        return name

    def apply_crds(self) -> None:
        """Apply the project's CRDs; returns when each is served."""
        for path in sorted(CRDS.glob("*.yaml")):
            for definition in yaml.safe_load_all(path.read_text()):
                name = definition["metadata"]["name"]
                where = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
                answer = self.request(
                    "PATCH", f"{where}?fieldManager=tests&force=true", definition, content_type=APPLY
                )
                assert answer.ok, f"{path.name}: {answer.message}"
                spec = definition["spec"]
                served = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
                self._wait("kube-apiserver", partial(self._is_established, where))
                self._wait("kube-apiserver", partial(self._answers, served))
                self._served.add(served)

    def _answers(self, path: str) -> bool:
        return self.request("GET", path).ok

    def _is_established(self, definition: str) -> bool:
        conditions = self.request("GET", definition).object.get("status", {}).get("conditions") or []
        return any(found["type"] == "Established" and found["status"] == "True" for found in conditions)

    # -- other callers -------------------------------------------------------------------------------------

    def service_account(self, namespace: str, name: str, role: str = "cluster-admin") -> str:
        """Make a ServiceAccount that has a ClusterRole, and a token of it that lasts an hour; the token."""
        self.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})
        self.request(
            "POST",
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            {
                "metadata": {"name": f"{namespace}-{name}"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
            },
        )
        return self.new_token(namespace, name)

    def new_token(self, namespace: str, name: str) -> str:
        """A further token of a ServiceAccount."""
        answer = self.request(
            "POST",
            f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
        )
        assert answer.ok, answer
        return str(answer.object["status"]["token"])

    def revoke(self, namespace: str, name: str) -> None:
        """Delete a ServiceAccount: its tokens are refused (401) within 10 s, as long as the server caches."""
        assert self.request("DELETE", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}").ok

    def write_kubeconfig(self, path: Path, token: str, namespace: str = "default") -> Path:
        """A kubeconfig for a token and a default namespace; its path."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "tests",
            "clusters": [
                {"name": "tests", "cluster": {"server": self.url, "certificate-authority": str(self.ca)}}
            ],
            "users": [{"name": "tests", "user": {"token": token}}],
            "contexts": [
                {"name": "tests", "context": {"cluster": "tests", "user": "tests", "namespace": namespace}}
            ],
        }
        path.write_text(json.dumps(config))
        path.chmod(0o600)
        return path

    # -- processes -----------------------------------------------------------------------------------------

    def _start_etcd(self) -> None:
        client = f"http://127.0.0.1:{self._ports['etcd']}"
        peer = f"http://127.0.0.1:{self._ports['peer']}"
        self._spawn(
            "etcd",
            self.binaries.etcd,
            *("--data-dir", str(self.folder / "etcd"), "--unsafe-no-fsync", "--log-level", "warn"),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", f"default={peer}"),
        )

    def _start_controllers(self) -> None:
        if self.binaries.controller_manager is not None:
            self._spawn(
                "kube-controller-manager",
                self.binaries.controller_manager,
                f"--kubeconfig={self.kubeconfig}",
                f"--service-account-private-key-file={self.folder}/accounts.key",
                f"--root-ca-file={self.ca}",
                "--leader-elect=false",
                "--secure-port=0",
                "--controllers=*,-node-ipam-controller,-node-lifecycle-controller,-node-route-controller",
            )

    def _spawn(self, name: str, *command: str | Path) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes[name] = process
        self._tell_guard(f"started {process.pid}")

    def _kill(self, name: str) -> None:
        process = self._processes.pop(name, None)
        if process is not None:
            process.kill()
            process.wait()
            self._tell_guard(f"ended {process.pid}")

    def _tell_guard(self, line: str) -> None:
        assert self._guard is not None
        assert self._guard.stdin is not None
        self._guard.stdin.write(f"{line}\n")
        self._guard.stdin.flush()

    def _wait(self, name: str, look: Callable[[], bool], within: float = 90) -> None:
        deadline = time.monotonic() + within
        while True:
            with contextlib.suppress(OSError):
                if look():
                    return
            code = self._processes[name].poll()
            if code is not None or time.monotonic() > deadline:
                how = f"ended with {code}" if code is not None else f"was not ready within {within:g} s"
                log = (self.folder / f"{name}.log").read_text(errors="replace").splitlines()[-12:]
                raise AssertionError("\n".join([f"{name} {how}; its log ends:", *log]))
            time.sleep(0.05)


def _free_port() -> int:
    """A port that no outgoing connection takes while its server is down (below the ephemeral ports)."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
