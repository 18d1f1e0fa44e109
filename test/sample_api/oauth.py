"""
oauth.py
    The authorization server beside the sample API: /oauth2/auth, /oauth2/token
    and /oauth2/revoke, as strict as OAuth 2.0 lets a server be, its settings, and
    its control requests.  Used by api.py, under its lock.

No description and no log entry repeats what a client sent as a secret.
"""

import collections
import json
import re
import urllib.parse

import rules
from faults import Fault
from oauth_tokens import Family, Refused, Tokens

SETTINGS = {
    "oauth_client_id": "sample-client",
    "oauth_client_secret": "sample-client-secret",
    "oauth_redirect_uri": "http://localhost/callback",
    "access_token_seconds": 3600,
    "refresh_token_days": 90,
    "authorization_code_seconds": 600,
    "grace_ms": 60000,                      # a refresh token works so long after its first use
    "reuse_revokes_family": True,           # a refresh token after that, or a code used twice
    "refresh_ends_access_token": False,     # the one that came with the refresh token
    "omit_expires_in": False,               # these three: from token answers
    "omit_refresh_token": False,            # then refresh tokens do not rotate
    "omit_scope": False,
    "clock_offset_s": 0.0,                  # how far the clock of tokens is ahead
}

AUTHORIZE = "/oauth2/auth"
TOKEN = "/oauth2/token"
REVOKE = "/oauth2/revoke"
PATHS = (AUTHORIZE, TOKEN, REVOKE)

# What is served below /_control/, and what each takes.
CONTROLS = {"oauth": (), "oauth_issue": (), "oauth_expire": ("access", "refresh"), "oauth_revoke": (),
            "oauth_forget_answers": ("n",), "advance": ("seconds",)}

CLIENT = ("client_id", "client_secret")
GRANTS = {"refresh_token": ("refresh_token",), "authorization_code": ("code", "redirect_uri")}
REQUIRED_SCOPES = ("payment_link.read", "offline_access")
SCOPES = REQUIRED_SCOPES + ("payment_link.write", "organization.read", "client.read", "client_invoices.read",
                            "supplier_invoice.read")
SHORTEST_STATE = 8                          # characters; less is too easy to guess

FORM_TYPE = "application/x-www-form-urlencoded"
NO_STORE = [("Cache-Control", "no-store"), ("Pragma", "no-cache")]

# What may stand in a form as it is; a query may have more (RFC 3986).
FORM_TEXT = re.compile(r"(?:[A-Za-z0-9*._~+-]|%[0-9A-Fa-f]{2})*")
QUERY_TEXT = re.compile(r"(?:[A-Za-z0-9*._~+:/?@!$'(),;-]|%[0-9A-Fa-f]{2})*")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
SECRET_PARAMETER = re.compile(r"((?:^|&)(?:client_secret|\w*token|code|code_verifier)=)[^&]*")
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def hide_secrets(request):
    """
    A query has no place for secrets, but one may have been put there.  What is told of the
    request ("query" and "target") must not have it; what is served ("raw_query") is unchanged.
    """
    path, mark, query = request.target.partition("?")
    if mark:
        query = "hidden" if request.path in (TOKEN, REVOKE) else SECRET_PARAMETER.sub(r"\1hidden", query)
        request.query = urllib.parse.unquote_plus(query)
        request.target = path + mark + query


def malformed(reason, description):
    return Refused("invalid_request", reason, description)


def named(name):
    """The name of a parameter, unless it is more than a name."""
    return name if re.fullmatch("[A-Za-z_]{1,40}", name) else "a parameter"


def parse(text, allowed_text):
    """
    The parameters of a form or a query.  Those without a value are as good as
    left out (RFC 6749, 3.2).
    """
    values = {}
    for part in text.split("&") if text else ():
        name, equals, value = part.partition("=")
        if not equals or not allowed_text.fullmatch(name) or not allowed_text.fullmatch(value):
            raise malformed("not_a_form", "The parameters are not encoded as a form")
        try:
            name, value = (urllib.parse.unquote_plus(each, errors="strict") for each in (name, value))
        except UnicodeDecodeError:
            raise malformed("not_a_form", "The parameters are not UTF-8") from None
        if not value.isprintable():
            raise malformed("not_a_form", "%s has characters that cannot be" % named(name))
        if name in values:
            raise malformed("repeated", "%s is repeated" % named(name))
        values[name] = value
    return {name: value for name, value in values.items() if value != ""}


def check_names(values, required, optional=()):
    for name in values:
        if name not in required and name not in optional:
            raise malformed("unknown_parameter", "%s is not a parameter of this request" % named(name))
    for name in required:
        if name not in values:
            raise malformed("missing", "%s is missing" % name)


def check_method(request, method):
    if request.method != method:
        raise malformed("method", "The request has to be a %s" % method)
    if request.values("authorization"):
        if request.value("authorization").lower().startswith("basic"):
            raise Refused("invalid_client", "basic", "Client authentication failed: client_id and client_secret "
                          "belong in the body", 401)
        raise malformed("authorization", "The request takes no Authorization header")


class AuthorizationServer:
    """Its settings are those of the API, as they are at the time of a request."""

    def __init__(self, settings):
        self.settings = settings
        self.tokens = Tokens(settings)
        self.clear()

    def clear(self):
        """Forgets the counts."""
        self.requests = collections.Counter()
        self.granted = collections.Counter()
        self.refused = {}

    def judge_access_token(self, text):
        return self.tokens.judge(self.tokens.access, text)

    def answer(self, request):
        """What is said to a request to one of PATHS; the log gets what is noted in its "log"."""
        serve = {AUTHORIZE: self.authorize, TOKEN: self.token, REVOKE: self.revoke}[request.path]
        note = {"error": None, "reason": None}
        try:
            answer = serve(request, note)
        except Refused as refusal:
            note.update(error=refusal.error, reason=refusal.reason)
            body = rules.error_body("oauth", refusal.error, refusal.description, None)
            answer = rules.Answer(refusal.status, body, headers=NO_STORE)
            if refusal.reason == "basic":
                answer.headers.append(("WWW-Authenticate", 'Basic realm="sample"'))
        answer.log = {"oauth": note}
        return answer

    def form(self, request, note, secrets):
        """The parameters of a POST; notes what became of its secrets."""
        check_method(request, "POST")
        if "?" in request.target:
            raise malformed("query", "The parameters belong in the body")
        if [value.lower() for value in request.values("content-type")] != [FORM_TYPE]:
            raise malformed("content_type", "The content type has to be " + FORM_TYPE)
        if len(request.values("content-length")) != 1:
            raise malformed("content_length", "The length of the body has to be given")
        values = parse(request.body.decode("latin-1"), FORM_TEXT)
        note["client"] = self.judge_setting(values, "client_id")
        note["client_secret"] = self.judge_setting(values, "client_secret")
        for name, issued in secrets.items():
            judgements = [self.tokens.judge(each, values.get(name)) for each in issued]
            note[name] = max(judgements, key=("none", "bad", "old", "good").index)
        return values

    def judge_setting(self, values, name):
        if name not in values:
            return "none"
        return "good" if values[name] == self.settings["oauth_" + name] else "bad"

    def check_client(self, note):
        if (note["client"], note["client_secret"]) != ("good", "good"):
            reason = "no_client" if "none" in (note["client"], note["client_secret"]) else "wrong_client"
            raise Refused("invalid_client", reason, "Client authentication failed (unknown client, no client "
                          "authentication included, or wrong secret)", 401)

    def token(self, request, note):
        grant = "other"
        try:
            values = self.form(request, note, {"refresh_token": (self.tokens.refresh,), "code": (self.tokens.codes,)})
            if "grant_type" not in values:
                raise malformed("missing", "grant_type is missing")
            if values["grant_type"] not in GRANTS:
                raise Refused("unsupported_grant_type", "unsupported", "grant_type has to be one of: "
                              + ", ".join(GRANTS))
            grant = values["grant_type"]
            self.check_client(note)
            check_names(values, ("grant_type",) + CLIENT + GRANTS[grant],
                        ("code_verifier",) if grant == "authorization_code" else ())
            if grant == "refresh_token":
                answer = self.tokens.rotate(values["refresh_token"], values["client_id"])
            else:
                verifier = values.get("code_verifier")
                if verifier is not None and not VERIFIER.fullmatch(verifier):
                    raise malformed("code_verifier", "code_verifier has to have 43 to 128 unreserved characters")
                answer = self.tokens.exchange(values["code"], values["client_id"], values["redirect_uri"], verifier)
            self.granted[grant] += 1
        except Refused as refusal:
            reasons = self.refused.setdefault(refusal.error, collections.Counter())
            reasons[refusal.reason] += 1
            raise
        finally:
            note["grant"] = grant
            self.requests[grant] += 1
        for name in ("expires_in", "scope"):
            if self.settings["omit_" + name]:
                del answer[name]
        return rules.Answer(200, json.dumps(answer).encode(), headers=NO_STORE)

    def revoke(self, request, note):
        values = self.form(request, note, {"token": (self.tokens.access, self.tokens.refresh)})
        self.check_client(note)
        check_names(values, CLIENT + ("token",))
        self.tokens.revoke(values["token"], values["client_id"])
        return rules.Answer(200, b"", None, NO_STORE)

    def authorize(self, request, note):
        """
        Consents at once.  What is wrong with the client or its redirect_uri is said to the
        browser; all else, as its success, is told to the client in a redirect.
        """
        check_method(request, "GET")
        values = parse(request.raw_query, QUERY_TEXT)
        note["client"] = self.judge_setting(values, "client_id")
        if note["client"] != "good":
            raise Refused("invalid_client", "wrong_client", "There is no such client", 401)
        if values.get("redirect_uri") != self.settings["oauth_redirect_uri"]:
            raise malformed("redirect_uri", "redirect_uri is not the one of the client")
        try:
            result = {"code": self.consent(values), "scope": values["scope"]}
        except Refused as refusal:
            note.update(error=refusal.error, reason=refusal.reason)
            result = {"error": refusal.error, "error_description": refusal.description}
        if "state" in values:
            result["state"] = values["state"]
        uri = values["redirect_uri"]
        location = uri + ("&" if "?" in uri else "?") + urllib.parse.urlencode(result)
        return rules.Answer(302, b"", None, NO_STORE + [("Location", location)])

    def consent(self, values):
        """The code for a request that has nothing wrong."""
        if values.get("response_type", "code") != "code":
            raise Refused("unsupported_response_type", "unsupported", "response_type has to be code")
        check_names(values, ("client_id", "redirect_uri", "response_type", "scope", "state"),
                    ("code_challenge", "code_challenge_method", "organization_id"))
        if len(values["state"]) < SHORTEST_STATE:
            raise Refused("invalid_state", "state", "state has to have %d characters or more" % SHORTEST_STATE)
        scopes = values["scope"].split(" ")
        if len(set(scopes)) < len(scopes) or not set(REQUIRED_SCOPES) <= set(scopes) <= set(SCOPES):
            raise Refused("invalid_scope", "scope", "scope has to hold %s, and nothing but: %s"
                          % (" and ".join(REQUIRED_SCOPES), ", ".join(SCOPES)))
        challenge = values.get("code_challenge")
        if challenge is None and "code_challenge_method" in values:
            raise malformed("missing", "code_challenge is missing")
        if challenge is not None and (values.get("code_challenge_method") != "S256"
                                      or not CHALLENGE.fullmatch(challenge)):
            raise malformed("code_challenge", "code_challenge has to be one of the method S256")
        return self.tokens.consent(values["client_id"], values["scope"], values["redirect_uri"], challenge)

    def control(self, method, name, data, faults):
        """Serves those of CONTROLS; "faults" are those of the API.  ValueError, LookupError for what cannot be."""
        if (method, name) == ("GET", "oauth"):
            valid = self.tokens.valid(self.tokens.refresh)
            return {"requests": {grant: self.requests[grant] for grant in (*GRANTS, "other")},
                    "granted": {grant: self.granted[grant] for grant in GRANTS},
                    "refused": {error: dict(reasons) for error, reasons in self.refused.items()},
                    "refresh_token": valid[-1] if valid else None,
                    "access_tokens": self.tokens.valid(self.tokens.access)}
        if method != "POST" or name == "oauth":
            raise LookupError("%s /_control/%s does not exist" % (method, name))
        data = data or {}
        takes = CONTROLS[name]
        if set(data) - set(takes) or takes and not data:
            raise ValueError("%s takes %s" % (name, " and ".join(takes) or "nothing"))
        if name == "oauth_issue":
            return self.tokens.issue(Family(self.settings["oauth_client_id"], " ".join(REQUIRED_SCOPES)))
        if name == "oauth_revoke":
            self.tokens.revoke_all()
        elif name == "oauth_expire":
            for kind in takes:
                if data.get(kind):
                    self.tokens.expire(getattr(self.tokens, kind))
        elif name == "oauth_forget_answers":
            faults.append(Fault({"kind": "close", "path": TOKEN, "nth": data["n"]}))
        else:
            self.settings["clock_offset_s"] += float(data["seconds"])
        return {}
