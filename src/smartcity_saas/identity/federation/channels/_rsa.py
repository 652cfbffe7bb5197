"""Public keys of RSA, as consoles of open platforms show them."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    load_der_public_key,
    load_pem_public_key,
)


def read_public_key(text: str) -> RSAPublicKey:
    """A key, from its PEM or from the base64 of its DER.

    Raises:
        ValueError: It is no RSA key of 2048 bits at least.
    """
    found = (
        load_pem_public_key(text.encode())
        if "-----BEGIN" in text
        else load_der_public_key(base64.b64decode("".join(text.split())))
    )
    if not isinstance(found, RSAPublicKey) or found.key_size < 2048:
        raise ValueError("no RSA key of 2048 bits")
    return found
