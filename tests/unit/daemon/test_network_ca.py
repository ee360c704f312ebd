"""Two nodes that never met prove their keys to each other; everything else is refused."""

import hashlib
import ssl
from datetime import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from chaosnet.base.errors import InvalidMessage
from chaosnet.daemon import network_ca
from chaosnet.daemon.network_ca import node_id_of, peer_node_id, ssl_contexts

GENESIS = bytes(range(32))
ALICE, BOB = b"a" * 32, b"b" * 32

Contexts = tuple[ssl.SSLContext, ssl.SSLContext]
PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Run a handshake in memory; return the (server, client) ends, or raise what either end raises."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (server.wrap_bio(up, down, server_side=True), client.wrap_bio(down, up))
    done = [False, False]
    for _ in range(10):
        for number in (1, 0):
            if not done[number]:
                try:
                    ends[number].do_handshake()
                    done[number] = True
                except ssl.SSLWantReadError:
                    pass
    assert all(done)
    return ends


def contexts_with(key: PrivateKey, *chain: x509.Certificate) -> Contexts:
    """Return contexts that present any chain, as a hostile node can."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem += b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)
    ca = network_ca.network_ca(GENESIS).public_bytes(Encoding.DER)
    server = network_ca._context(ssl.PROTOCOL_TLS_SERVER, pem, ca)
    return server, network_ca._context(ssl.PROTOCOL_TLS_CLIENT, pem, ca)


def certificate_of(
    key: PrivateKey, issuer: Ed25519PrivateKey, *, issuer_name: x509.Name, ca: bool = False, filler: int = 0
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mallory")])
    comment = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), bytes(filler))
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(77)
        .not_valid_before(datetime(2000, 1, 1))  # noqa: DTZ001
        .not_valid_after(datetime(2100, 1, 1))  # noqa: DTZ001
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(network_ca._CA_USAGE if ca else network_ca._LEAF_USAGE, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False
        )
        .add_extension(comment, critical=False)
        .sign(issuer, None)
    )


def test_both_ends_learn_the_right_key() -> None:
    (server, _), (_, client) = ssl_contexts(GENESIS, ALICE), ssl_contexts(GENESIS, BOB)
    at_server, at_client = shake_hands(server, client)
    assert peer_node_id(at_server) == node_id_of(BOB)
    assert peer_node_id(at_client) == node_id_of(ALICE)
    assert at_server.version() == "TLSv1.3"


def test_certificates_are_the_same_bytes_in_every_node() -> None:
    ca = network_ca.network_ca(GENESIS).public_bytes(Encoding.DER)
    alice = Ed25519PrivateKey.from_private_bytes(ALICE).public_key()
    leaf = network_ca.node_leaf(GENESIS, alice).public_bytes(Encoding.DER)
    assert (
        hashlib.sha256(ca).hexdigest() == "225a20cca426dc89599753f21baf6a36173a66286c87dbdbbbc671992e00599d"
    )
    assert (
        hashlib.sha256(leaf).hexdigest() == "a050cc39ac7af14fb3ac7a2f6f5ba73a31cf1d34ff9a01243a1c46c5d0d63b61"
    )


def test_contexts_are_strict() -> None:
    for context in ssl_contexts(GENESIS, ALICE):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_3
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.verify_flags & ssl.VERIFY_X509_STRICT
        assert context.options & ssl.OP_NO_TICKET
    assert ssl_contexts(GENESIS, ALICE)[0].num_tickets == 0


def test_another_network_is_refused_by_both_ends() -> None:
    other = ssl_contexts(bytes(32), BOB)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(ssl_contexts(GENESIS, ALICE)[0], other[1])
    trusting = other[1]
    trusting.verify_mode = ssl.CERT_NONE
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(ssl_contexts(GENESIS, ALICE)[0], trusting)


def test_no_certificate_is_refused() -> None:
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.check_hostname = False
    bare.verify_mode = ssl.CERT_NONE
    with pytest.raises(ssl.SSLError, match="(?i)did not return a certificate"):
        shake_hands(ssl_contexts(GENESIS, ALICE)[0], bare)


def test_another_protocol_is_refused() -> None:
    server, client = ssl_contexts(GENESIS, ALICE)[0], ssl_contexts(GENESIS, BOB)[1]
    client.set_alpn_protocols(["h2"])
    with pytest.raises(InvalidMessage, match="chaosnet/1"):
        peer_node_id(shake_hands(server, client)[0])


def test_the_key_of_the_ca_is_nobody() -> None:
    ca_key = network_ca.network_ca_key(GENESIS)
    _, client = contexts_with(ca_key, network_ca.node_leaf(GENESIS, ca_key.public_key()))
    at_server, _ = shake_hands(ssl_contexts(GENESIS, ALICE)[0], client)
    with pytest.raises(InvalidMessage, match="everybody"):
        peer_node_id(at_server)


def test_a_key_of_another_kind_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    ca_name = network_ca.network_ca(GENESIS).subject
    leaf = certificate_of(key, network_ca.network_ca_key(GENESIS), issuer_name=ca_name)
    at_server, _ = shake_hands(ssl_contexts(GENESIS, ALICE)[0], contexts_with(key, leaf)[1])
    with pytest.raises(InvalidMessage, match="not Ed25519"):
        peer_node_id(at_server)


def test_a_key_of_small_order_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody holds such a key, but signatures under it can be made by anybody; the handshake is replaced.
    weak = Ed25519PublicKey.from_public_bytes(b"\x01" + bytes(31))
    leaf = network_ca.node_leaf(GENESIS, weak).public_bytes(Encoding.DER)

    class Finished:
        context = ssl_contexts(GENESIS, ALICE)[0]

        def selected_alpn_protocol(self) -> str:
            return network_ca.ALPN

        def getpeercert(self, *, binary_form: bool) -> bytes:
            assert binary_form
            return leaf

    with pytest.raises(InvalidMessage, match="everybody"):
        peer_node_id(Finished())  # type: ignore[arg-type]


def test_an_intermediate_is_refused() -> None:
    middle, key = Ed25519PrivateKey.from_private_bytes(b"m" * 32), Ed25519PrivateKey.from_private_bytes(BOB)
    ca_name = network_ca.network_ca(GENESIS).subject
    issued = certificate_of(middle, network_ca.network_ca_key(GENESIS), issuer_name=ca_name, ca=True)
    leaf = certificate_of(key, middle, issuer_name=issued.subject)
    with pytest.raises(ssl.SSLCertVerificationError, match="path length"):
        shake_hands(ssl_contexts(GENESIS, ALICE)[0], contexts_with(key, leaf, issued)[1])


def test_a_bulky_certificate_is_refused() -> None:
    key = Ed25519PrivateKey.from_private_bytes(BOB)
    ca_name = network_ca.network_ca(GENESIS).subject
    leaf = certificate_of(key, network_ca.network_ca_key(GENESIS), issuer_name=ca_name, filler=4096)
    at_server, _ = shake_hands(ssl_contexts(GENESIS, ALICE)[0], contexts_with(key, leaf)[1])
    with pytest.raises(InvalidMessage) as caught:
        peer_node_id(at_server)
    assert caught.value.code == "too_large"


def test_a_leaf_of_somebody_else_does_not_load_without_its_key() -> None:
    bob = Ed25519PrivateKey.from_private_bytes(BOB).public_key()
    with pytest.raises(ssl.SSLError, match="(?i)mismatch"):
        contexts_with(Ed25519PrivateKey.from_private_bytes(ALICE), network_ca.node_leaf(GENESIS, bob))
