"""An OpenID provider that lies."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

from flask import Flask, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import RSAKey


class Liar:
    """A provider whose answers a test bends: whatever is in ``bend`` replaces the truth."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.other = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.bend: dict[str, Any] = {}
        self.nonce = ""
        self.jwks_asked = 0
        self.base = ""

    def app(self, base: str) -> Flask:
        """Its pages."""
        self.base = base
        app = Flask("liar")
        app.get("/.well-known/openid-configuration")(self.discovery)
        app.get("/authorize")(self.authorize)
        app.post("/token")(self.token)
        app.get("/jwks")(self.jwks)
        return app

    def discovery(self) -> Any:
        time.sleep(self.bend.get("slow", 0))
        return jsonify(
            {
                "issuer": self.base,
                "authorization_endpoint": f"{self.base}/authorize",
                "token_endpoint": f"{self.base}/token",
                "jwks_uri": f"{self.base}/jwks",
                **self.bend.get("discovery", {}),
            }
        )

    def authorize(self) -> Any:
        self.nonce = request.args["nonce"]
        back = f"{request.args['redirect_uri']}?code=c&state={request.args['state']}"
        return redirect(back + self.bend.get("back", ""))

    def jwks(self) -> Any:
        self.jwks_asked += 1
        if "busy" in self.bend:
            return jsonify({"error": "busy"}), 429
        return jsonify({"keys": [self.key.as_dict(private=False)]})

    def token(self) -> Any:
        now = int(time.time())
        claims = {
            "iss": self.base,
            "aud": "hangzhou-site",
            "sub": "somebody",
            "nonce": self.nonce,
            "iat": now,
            "exp": now + 300,
            **self.bend.get("claims", {}),
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jsonify(
            {"access_token": "t", "token_type": "Bearer", "id_token": self._signed(claims)}
        )

    def _signed(self, claims: dict[str, Any]) -> Any:
        how = self.bend.get("sign", "")
        if how == "none":
            return f"{_unsigned({'alg': 'none'}, claims)}."
        if how == "hmac":  # by hand: the library refuses to do it
            text = _unsigned({"alg": "HS256", "kid": "one"}, claims)
            mac = hmac.digest(self.key.as_pem(private=False), text.encode(), "sha256")
            return f"{text}.{_plain64(mac)}"
        if how == "other key":
            return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.other)
        if how == "missing":
            return None
        kid = "unknown" if how == "unknown kid" else "one"
        return jwt.encode({"alg": "RS256", "kid": kid}, claims, self.key)


def _plain64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _unsigned(header: dict[str, str], claims: dict[str, Any]) -> str:
    return ".".join(_plain64(json.dumps(part).encode()) for part in (header, claims))


LIES: dict[str, dict[str, Any]] = {
    "no algorithm": {"sign": "none"},
    "the public key as a shared one": {"sign": "hmac"},
    "another key": {"sign": "other key"},
    "an unknown kid": {"sign": "unknown kid"},
    "no ID token": {"sign": "missing"},
    "another issuer": {"claims": {"iss": "https://other.example"}},
    "another audience": {"claims": {"aud": "ningbo-site"}},
    "two audiences, not ours": {"claims": {"aud": ["hangzhou-site", "x"], "azp": "x"}},
    "another nonce": {"claims": {"nonce": "other"}},
    "a list as nonce": {"claims": {"nonce": ["x"]}},
    "no nonce": {"claims": {"nonce": None}},
    "expired": {"claims": {"exp": 1_000_000_000}},
    "no end": {"claims": {"exp": None}},
    "no subject": {"claims": {"sub": ""}},
    "a subject that is no text": {"claims": {"sub": 7}},
    "the answer's issuer (RFC 9207)": {"back": "&iss=https%3A%2F%2Fother.example"},
}
