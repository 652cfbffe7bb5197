"""Named secrets of a city, encrypted at rest; documents only ever name them."""

from smartcity_saas.credentials.bindings import bound_secrets
from smartcity_saas.credentials.keyring import Keyring
from smartcity_saas.credentials.province_credentials import (
    province_secrets,
    read_province_secret,
    reencrypt_province_secrets,
    store_province_secret,
)
from smartcity_saas.credentials.reencryption import reencrypt_rows
from smartcity_saas.credentials.store import (
    CredentialError,
    accepted_values,
    check_secret,
    credentials,
    note_probe,
    opens,
    read_credential,
    remove_credential,
    rewrap,
    store_credential,
    usable_secrets,
)
from smartcity_saas.credentials.usage import write_uses

__all__ = [
    "CredentialError",
    "Keyring",
    "accepted_values",
    "bound_secrets",
    "check_secret",
    "credentials",
    "note_probe",
    "opens",
    "province_secrets",
    "read_credential",
    "read_province_secret",
    "reencrypt_province_secrets",
    "reencrypt_rows",
    "remove_credential",
    "rewrap",
    "store_credential",
    "store_province_secret",
    "usable_secrets",
    "write_uses",
]
