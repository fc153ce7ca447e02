"""A fleet behind Traefik: TLS and a path prefix before the master and before nodes started by hand."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support.running import ROOMFLEET, Running, eventually, game_copy, running

TRAEFIK = Path(sys.executable).with_name("traefik")
NODES = ("default-0", "default-1")
SECRET = "known to master and nodes"


@dataclass(frozen=True)
class Proxied:
    """The fleet, where players reach it, and what they have to trust for it."""

    fleet: Running
    url: str
    certificate: Path


@contextmanager
def proxied(tmp_path: Path, *, strip: bool = False) -> Iterator[Proxied]:
    """Walkabout at `https://localhost:PORT/games`. `strip`: the proxy takes the prefix off."""
    game = game_copy(tmp_path / "walkabout")
    manifest = game / "k8s" / "fleet.yaml"
    manifest.write_text(manifest.read_text().replace("minNodes: 2", "minNodes: 0"))
    public, master, link, *nodes = _free_ports(3 + len(NODES))
    url = f"https://localhost:{public}/games"
    backends = {"/games": master}
    backends |= {f"/games/nodes/{name}": port for name, port in zip(NODES, nodes, strict=True)}
    options = ["--public-url", url, "--link-port", str(link)]
    secret = {"ROOMFLEET_LINK_SECRET": SECRET}
    certificate = _certificate(tmp_path)
    with ExitStack() as stack:
        stack.enter_context(_traefik(tmp_path, public, certificate, backends, strip=strip))
        fleet = stack.enter_context(
            running(game, tmp_path / "data", port=master, options=options, environment=secret)
        )
        for name, port in zip(NODES, nodes, strict=True):
            flags = [
                *("--name", name, "--port", str(port), "--public-url", f"{url}/nodes/{name}"),
                *("--master", f"ws://127.0.0.1:{link}", "--store", f"sqlite://{fleet.data}/store.db"),
            ]
            log = fleet.data / "log" / f"{name}.log"
            stack.enter_context(_process([ROOMFLEET, "node", str(game), *flags], log, secret))
        eventually(lambda: _ready(fleet) == set(NODES), what="both nodes to be ready")
        yield Proxied(fleet, url, certificate)


def _ready(fleet: Running) -> set[str]:
    nodes = fleet.get(f"/v1/games/{fleet.game}/nodes")["nodes"]
    return {node["name"] for node in nodes if node["ready"]}


@contextmanager
def _process(command: list[str], log: Path, environment: dict[str, str]) -> Iterator[None]:
    with open(log, "ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **environment}, start_new_session=True
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)  # a node would try to move its rooms first at a SIGTERM
        try:
            process.wait(30)
        finally:
            process.kill()


@contextmanager
def _traefik(
    folder: Path, port: int, certificate: Path, backends: dict[str, int], *, strip: bool
) -> Iterator[None]:
    routes = {path.strip("/").replace("/", "-"): (path, backend) for path, backend in backends.items()}
    http = {
        "routers": {
            name: {
                "rule": f"PathPrefix(`{path}`)",
                "service": name,
                "entryPoints": ["web"],
                "tls": {},
                "middlewares": [f"strip-{name}"] if strip else [],
            }
            for name, (path, _) in routes.items()
        },
        "services": {
            name: {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{backend}"}]}}
            for name, (_, backend) in routes.items()
        },
    }
    if strip:
        http["middlewares"] = {
            f"strip-{name}": {"stripPrefix": {"prefixes": [path]}} for name, (path, _) in routes.items()
        }
    pair = {"certFile": str(certificate), "keyFile": str(certificate.with_suffix(".key"))}
    dynamic = {"http": http, "tls": {"stores": {"default": {"defaultCertificate": pair}}}}
    file = folder / "traefik.yaml"
    file.write_text(json.dumps(dynamic))
    command = [
        str(TRAEFIK),
        f"--entrypoints.web.address=127.0.0.1:{port}",
        f"--providers.file.filename={file}",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]
    with _process(command, folder / "traefik.log", {}):
        eventually(lambda: _listens(port), what="Traefik to listen")
        yield


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _certificate(folder: Path) -> Path:
    """A certificate for localhost that signs itself; its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "proxy.crt"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    file.with_suffix(".key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file
