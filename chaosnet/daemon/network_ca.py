"""Who a peer is: the Ed25519 key in its TLS certificate, and nothing else in it (protocol: Trust).

Python's ssl has no verify callback and refuses unknown self-signed certificates, so OpenSSL checks the
proof of possession on both sides only under a common CA. The network's CA has a private key that everybody
can derive from the genesis hash: each node issues its own leaf. The CA authorises nothing; it keeps other
networks out by mistake, not by force. Admission is decided by the key, after the handshake. Never used for
HTTPS.
"""

import os
import ssl
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from nacl.bindings import crypto_core_ed25519_is_valid_point

from chaosnet.base.errors import InvalidMessage
from chaosnet.base.limits import CERTIFICATE_BYTES_MAX
from chaosnet.base.units import NodeId
from chaosnet.crypto.hashing import tagged_hash

ALPN: Final = "chaosnet/1"

_VALID_FROM: Final = datetime(1970, 1, 1)  # noqa: DTZ001 (the builder takes naive UTC)
_VALID_TO: Final = datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001
_CA_NAME: Final = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "chaosnet network")])
_CA_USAGE: Final = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
_LEAF_USAGE: Final = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def network_ca_key(genesis_hash: bytes) -> Ed25519PrivateKey:
    """Return the network CA's key pair, known to everybody who knows the genesis hash."""
    return Ed25519PrivateKey.from_private_bytes(tagged_hash(b"transport-ca", genesis_hash))


@lru_cache(maxsize=8)
def network_ca(genesis_hash: bytes) -> x509.Certificate:
    """Return the network CA's certificate: the same bytes in every node."""
    key = network_ca_key(genesis_hash)
    public = key.public_key()
    # Path length 0: no intermediate below it, whoever signs one.
    return (
        _builder(_CA_NAME, public, serial=1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_CA_USAGE, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, None)
    )


def node_leaf(genesis_hash: bytes, public: Ed25519PublicKey) -> x509.Certificate:
    """Return the certificate under the network CA for a node's own key: the same bytes at each start."""
    ca_key = network_ca_key(genesis_hash)
    raw = public.public_bytes_raw()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, raw.hex())])
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        _builder(name, public, serial=int.from_bytes(raw[:16]) >> 1 | 1)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_LEAF_USAGE, critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(issuer, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(ca_key, None)
    )


def _builder(name: x509.Name, public: Ed25519PublicKey, serial: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(_CA_NAME)
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(_VALID_FROM)
        .not_valid_after(_VALID_TO)
    )


def node_id_of(node_seed: bytes) -> NodeId:
    """Return the node id of a 32-byte Ed25519 seed."""
    return NodeId(Ed25519PrivateKey.from_private_bytes(node_seed).public_key().public_bytes_raw())


def ssl_contexts(genesis_hash: bytes, node_seed: bytes) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the (server, client) contexts of one node; `node_seed` is its 32-byte Ed25519 seed."""
    key = Ed25519PrivateKey.from_private_bytes(node_seed)
    leaf = node_leaf(genesis_hash, key.public_key()).public_bytes(Encoding.PEM)
    chain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + leaf
    ca = network_ca(genesis_hash).public_bytes(Encoding.DER)
    server = _context(ssl.PROTOCOL_TLS_SERVER, chain, ca)
    server.num_tickets = 0
    return server, _context(ssl.PROTOCOL_TLS_CLIENT, chain, ca)


def _context(protocol: int, chain: bytes, ca: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.options |= ssl.OP_NO_TICKET
    context.set_alpn_protocols([ALPN])
    context.load_verify_locations(cadata=ca)
    # load_cert_chain reads files only; an anonymous file in memory keeps the key off every disk.
    descriptor = os.memfd_create("node-leaf", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, chain)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    return context


def peer_node_id(ssl_object: ssl.SSLObject) -> NodeId:
    """Return the key the peer proved to hold in a finished handshake of one of our contexts.

    Raises InvalidMessage(`handshake` | `too_large`): no or another ALPN, no certificate, one over
    CERTIFICATE_BYTES_MAX, one that the network CA did not sign itself, a key that is not Ed25519, is the
    CA's, or lies outside the prime-order group (anybody can sign for such a key).
    """
    if ssl_object.selected_alpn_protocol() != ALPN:
        raise InvalidMessage("handshake", f"peer does not speak {ALPN}")
    encoded = ssl_object.getpeercert(binary_form=True)
    if encoded is None:
        raise InvalidMessage("handshake", "no certificate")
    if len(encoded) > CERTIFICATE_BYTES_MAX:
        raise InvalidMessage("too_large", f"certificate of {len(encoded)} bytes")
    ca = x509.load_der_x509_certificate(ssl_object.context.get_ca_certs(binary_form=True)[0])
    try:
        leaf = x509.load_der_x509_certificate(encoded)
        leaf.verify_directly_issued_by(ca)
        key = leaf.public_key()
    except (ValueError, TypeError, InvalidSignature, x509.InvalidVersion) as error:
        raise InvalidMessage("handshake", f"certificate: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidMessage("handshake", "key is not Ed25519")
    raw = key.public_bytes_raw()
    if key == ca.public_key() or not crypto_core_ed25519_is_valid_point(raw):
        raise InvalidMessage("handshake", "key belongs to everybody")
    return NodeId(raw)
