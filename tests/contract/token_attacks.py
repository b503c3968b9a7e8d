"""A corpus of tokens that must not be believed, each by the name of what is wrong with it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.tokens import MAX_TOKEN_LENGTH, TokenSigner
from tests.unit.shared.forge import Forge, b64, dumps

Attack = Callable[[], str]


@dataclass(frozen=True)
class Forgers:
    """Two who make tokens: one with the key that is published, one with a key of its own."""

    ours: Forge
    theirs: Forge

    def header(self, **changes: Any) -> Attack:
        """Return what makes a token of ours with other header fields; None leaves one out."""
        return lambda: self.ours.token(header=self.ours.header(**changes))

    def claims(self, **changes: Any) -> Attack:
        """Return what makes a token of ours with other claims; None leaves one out."""
        return lambda: self.ours.token(claims=self.ours.claims(**changes))

    def raw(self, payload: str) -> Attack:
        """Return what signs any payload."""
        return lambda: self.ours.raw(dumps(self.ours.header()), payload)

    def raw_header(self, text: str) -> Attack:
        """Return what signs under any header."""
        return lambda: self.ours.raw(text, dumps(self.ours.claims()))


def attacks(ours: Forge, theirs: Forge) -> dict[str, Attack]:
    """Return what makes each forged token.

    Args:
        ours: the key that is published, in the hands of whoever tests: many of these are signed with it.
        theirs: a forger's own key, under the same id.
    """
    who = Forgers(ours, theirs)
    kinds = (no_token, wrong_algorithms, wrong_signatures, wrong_headers, wrong_claims, other_tokens, taken_apart)
    return {name: made for kind in kinds for name, made in kind(who).items()}


def no_token(who: Forgers) -> dict[str, Attack]:
    """Return no token of the right form."""
    ours = who.ours
    return {
        "empty": lambda: "",
        "one dot": lambda: ".",
        "two dots": lambda: "..",
        "not base64": lambda: "a b.c d.e f",
        "two segments": lambda: ".".join(ours.token().split(".")[:2]),
        "four segments": lambda: ours.token() + ".AAAA",
        "five segments, as JWE has": lambda: ".".join(["AAAA"] * 5),
        "JWE header": lambda: ours.token(header=ours.header(enc="A256GCM", alg="RSA-OAEP")),
        "padding": lambda: ours.token() + "==",
        "space before": lambda: " " + ours.token(),
        "line break after": lambda: ours.token() + "\n",
        "standard base64 alphabet": lambda: ours.token().replace("-", "+").replace("_", "/") + "+",
        "null byte": lambda: ours.token() + "\x00",
        "not ASCII": lambda: ours.token() + "é",
        "lone surrogate": lambda: ours.token() + "\ud800",
        "too long": who.claims(padding="x" * MAX_TOKEN_LENGTH),
        "header is a list": lambda: ours.raw("[]", dumps(ours.claims())),
        "header is no JSON": lambda: ours.raw("{", dumps(ours.claims())),
        "header is not UTF-8": lambda: b64(b"\xff\xfe\xfd") + "." + ours.token().split(".", 1)[1],
        "header nested too deep": lambda: ours.raw("[" * 2500, "{}"),
    }


def wrong_algorithms(who: Forgers) -> dict[str, Attack]:
    """Return tokens of another algorithm, or of none."""
    ours = who.ours
    return {
        "alg none": lambda: ours.unsigned("none"),
        "alg None": lambda: ours.unsigned("None"),
        "alg NONE": lambda: ours.unsigned("NONE"),
        "alg nOnE with a signature": who.header(alg="nOnE"),
        "alg none with a signature": who.header(alg="none"),
        "HS256 keyed with the public key": lambda: ours.hmac_with_public_key("HS256"),
        "HS384 keyed with the public key": lambda: ours.hmac_with_public_key("HS384"),
        "HS512 keyed with the public key": lambda: ours.hmac_with_public_key("HS512"),
        "HMAC behind RS256": lambda: ours.hmac_with_public_key("RS256"),
        "PS256 by the right key": ours.pss,
        "ES256": ours.elliptic,
        "RS384": who.header(alg="RS384"),
        "RS512": who.header(alg="RS512"),
        "rs256": who.header(alg="rs256"),
        "no alg": who.header(alg=None),
        "alg is a list": who.header(alg=["RS256"]),
        "alg twice": lambda: ours.raw(
            '{"alg":"none","alg":"RS256","typ":"at+jwt","kid":"key-1"}', dumps(ours.claims())
        ),
    }


def wrong_signatures(who: Forgers) -> dict[str, Attack]:
    """Return tokens that our key did not sign as they are."""
    ours, theirs = who.ours, who.theirs
    return {
        "signature stripped": lambda: ours.token().rpartition(".")[0] + ".",
        "signature of one byte": lambda: ours.token().rpartition(".")[0] + ".AA",
        "signature changed": lambda: flipped(ours.token()),
        "signature cut": lambda: ours.token()[:-8],
        "payload swapped": lambda: swapped_payload(ours),
        "another key under our kid": theirs.token,
    }


def wrong_headers(who: Forgers) -> dict[str, Attack]:
    """Return tokens whose header is not ours to the last field."""
    ours, theirs = who.ours, who.theirs
    return {
        "typ JWT": who.header(typ="JWT"),
        "typ application/at+jwt": who.header(typ="application/at+jwt"),
        "typ AT+JWT": who.header(typ="AT+JWT"),
        "typ id token": who.header(typ="id+jwt"),
        "no typ": who.header(typ=None),
        "kid unknown": who.header(kid="key-2"),
        "kid missing": who.header(kid=None),
        "kid empty": who.header(kid=""),
        "kid is a number": who.header(kid=1),
        "kid is a path": who.header(kid="../../../dev/null"),
        "kid is SQL": who.header(kid="x' UNION SELECT 'k"),
        "kid is a command": who.header(kid="key-1|id"),
        "kid too long": who.header(kid="k" * 65),
        "kid with a line break": who.header(kid="key-1\n"),
        "jku": who.header(jku="https://evil.example/jwks.json"),
        "x5u": who.header(x5u="https://evil.example/cert.pem"),
        "x5c": who.header(x5c=["MIIB"]),
        "jwk of the forger": lambda: theirs.token(header=theirs.header(jwk={"kty": "RSA", "n": "AQAB", "e": "AQAB"})),
        "crit": who.header(crit=["exp"]),
        "crit empty": who.header(crit=[]),
        "b64 false": who.header(b64=False),
        "zip": who.header(zip="DEF"),
        "cty of a nested token": who.header(cty="JWT"),
        "x5t": who.header(x5t="AAAA"),
        "kid as a list": who.header(kid=["key-1"]),
        "kid as an object": who.header(kid={"key-1": True}),
        "kid is null": who.raw_header('{"alg":"RS256","typ":"at+jwt","kid":null}'),
        "kid twice": who.raw_header(f'{{"alg":"RS256","typ":"at+jwt","kid":"evil","kid":"{ours.kid}"}}'),
        "kid with a null byte": who.header(kid=f"{ours.kid}\x00"),
        "kid is a URL": who.header(kid="https://evil.example/key.pem"),
        "kid is a file of zeros": who.header(kid="/dev/zero"),
        "kid is a Windows path": who.header(kid="..\\..\\key"),
        "kid is a template": who.header(kid="{{7*7}}"),
        "kid is a format string": who.header(kid="%s%s%s%n"),
        "kid in other letters": who.header(kid="ｋｅｙ-1"),
        "kid drops a table": who.header(kid="k'; DROP TABLE users; --"),
        "kid injects into LDAP": who.header(kid="*)(uid=*"),
        "jwk of our own key": who.header(jwk={"kty": "RSA", "kid": ours.kid}),
        "jku on loopback": who.header(jku="http://127.0.0.1:8000/.well-known/jwks.json"),
        "unknown header field": who.header(role="admin"),
        "alg in another letter case": who.header(alg="Rs256"),
        "alg with a space": who.header(alg="RS256 "),
        "alg is null": who.raw_header(f'{{"alg":null,"typ":"at+jwt","kid":"{ours.kid}"}}'),
        "alg EdDSA": who.header(alg="EdDSA"),
        "alg dir": who.header(alg="dir"),
        "typ is null": who.raw_header(f'{{"alg":"RS256","typ":null,"kid":"{ours.kid}"}}'),
        "typ is a list": who.header(typ=["at+jwt"]),
        "header with a byte order mark": lambda: ours.raw("\ufeff" + dumps(ours.header()), dumps(ours.claims())),
        "header with a comment": who.raw_header(f'{{"alg":"RS256","typ":"at+jwt","kid":"{ours.kid}"/**/}}'),
    }


def wrong_claims(who: Forgers) -> dict[str, Attack]:
    """Return tokens whose claims are missing, of another type, or somebody else's."""
    ours = who.ours
    now = ours.now
    return {
        "payload is a list": who.raw("[]"),
        "payload is a string": who.raw('"user-1"'),
        "payload is no JSON": who.raw("{"),
        "payload nested too deep": who.raw("[" * 2500),
        "payload says sub twice": who.raw(dumps(ours.claims())[:-1] + ',"sub":"admin"}'),
        "payload with NaN": who.raw(dumps(ours.claims()).replace(str(now + 900), "NaN")),
        "payload with Infinity": who.raw(dumps(ours.claims()).replace(str(now + 900), "Infinity")),
        "payload with 1e999": who.raw(dumps(ours.claims()).replace(str(now + 900), "1e999")),
        "payload with a number of 5000 digits": who.raw(dumps(ours.claims()).replace(str(now + 900), "9" * 5000)),
        "wrong issuer": who.claims(iss="https://evil.example"),
        "issuer with a slash more": who.claims(iss=ours.issuer + "/"),
        "no issuer": who.claims(iss=None),
        "issuer in a list": who.claims(iss=[ours.issuer]),
        "wrong audience": who.claims(aud="another-platform"),
        "ours among the audiences": who.claims(aud=["another-platform", ours.audience]),
        "no audience": who.claims(aud=None),
        "no subject": who.claims(sub=None),
        "empty subject": who.claims(sub=""),
        "subject is a number": who.claims(sub=1),
        "no session": who.claims(sid=None),
        "no jti": who.claims(jti=None),
        "no expiry": who.claims(exp=None),
        "expiry is text": who.claims(exp=str(now + 900)),
        "expiry is true": who.claims(exp=True),
        "expiry negative": who.claims(exp=-1),
        "expiry absurd": who.claims(exp=1e300),
        "no iat": who.claims(iat=None),
        "iat is text": who.claims(iat="yesterday"),
        # By more than a slow run of the corpus takes; the boundary is tested in tests/unit/shared/test_tokens.py.
        "issued in the future": who.claims(iat=now + 600),
        "issued after its expiry": who.claims(iat=now, exp=now - 1),
        "not yet valid": who.claims(nbf=now + 60),
        "nbf is text": who.claims(nbf="soon"),
        "roles is text": who.claims(roles="admin"),
        "roles holds a number": who.claims(roles=[1]),
        "no roles": who.claims(roles=None),
        "permissions is an object": who.claims(permissions={"demand:read": True}),
        "no permissions": who.claims(permissions=None),
        "regions is text": who.claims(regions="Kent"),
        "subject is a list": who.claims(sub=["user-1"]),
        "subject is null": who.raw(dumps(ours.claims())[:-1].replace('"sub":"user-1"', '"sub":null') + "}"),
        "client is a number": who.claims(client_id=7),
        "client is empty": who.claims(client_id=""),
        "session is a number": who.claims(sid=1),
        "exp twice": who.raw(dumps(ours.claims())[:-1] + f',"exp":{now + 9e6}}}'),
        "permissions twice": who.raw(dumps(ours.claims())[:-1] + ',"permissions":["auth:manage"]}'),
        "permissions with null": who.claims(permissions=["demand:read", None]),
        "roles in a list in a list": who.claims(roles=[["admin"]]),
        "audience in other letters": who.claims(aud=ours.audience.upper()),
        "audience with a null byte": who.claims(aud=f"{ours.audience}\x00"),
        "issuer in other letters": who.claims(iss=ours.issuer.upper()),
        "issuer with a user": who.claims(iss=ours.issuer.replace("://", "://x@")),
        "issued far in the future": who.claims(iat=now + 86_400, exp=now + 90_000),
        "iat is true": who.claims(iat=True),
        "iat negative": who.claims(iat=-1.0),
        "payload is null": who.raw("null"),
        "payload is empty": who.raw(""),
        "payload with a byte order mark": lambda: ours.raw(dumps(ours.header()), "\ufeff" + dumps(ours.claims())),
        "payload in UTF-16": lambda: ours.raw(dumps(ours.header()), dumps(ours.claims()).encode("utf-16")),
        "header in UTF-16": lambda: ours.raw(dumps(ours.header()).encode("utf-16"), dumps(ours.claims())),
        "payload is gzip": lambda: ours.raw(dumps(ours.header()), "\x1f\x8b\x08"),
    }


def other_tokens(who: Forgers) -> dict[str, Attack]:
    """Return what else the platform gives out."""
    ours = who.ours
    return {
        "an ID token": lambda: id_token(ours),
        "an ID token made out to our audience": lambda: id_token(ours, ours.audience),
        "an ID token with the claims of an access token": who.header(typ="JWT"),
        "a refresh token": lambda: secrets.token_urlsafe(32),
        "the challenge of a login": lambda: secrets.token_urlsafe(32),
        "a challenge as a signed token": lambda: ours.token(
            header=ours.header(typ="challenge+jwt"), claims=ours.claims(roles=None, permissions=None)
        ),
        "a refresh token as a signed token": who.header(typ="rt+jwt"),
        "a logout token": who.header(typ="logout+jwt"),
        "an API key": lambda: f"si_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}",
    }


def taken_apart(who: Forgers) -> dict[str, Attack]:
    """Return good tokens wrapped and taken apart."""
    ours, theirs = who.ours, who.theirs
    return {
        "detached payload": lambda: detached(ours),
        "detached payload, b64 and crit": lambda: detached(ours, b64=False, crit=["b64"]),
        "token in a token": lambda: ours.raw(dumps(ours.header(cty="JWT")), f'"{ours.token()}"'),
        "token in a token without saying so": who.raw(f'"{ours.token()}"'),
        "JWE for our key": lambda: encrypted(ours),
        "JSON serialisation": lambda: json_serialised(ours),
        "two signatures": lambda: f"{ours.token()}.{theirs.token().rpartition('.')[2]}",
        "header and payload changed over": lambda: ".".join(swapped(ours.token().split("."), 0, 1)),
        "payload and signature changed over": lambda: ".".join(swapped(ours.token().split("."), 1, 2)),
        "signature of another token": lambda: (
            ours.token().rpartition(".")[0] + "." + ours.token(claims=ours.claims(jti="j2")).rpartition(".")[2]
        ),
        "the token twice": lambda: ours.token() * 2,
        "the token and a comma": lambda: f"{ours.token()},{ours.token()}",
    }


def expired(ours: Forge) -> dict[str, Attack]:
    """Return what makes tokens that held once."""
    now = ours.now
    return {
        "expired a second ago": lambda: ours.token(claims=ours.claims(iat=now - 901, exp=now - 1)),
        "expired a year ago": lambda: ours.token(claims=ours.claims(iat=now - 3e7, exp=now - 2.9e7)),
        "expired in 1970": lambda: ours.token(claims=ours.claims(iat=0, exp=1)),
    }


def flipped(token: str) -> str:
    """Return the token with one bit of its signature turned."""
    head, _, signature = token.rpartition(".")
    return f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def swapped_payload(ours: Forge) -> str:
    """Return a token whose holder has made itself an administrator."""
    header, _, signature = ours.token().split(".")
    return f"{header}.{b64(dumps(ours.claims(roles=['admin'])))}.{signature}"


def swapped(parts: list[str], one: int, other: int) -> list[str]:
    """Return the parts with two of them changed over."""
    parts[one], parts[other] = parts[other], parts[one]
    return parts


def id_token(ours: Forge, client: str = "client-1") -> str:
    """Return an ID token as the platform makes it."""
    signer = TokenSigner(ours.key, ours.issuer, ours.audience, clock=lambda: ours.now)
    return signer.sign_id_token("user-1", client, {"sid": "session-1", "jti": "j", "roles": [], "permissions": []})


def detached(ours: Forge, **header: Any) -> str:
    """Return a token without its payload (RFC 7515, appendix F; RFC 7797)."""
    head, _, signature = ours.token(header=ours.header(**header)).split(".")
    return f"{head}..{signature}"


def encrypted(ours: Forge) -> str:
    """Return a JWE (RSA-OAEP, A256GCM) of a good token's claims: anybody can encrypt to a public key."""
    header = b64(dumps({"alg": "RSA-OAEP", "enc": "A256GCM", "typ": "at+jwt", "kid": ours.kid}))
    key, nonce = AESGCM.generate_key(256), secrets.token_bytes(12)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    sealed = AESGCM(key).encrypt(nonce, dumps(ours.claims()).encode(), header.encode())
    wrapped = ours.private.public_key().encrypt(key, oaep)
    return ".".join([header, b64(wrapped), b64(nonce), b64(sealed[:-16]), b64(sealed[-16:])])


def json_serialised(ours: Forge) -> str:
    """Return a good token in the flattened JSON serialisation (RFC 7515, 7.2.2)."""
    header, payload, signature = ours.token().split(".")
    return dumps({"protected": header, "payload": payload, "signature": signature})
