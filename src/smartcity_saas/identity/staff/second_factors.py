"""Second factors of staff: time-based codes (TOTP, RFC 6238), passkeys (WebAuthn Level 3), and
recovery codes for when both are lost."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyotp
from cryptography.exceptions import InvalidTag
from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from smartcity_saas.credentials import Keyring, reencrypt_rows
from smartcity_saas.database import db, one_or_404, transaction
from smartcity_saas.errors import Invalid
from smartcity_saas.identity.rate_limits import DAY, count_attempt, give_back
from smartcity_saas.identity.staff.accounts import note_staff_act
from smartcity_saas.identity.staff.models import Staff, StaffAttempt, StaffFactor, StaffRecoveryCode
from smartcity_saas.identity.staff.roles import StaffMember
from smartcity_saas.identity.tokens import token_hash
from smartcity_saas.lazy_imports import LazyLibrary
from smartcity_saas.product import product

if TYPE_CHECKING:
    import webauthn
    from webauthn import helpers
    from webauthn.helpers import exceptions, structs
else:  # 6 MB with what checks certificates, for staff with passkeys
    webauthn = LazyLibrary("webauthn")
    helpers = LazyLibrary("webauthn.helpers")
    exceptions = LazyLibrary("webauthn.helpers.exceptions")
    structs = LazyLibrary("webauthn.helpers.structs")

TOTP, PASSKEY = "totp", "passkey"
STEP_SECONDS = 30
MOST_TRIES = 8
MOST_TRIES_A_DAY = 60
RECOVERY_CODES = 10
ISSUER = "smartcity"


def factors_of(member: StaffMember) -> list[StaffFactor]:
    """A member's second factors, the oldest first."""
    query = select(StaffFactor).where(StaffFactor.staff_id == member.id)
    return list(db.session.scalars(query.order_by(StaffFactor.created_at)))


def new_totp_secret() -> str:
    """A secret for an authenticator app, base32, 160 bits."""
    return pyotp.random_base32()


def totp_uri(member: StaffMember, secret: str) -> str:
    """What the QR code of a secret says (Key URI format)."""
    uri: str = pyotp.TOTP(secret).provisioning_uri(name=member.username, issuer_name=ISSUER)
    return uri


def add_totp(member: StaffMember, secret: str, code: str, now: datetime) -> None:
    """Keep a secret, once a code shows that the app has it.

    Raises:
        Invalid: The code is missing, or does not fit.
    """
    if not code.strip():
        raise Invalid(_("Enter the 6 digits shown in the app."))
    step = _step_of(secret, code, now)
    if step is None:
        raise Invalid(
            _("That code is not right. Check that your phone's time is set automatically.")
        )
    sealed = _keyring().seal_platform(f"totp:{member.id}", secret.encode())
    _add(member, TOTP, _("Authenticator app"), sealed, None, step, now)


def check_code(
    member: StaffMember, code: str, now: datetime, *, known_device: str | None = None
) -> None:
    """Accept a code of the authenticator app or a recovery code, each once. Tries are counted by
    account within minutes and within a day, or by the mark of a browser that its owner has come
    in by before: whoever has stolen a password neither guesses on nor shuts its owner out.

    Raises:
        Invalid: It is missing, which is no try, or it fits nothing.
        Throttled: Too many were tried.
    """
    if not code.strip():
        raise Invalid(_("Enter the 6 digits from the app, or a recovery code."))
    whose = f"{member.id}|{known_device}" if known_device else str(member.id)
    count_attempt(StaffAttempt, f"factor:{whose}", MOST_TRIES, now)
    kept = [f"factor-day:{whose}", *([f"factor-known:{member.id}"] if known_device else [])]
    for key in kept:
        count_attempt(StaffAttempt, key, MOST_TRIES_A_DAY, now, DAY)
    if not _use_totp(member, code, now) and not _use_recovery(member, code, now):
        raise Invalid(_("This code is wrong or has already been used."))
    for key in kept:
        give_back(StaffAttempt, key)


def registration_options(member: StaffMember, rp_id: str) -> tuple[str, str]:
    """What a browser needs to make a passkey: the options as JSON, and the challenge."""
    options = webauthn.generate_registration_options(
        rp_id=rp_id,
        rp_name=ISSUER,
        user_id=member.id.bytes,
        user_name=member.username,
        user_display_name=member.name,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.PREFERRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_descriptors(member),
    )
    return helpers.options_to_json(options), helpers.bytes_to_base64url(options.challenge)


def add_passkey(
    member: StaffMember, answer: Any, challenge: str, origin: str, rp_id: str, now: datetime
) -> None:
    """Keep a passkey's public key.

    Raises:
        Invalid: What the browser sent does not answer the challenge, or the passkey is registered,
            with whichever account (WebAuthn Level 3, section 7.1).
    """
    try:
        found = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=helpers.base64url_to_bytes(challenge),
            expected_origin=origin,
            expected_rp_id=rp_id,
            require_user_verification=True,
        )
    except (exceptions.WebAuthnException, ValueError, KeyError, TypeError, AttributeError):
        raise Invalid(_("We could not set up this passkey. Try again.")) from None
    try:
        _add(
            member,
            PASSKEY,
            _("Passkey"),
            found.credential_public_key,
            found.credential_id,
            found.sign_count,
            now,
        )
    except IntegrityError:  # the database decides, whoever else registers it in this moment
        raise Invalid(_("This passkey has already been set up. Use another one.")) from None


def authentication_options(member: StaffMember, rp_id: str) -> tuple[str, str]:
    """What a browser needs to use a passkey: the options as JSON, and the challenge."""
    options = webauthn.generate_authentication_options(
        rp_id=rp_id,
        allow_credentials=_descriptors(member),
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return helpers.options_to_json(options), helpers.bytes_to_base64url(options.challenge)


def check_passkey(
    member: StaffMember, answer: Any, challenge: str, origin: str, rp_id: str
) -> None:
    """Accept a passkey's answer to a challenge.

    Raises:
        Invalid: It is none of the member's, or does not answer.
    """
    refused = Invalid(_("We could not accept this passkey. Try again, or use a code."))
    try:
        used = helpers.base64url_to_bytes(answer["rawId"])
        row = next((f for f in factors_of(member) if f.credential_id == used), None)
        if row is None:
            raise refused
        found = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=helpers.base64url_to_bytes(challenge),
            expected_origin=origin,
            expected_rp_id=rp_id,
            credential_public_key=row.secret,
            credential_current_sign_count=row.last_used,
            require_user_verification=True,
        )
    except (exceptions.WebAuthnException, ValueError, KeyError, TypeError, AttributeError):
        raise refused from None
    with transaction() as session:
        session.execute(
            update(StaffFactor)
            .where(StaffFactor.id == row.id)
            .values(last_used=found.new_sign_count)
        )


def remove_factor(member: StaffMember, factor_id: uuid.UUID, now: datetime) -> None:
    """Take one's own factor away. The last one may go too: where the role needs one, the next
    sign-in asks for a new one.

    Raises:
        NotFound: It is none of the member's.
    """
    with transaction():
        gone = one_or_404(
            delete(StaffFactor)
            .where(StaffFactor.id == factor_id, StaffFactor.staff_id == member.id)
            .returning(StaffFactor.kind)
        )
        note_staff_act(member, "remove_factor", now, {"kind": gone})


def new_recovery_codes(member: StaffMember, now: datetime) -> list[str]:
    """Ten codes in place of the older ones, to be written down; they are shown this once."""
    codes = [f"{secrets.token_hex(4)}-{secrets.token_hex(4)}" for _n in range(RECOVERY_CODES)]
    with transaction() as session:
        session.execute(delete(StaffRecoveryCode).where(StaffRecoveryCode.staff_id == member.id))
        session.add_all(
            StaffRecoveryCode(
                code_hash=_code_hash(member, code), staff_id=member.id, created_at=now
            )
            for code in codes
        )
        note_staff_act(member, "recovery_codes", now)
    return codes


def recovery_codes_left(member: StaffMember) -> int:
    """How many recovery codes are still good."""
    query = select(StaffRecoveryCode.code_hash).where(StaffRecoveryCode.staff_id == member.id)
    return len(db.session.scalars(query).all())


def reencrypt_factors(*, only_try: bool = False) -> tuple[int, list[str]]:
    """As ``reencrypt_rows``, the secrets of the authenticator apps."""
    query = select(StaffFactor.id, StaffFactor.staff_id, Staff.username, StaffFactor.secret)
    query = query.join(Staff, Staff.id == StaffFactor.staff_id).where(StaffFactor.kind == TOTP)
    return reencrypt_rows(
        _keyring(),
        StaffFactor,
        "secret",
        [
            (key, f"totp:{staff_id}", f"second factor of {username}", secret)
            for key, staff_id, username, secret in db.session.execute(query).all()
        ],
        only_try=only_try,
    )


def _add(
    member: StaffMember,
    kind: str,
    name: Any,
    secret: bytes,
    credential_id: bytes | None,
    last_used: int,
    now: datetime,
) -> None:
    with transaction() as session:
        session.add(
            StaffFactor(
                staff_id=member.id,
                kind=kind,
                name=str(name),
                secret=secret,
                credential_id=credential_id,
                last_used=last_used,
                created_at=now,
            )
        )
        note_staff_act(member, "add_factor", now, {"kind": kind})


def _use_totp(member: StaffMember, code: str, now: datetime) -> bool:
    for row in factors_of(member):
        if row.kind != TOTP:
            continue
        try:
            secret = _keyring().open_platform(f"totp:{member.id}", row.secret).decode()
        except InvalidTag:
            continue
        step = _step_of(secret, code, now)
        if step is None:
            continue
        with transaction() as session:  # a code is good once, however many ask at the same moment
            used = session.scalars(
                update(StaffFactor)
                .where(StaffFactor.id == row.id, StaffFactor.last_used < step)
                .values(last_used=step)
                .returning(StaffFactor.id)
            ).all()
        return bool(used)
    return False


def _use_recovery(member: StaffMember, code: str, now: datetime) -> bool:
    with transaction() as session:
        used = session.scalars(
            delete(StaffRecoveryCode)
            .where(
                StaffRecoveryCode.code_hash == _code_hash(member, code.strip().lower()),
                StaffRecoveryCode.staff_id == member.id,
            )
            .returning(StaffRecoveryCode.code_hash)
        ).all()
        if used:
            note_staff_act(member, "recover", now)
    return bool(used)


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step whose code this is: the present one, or the one before or after it."""
    code = "".join(code.split())
    if not secret:
        return None
    present = int(now.timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(secret)
    for step in (present, present - 1, present + 1):
        if secrets.compare_digest(totp.generate_otp(step).encode(), code.encode()):
            return step
    return None


def _descriptors(member: StaffMember) -> list[structs.PublicKeyCredentialDescriptor]:
    return [
        structs.PublicKeyCredentialDescriptor(id=row.credential_id)
        for row in factors_of(member)
        if row.credential_id is not None
    ]


def _code_hash(member: StaffMember, code: str) -> str:
    return token_hash(f"{member.id}:{code}")


def _keyring() -> Keyring:
    return product().keyring
