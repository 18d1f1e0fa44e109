"""
oauth_tokens.py
    What the authorization server has issued: access tokens, refresh tokens that
    rotate, authorization codes, and the family of all that one consent led to.
    Used by oauth.py, under the lock of api.py.

Every time is one of the server's clock, in seconds, which the setting
clock_offset_s moves.
"""

import base64
import hashlib
import secrets
import time


class Refused(Exception):
    """
    What the authorization server does not do, and the answer that says so:
    "error" and "error_description".  "reason" is for the counts of a test.
    """

    def __init__(self, error, reason, description, status=400):
        super().__init__(description)
        self.error = error
        self.reason = reason
        self.description = description
        self.status = status


class Family:
    """All that one consent leads to; it is revoked as a whole."""

    def __init__(self, client, scope):
        self.client = client
        self.scope = scope
        self.revoked = False


class Token:
    """An access token, a refresh token or a code."""

    def __init__(self, family, expires):
        self.family = family
        self.expires = expires
        self.used = None            # when a refresh token or a code was first used
        self.beside = None          # the access token that was issued with a refresh token
        self.redirect_uri = None    # these two bind a code
        self.challenge = None


def new_text(prefix):
    """A token as long as the real ones and of the same characters."""
    return "ory_%s_%s.%s" % (prefix, secrets.token_urlsafe(32), secrets.token_urlsafe(32))


def challenge_of(verifier):
    """The S256 code challenge of a verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Tokens:
    def __init__(self, settings):
        self.settings = settings
        self.access = {}            # text: Token, here and below in the order of issue
        self.refresh = {}
        self.codes = {}

    def now(self):
        return time.monotonic() + self.settings["clock_offset_s"]

    def is_valid(self, token):
        return not token.family.revoked and self.now() < token.expires

    def judge(self, issued, text):
        """
        What a log may tell of a token among those issued: "good", "old" (used before, expired
        or revoked), "bad" (never issued) or "none".
        """
        if text is None:
            return "none"
        if text not in issued:
            return "bad"
        token = issued[text]
        return "good" if self.is_valid(token) and token.used is None else "old"

    def valid(self, issued):
        """The texts of those that are good, oldest first."""
        return [text for text in issued if self.judge(issued, text) == "good"]

    def issue(self, family, with_refresh_token=True):
        """A new pair of the family: the members of a token answer, all of them."""
        now = self.now()
        seconds = self.settings["access_token_seconds"]
        text = new_text("at")
        self.access[text] = Token(family, now + seconds)
        answer = {"access_token": text, "expires_in": seconds, "scope": family.scope, "token_type": "bearer"}
        if with_refresh_token:
            answer["refresh_token"] = new_text("rt")
            token = Token(family, now + self.settings["refresh_token_days"] * 86400)
            token.beside = self.access[text]
            self.refresh[answer["refresh_token"]] = token
        return answer

    def check_owner(self, token, client):
        if token is None:
            raise Refused("invalid_grant", "unknown", "It was never issued")
        if token.family.client != client:
            raise Refused("invalid_grant", "other_client", "It was issued to another client")
        if token.family.revoked:
            raise Refused("invalid_grant", "revoked", "It has been revoked")

    def reused(self, family):
        """Somebody has a copy of what is good once, so nothing of the family is trusted any more."""
        if self.settings["reuse_revokes_family"]:
            family.revoked = True
        return Refused("invalid_grant", "reused", "It has already been used")

    def rotate(self, text, client):
        """
        The answer to a refresh token.  It works until grace_ms after its first use, each time
        with another pair.  Where the answer holds no refresh token, the old one stays good.
        """
        token = self.refresh.get(text)
        self.check_owner(token, client)
        now = self.now()
        if token.used is not None and now - token.used >= self.settings["grace_ms"] / 1000:
            raise self.reused(token.family)
        if now >= token.expires:
            raise Refused("invalid_grant", "expired", "It has expired")
        rotates = not self.settings["omit_refresh_token"]
        if rotates and token.used is None:
            token.used = now
        if self.settings["refresh_ends_access_token"]:
            token.beside.expires = min(token.beside.expires, now)
        return self.issue(token.family, rotates)

    def consent(self, client, scope, redirect_uri, challenge):
        """A code."""
        text = new_text("ac")
        code = Token(Family(client, scope), self.now() + self.settings["authorization_code_seconds"])
        code.redirect_uri = redirect_uri
        code.challenge = challenge
        self.codes[text] = code
        return text

    def exchange(self, text, client, redirect_uri, verifier):
        """The answer to a code, which is good for one attempt, whatever comes of it."""
        code = self.codes.get(text)
        self.check_owner(code, client)
        if code.used is not None:
            raise self.reused(code.family)
        code.used = self.now()
        if code.used >= code.expires:
            raise Refused("invalid_grant", "expired", "It has expired")
        if redirect_uri != code.redirect_uri:
            raise Refused("invalid_grant", "other_redirect_uri", "The code was asked for with another redirect_uri")
        if (challenge_of(verifier) if verifier else None) != code.challenge:
            raise Refused("invalid_grant", "wrong_verifier", "code_verifier does not fit the code_challenge")
        return self.issue(code.family, not self.settings["omit_refresh_token"])

    def revoke(self, text, client):
        """Revokes the family of a token; one that was never issued is as good as revoked (RFC 7009)."""
        token = self.access.get(text) or self.refresh.get(text)
        if token is None:
            return
        if token.family.client != client:
            raise Refused("unauthorized_client", "other_client", "It was issued to another client")
        token.family.revoked = True

    def expire(self, issued):
        now = self.now()
        for token in issued.values():
            token.expires = min(token.expires, now)

    def revoke_all(self):
        for issued in (self.access, self.refresh, self.codes):
            for token in issued.values():
                token.family.revoked = True
