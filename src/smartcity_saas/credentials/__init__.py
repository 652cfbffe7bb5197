"""Named secrets of a city, encrypted at rest; documents only ever name them."""

from smartcity_saas.credentials.keyring import Keyring
from smartcity_saas.credentials.store import (
    CredentialError,
    credential_names,
    read_credential,
    store_credential,
)

__all__ = [
    "CredentialError",
    "Keyring",
    "credential_names",
    "read_credential",
    "store_credential",
]
