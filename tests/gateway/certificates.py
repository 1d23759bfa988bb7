"""Certificates of an authority of our own, for receivers over TLS."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from chassis import clock


class Authority:
    """Issues certificates, and says whom to trust for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self.certificate = self._certificate(self.name, self.key.public_key(), self._validity(), authority=True)

    @staticmethod
    def _validity(*, expired: bool = False) -> tuple[timedelta, timedelta]:
        return (timedelta(days=-3), timedelta(days=-1)) if expired else (timedelta(days=-1), timedelta(days=1))

    def _certificate(
        self,
        subject: x509.Name,
        public: ec.EllipticCurvePublicKey,
        validity: tuple[timedelta, timedelta],
        *,
        host: str = "",
        authority: bool = False,
    ) -> x509.Certificate:
        now = clock.now()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + validity[0])
            .not_valid_after(now + validity[1])
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if host:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return builder.sign(self.key, SHA256())

    def serving(self, host: str, *, expired: bool = False) -> ssl.SSLContext:
        """Return what a server needs to be this host."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._certificate(subject, key.public_key(), self._validity(expired=expired), host=host)
        path = self.folder / f"{host}-{expired}.pem"
        path.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + certificate.public_bytes(Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def trusting(self) -> ssl.SSLContext:
        """Return what a client needs to trust this authority and no other."""
        return ssl.create_default_context(cadata=self.certificate.public_bytes(Encoding.PEM).decode())
