"""Who uses the sandbox's apps, who may ask for them, and codes and tokens given out."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

KEY = (Path(__file__).parent / "sample_key.pem").read_text("ascii")
"""The key with which the sandbox's Alipay signs. It is public, like all of the sandbox."""


@dataclass(frozen=True)
class Person:
    """Somebody made up. The number is of the form of GB 11643 with the code of no real county."""

    key: str
    name: str
    real_name: str
    number: str


PEOPLE = {
    one.key: one
    for one in (
        Person("first", "示例用户甲", "示例甲", "110000199001010013"),
        Person("second", "示例用户乙", "示例乙", "110000198512310021"),
        Person("third", "示例用户丙", "示例丙", "110000200006150037"),
    )
}


@dataclass
class Grant:
    """A code or a token: for whom, at which application, and whether it has been used."""

    app: str
    person: str
    redirect_uri: str = ""
    used: bool = False


@dataclass
class ChannelSandbox:
    """Everything that the sandbox knows. ``fault`` makes it misbehave, for tests; ``error:40029``
    makes it answer by that error of the provider's documentation."""

    secrets: dict[str, str] = field(default_factory=dict)
    codes: dict[str, Grant] = field(default_factory=dict)
    tokens: dict[str, Grant] = field(default_factory=dict)
    fault: str = ""

    def code(self, app: str, person: str, redirect_uri: str) -> str:
        """A new code."""
        made = secrets.token_hex(16)
        self.codes[made] = Grant(app, person, redirect_uri)
        return made

    def token(self, grant: Grant) -> str:
        """A new token."""
        made = secrets.token_hex(16)
        self.tokens[made] = Grant(grant.app, grant.person)
        return made

    def use(self, code: str, app: str) -> Grant | None:
        """Use a code up; None if it is unknown, used, or another application's."""
        grant = self.codes.get(code)
        if grant is None or grant.used or grant.app != app:
            return None
        grant.used = True
        return grant


def person_id(app: str, person: str, length: int = 28) -> str:
    """What an application knows somebody by: at every application something else."""
    return hashlib.sha256(f"{app}/{person}".encode()).hexdigest()[:length]


def public_key() -> str:
    """The sandbox's public key as Alipay's console would show it."""
    key = load_pem_private_key(KEY.encode(), None).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return "".join(pem.splitlines()[1:-1])
