#!/usr/bin/env python3
"""
selftest_oauth.py
    Is the authorization server of the sample as strict as it says?  Starts it
    and asks; a few seconds.

Run: python3 test/sample_api/selftest_oauth.py
"""

import base64
import hashlib
import http.client
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import unittest
import urllib.parse

from selftest import HERE, LIST, Case, Sample

CLIENT = {"client_id": "sample-client", "client_secret": "sample-client-secret"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CALLBACK = "http://localhost/callback"
ASK = {"client_id": "sample-client", "redirect_uri": CALLBACK, "response_type": "code",
       "scope": "payment_link.read offline_access", "state": "a state of a test"}
VERIFIER = "a-verifier.of_43~characters-or-more-0123456789"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


class OauthCase(Case):
    def post(self, path, form, headers=FORM):
        body = form if isinstance(form, str) else urllib.parse.urlencode(form)
        return self.sample.get(path, headers, "POST", body)

    def refresh_form(self, token, **more):
        return {"grant_type": "refresh_token", "refresh_token": token, **CLIENT, **more}

    def code_form(self, code, **more):
        return {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **CLIENT, **more}

    def grant(self, form):
        """The token answer to a form that has nothing wrong."""
        response, body = self.post("/oauth2/token", form)
        self.assertEqual(response.status, 200, body)
        return json.loads(body)

    def refresh(self, token):
        return self.grant(self.refresh_form(token))

    def refused_with(self, answer, error, reason, status=400):
        """The answer is that refusal, and the log tells why."""
        response, body = answer
        self.assertEqual((response.status, response.headers["Cache-Control"]), (status, "no-store"), body)
        value = json.loads(body)
        self.assertEqual(set(value), {"error", "error_description"})
        self.assertEqual(value["error"], error, value)
        note = self.log()[-1]["oauth"]
        self.assertEqual((note["error"], note["reason"]), (error, reason))

    def not_granted(self, form, error, reason, status=400):
        self.refused_with(self.post("/oauth2/token", form), error, reason, status)

    def issue(self):
        return self.sample.control("oauth_issue", {})

    def log(self):
        return json.loads(self.sample.get("/_control/log")[1])

    def oauth(self):
        return json.loads(self.sample.get("/_control/oauth")[1])

    def list_status(self, token):
        return self.sample.get(LIST, {"Authorization": "Bearer " + token})[0].status

    def ask(self, **changes):
        """What a consent with these changes (None: left out) leads to: status, redirect without query, its query."""
        form = {name: value for name, value in {**ASK, **changes}.items() if value is not None}
        response, body = self.sample.get("/oauth2/auth?" + urllib.parse.urlencode(form), {})
        location, _, query = (response.headers["Location"] or "").partition("?")
        return response.status, location, dict(urllib.parse.parse_qsl(query, strict_parsing=True)) if query else body

    def code(self, **changes):
        status, location, query = self.ask(**changes)
        self.assertEqual((status, location, query["state"], set(query)),
                         (302, CALLBACK, ASK["state"], {"code", "scope", "state"}))
        return query["code"]


class Forms(OauthCase):
    def test_requests(self):
        token = self.issue()["refresh_token"]
        form = self.refresh_form(token)
        body = urllib.parse.urlencode(form)
        basic = {"Authorization": "Basic " + base64.b64encode(b"sample-client:sample-client-secret").decode()}
        for answer, error, reason, status in (
                (self.sample.get("/oauth2/token", {}), "invalid_request", "method", 400),
                (self.sample.get("/oauth2/token", FORM, "PUT", body), "invalid_request", "method", 400),
                (self.post("/oauth2/token?" + body, ""), "invalid_request", "query", 400),
                (self.post("/oauth2/token?", form), "invalid_request", "query", 400),
                (self.post("/oauth2/token", form, {}), "invalid_request", "content_type", 400),
                (self.post("/oauth2/token", json.dumps(form), {"Content-Type": "application/json"}),
                 "invalid_request", "content_type", 400),
                (self.post("/oauth2/token", form, {"Content-Type": FORM["Content-Type"] + ", text/plain"}),
                 "invalid_request", "content_type", 400),
                (self.post("/oauth2/token", form, {**FORM, **basic}), "invalid_client", "basic", 401),
                (self.post("/oauth2/token", form, {**FORM, "Authorization": "Bearer sample-access-token"}),
                 "invalid_request", "authorization", 400)):
            self.assertEqual((json.loads(answer[1])["error"], answer[0].status), (error, status), reason)
            self.assertEqual(answer[0].headers["WWW-Authenticate"], 'Basic realm="sample"' if status == 401 else None)
        self.assertEqual([(entry["status"], entry["oauth"]["reason"]) for entry in self.log()],
                         [(400, "method"), (400, "method"), (400, "query"), (400, "query"), (400, "content_type"),
                          (400, "content_type"), (400, "content_type"), (401, "basic"), (400, "authorization")])
        self.assertEqual(self.oauth()["refresh_token"], token)      # none of them has used it

    def test_headers(self):
        form = "Content-Type: application/x-www-form-urlencoded\r\n"
        for headers, reason in ((form * 2 + "Content-Length: 3\r\n", "content_type"),
                                (form + "Transfer-Encoding: chunked\r\n", "content_length"),
                                (form + "Content-Length: 3\r\n", "missing")):     # nothing wrong but the body
            answer = self.sample.raw(("POST /oauth2/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\na=b"
                                      % headers).encode())
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
            self.assertEqual(self.log()[-1]["oauth"]["reason"], reason)

    def test_bodies(self):
        token = self.issue()["refresh_token"]
        body = urllib.parse.urlencode(self.refresh_form(token))
        for form, reason in ((body + "&", "not_a_form"), ("&" + body, "not_a_form"), (body + "&scope", "not_a_form"),
                             (body + "&a=b=c", "not_a_form"), (body + "&a=%2", "not_a_form"),
                             (body + "&a=%ff", "not_a_form"), (body + "&a=%00", "not_a_form"),
                             (body + "&a=%0a", "not_a_form"), (body + "&a=b c", "not_a_form"),
                             (body + "&a=/", "not_a_form"), (json.dumps({}), "not_a_form"),
                             (body + "&client_id=sample-client", "repeated"),
                             (body + "&client_id=", "repeated"),
                             (body + "&%63lient_id=sample-client", "repeated"),
                             (body + "&scope=payment_link.read", "unknown_parameter"),
                             (body + "&redirect_uri=http", "unknown_parameter"),
                             (body.replace("refresh_token=" + token, "refresh_token="), "missing"),
                             (body.replace("refresh_token=" + token, "a="), "missing"),
                             (body.replace("grant_type=", "grant="), "missing"),
                             ("", "missing")):
            self.not_granted(form, "invalid_request", reason)
        self.not_granted({**self.refresh_form(token), "grant_type": "client_credentials"},
                         "unsupported_grant_type", "unsupported")
        self.not_granted(self.code_form("ory_ac_x", redirect_uri=""), "invalid_request", "missing")
        self.not_granted(self.code_form("ory_ac_x", code_verifier="short"), "invalid_request", "code_verifier")
        self.not_granted(self.code_form("ory_ac_x", refresh_token=token), "invalid_request", "unknown_parameter")
        self.assertEqual(self.oauth()["refresh_token"], token)
        self.refresh(token)

    def test_client(self):
        token = self.issue()["refresh_token"]
        for changes, reason in (({"client_id": "another"}, "wrong_client"), ({"client_id": ""}, "no_client"),
                                ({"client_secret": "wrong"}, "wrong_client"), ({"client_secret": ""}, "no_client"),
                                ({"client_secret": "sample-client-secret "}, "wrong_client")):
            self.not_granted(self.refresh_form(token, **changes), "invalid_client", reason, 401)
        secret = "p\u00e4ss+w%6frd &=/;"
        self.sample.control("config", {"oauth_client_secret": secret})
        self.not_granted(self.refresh_form(token), "invalid_client", "wrong_client", 401)
        self.grant(self.refresh_form(token, client_secret=secret))
        self.sample.control("config", {"oauth_client_id": "another"})
        token = self.oauth()["refresh_token"]
        self.not_granted(self.refresh_form(token, client_id="another", client_secret=secret),
                         "invalid_grant", "other_client")

    def test_staging_token(self):
        self.sample.control("config", {"staging_token": "staging"})
        token = self.issue()["refresh_token"]
        for path in ("/oauth2/token", "/oauth2/revoke"):
            response, body = self.post(path, self.refresh_form(token))
            self.assertEqual((response.status, response.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
            self.assertIn(b"<html>", body)
        self.assertEqual(self.oauth()["refresh_token"], token)
        answer = self.post("/oauth2/token", self.refresh_form(token), {**FORM, "X-Qonto-Staging-Token": "staging"})
        self.assertEqual(answer[0].status, 200)
        self.code()

    def test_prefix(self):
        self.sample.control("config", {"prefix": "/qonto"})
        self.refused("/qonto/oauth2/token", 404, "not_found")
        self.refused("/oauth2/tokens", 404, "not_found")
        self.refresh(self.issue()["refresh_token"])


class Refreshing(OauthCase):
    def test_answer(self):
        first = self.issue()
        response, body = self.post("/oauth2/token", self.refresh_form(first["refresh_token"]))
        self.assertEqual((response.status, response.headers["Cache-Control"], response.headers["Content-Type"]),
                         (200, "no-store", "application/json; charset=utf-8"))
        second = json.loads(body)
        for answer in (first, second):
            self.assertRegex(answer.pop("access_token"), r"^ory_at_[\w-]{43}\.[\w-]{43}$")
            self.assertRegex(answer.pop("refresh_token"), r"^ory_rt_[\w-]{43}\.[\w-]{43}$")
            self.assertEqual(answer, {"expires_in": 3600, "scope": "payment_link.read offline_access",
                                      "token_type": "bearer"})

    def test_access_tokens(self):
        self.sample.control("config", {"access_token_seconds": 100})
        first = self.issue()
        self.assertEqual([self.list_status(token) for token in ("sample-access-token", first["access_token"],
                                                                first["refresh_token"])], [200, 200, 401])
        self.sample.control("config", {"token": []})
        self.sample.control("advance", {"seconds": 99})
        second = self.refresh(first["refresh_token"])
        self.assertEqual(second["expires_in"], 100)
        self.assertEqual(self.oauth()["access_tokens"], [first["access_token"], second["access_token"]])
        self.sample.control("advance", {"seconds": 1})
        self.sample.control("clear", {})
        self.assertEqual([self.list_status(token) for token in ("sample-access-token", first["access_token"],
                                                                second["access_token"])], [401, 401, 200])
        self.assertEqual([entry["token"] for entry in self.log()], ["bad", "old", "good"])
        self.sample.control("oauth_expire", {"access": True})
        self.assertEqual((self.list_status(second["access_token"]), self.oauth()["access_tokens"]), (401, []))
        third = self.refresh(second["refresh_token"])
        self.sample.control("config", {"refresh_ends_access_token": True})
        self.refresh(third["refresh_token"])
        self.assertEqual(self.list_status(third["access_token"]), 401)

    def test_rotation(self):
        first = self.issue()["refresh_token"]
        second = self.refresh(first)["refresh_token"]
        self.sample.control("advance", {"seconds": 59})
        other = self.refresh(first)["refresh_token"]        # counted from the first use, not from the last
        self.assertEqual(len({first, second, other}), 3)
        self.assertEqual(self.oauth()["refresh_token"], other)
        self.sample.control("config", {"reuse_revokes_family": False})
        self.sample.control("advance", {"seconds": 1})
        self.not_granted(self.refresh_form(first), "invalid_grant", "reused")
        third = self.refresh(second)
        self.refresh(other)
        self.sample.control("config", {"grace_ms": 0})
        self.refresh(third["refresh_token"])
        apart = self.issue()
        self.sample.control("config", {"reuse_revokes_family": True})
        self.assertEqual(self.list_status(third["access_token"]), 200)
        self.not_granted(self.refresh_form(third["refresh_token"]), "invalid_grant", "reused")
        self.not_granted(self.refresh_form(third["refresh_token"]), "invalid_grant", "revoked")
        self.assertEqual(self.list_status(third["access_token"]), 401)
        self.assertEqual((self.oauth()["refresh_token"], self.oauth()["access_tokens"]),
                         (apart["refresh_token"], [apart["access_token"]]))

    def test_endings(self):
        self.not_granted(self.refresh_form("ory_rt_x"), "invalid_grant", "unknown")
        self.not_granted(self.refresh_form(self.issue()["access_token"]), "invalid_grant", "unknown")
        token = self.issue()["refresh_token"]
        self.sample.control("advance", {"seconds": 90 * 86400 - 1})
        token = self.refresh(token)["refresh_token"]        # and lives as long again
        self.sample.control("advance", {"seconds": 90 * 86400 - 1})
        token = self.refresh(token)["refresh_token"]
        self.sample.control("advance", {"seconds": 90 * 86400})
        self.not_granted(self.refresh_form(token), "invalid_grant", "expired")
        for name, data, reason in (("oauth_expire", {"refresh": True}, "expired"), ("oauth_revoke", {}, "revoked")):
            pair = self.issue()
            self.sample.control(name, data)
            self.not_granted(self.refresh_form(pair["refresh_token"]), "invalid_grant", reason)
            self.assertEqual(self.list_status(pair["access_token"]), 200 if reason == "expired" else 401)

    def test_omissions(self):
        first = self.issue()["refresh_token"]
        self.sample.control("config", {"omit_expires_in": True, "omit_scope": True})
        second = self.refresh(first)
        self.assertEqual(set(second), {"access_token", "refresh_token", "token_type"})
        self.sample.control("config", {"omit_refresh_token": True, "omit_scope": False, "grace_ms": 0})
        for _ in range(2):                                  # without another one it does not rotate
            self.assertEqual(set(self.refresh(second["refresh_token"])), {"access_token", "scope", "token_type"})
        self.assertEqual(set(self.grant(self.code_form(self.code()))), {"access_token", "scope", "token_type"})

    def test_lost_answers(self):
        first = self.issue()["refresh_token"]
        self.sample.control("oauth_forget_answers", {"n": 2})
        second = self.refresh(first)["refresh_token"]
        self.assertRaises(http.client.RemoteDisconnected, self.refresh, second)
        lost = self.oauth()
        self.assertNotIn(lost["refresh_token"], (first, second))
        self.assertEqual((lost["granted"]["refresh_token"], len(lost["access_tokens"])), (2, 3))
        self.assertEqual([(entry["status"], entry["fault"]) for entry in self.log()], [(200, None), (200, "close")])
        self.refresh(second)                                # thanks to the grace
        self.sample.control("fault", {"kind": "status", "status": 503, "shape": "oauth", "path": "/oauth2/token",
                                      "code": "temporarily_unavailable", "detail": "later"})
        response, body = self.post("/oauth2/token", self.refresh_form(second))
        self.assertEqual((response.status, json.loads(body)),
                         (503, {"error": "temporarily_unavailable", "error_description": "later"}))
        self.assertEqual(self.oauth()["granted"]["refresh_token"], 4)
        self.assertEqual(self.list_status("sample-access-token"), 200)

    def test_odd_answers(self):
        def answer(kind, **more):
            self.sample.control("clear_faults", {})
            self.sample.control("fault", {"kind": kind, "path": "/oauth2/token", **more})
            return self.post("/oauth2/token", self.refresh_form(token))[1]

        token = self.issue()["refresh_token"]
        self.assertNotIn("access_token", json.loads(answer("missing_field", field="access_token")))
        self.assertEqual(json.loads(answer("wrong_types", field="expires_in", value="soon"))["expires_in"], "soon")
        self.assertIn(b'"expires_in": 1E400,', answer("wrong_types", field="expires_in", raw="1E400"))
        self.assertIn(b'"access_token": "first of two"', answer("duplicate_keys", field="access_token"))
        self.assertEqual(json.loads(answer("nul_escape", field="refresh_token"))["refresh_token"], "nul\0inside")


class Consent(OauthCase):
    def test_exchange(self):
        answer = self.grant(self.code_form(self.code(organization_id="0190")))
        self.assertEqual((answer["scope"], answer["expires_in"]), (ASK["scope"], 3600))
        self.assertEqual(self.list_status(answer["access_token"]), 200)
        self.refresh(answer["refresh_token"])

    def test_challenge(self):
        asked = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        self.grant(self.code_form(self.code(**asked), code_verifier=VERIFIER))
        self.not_granted(self.code_form(self.code(**asked)), "invalid_grant", "wrong_verifier")
        self.not_granted(self.code_form(self.code(**asked), code_verifier=VERIFIER + "0"),
                         "invalid_grant", "wrong_verifier")
        self.not_granted(self.code_form(self.code(), code_verifier=VERIFIER), "invalid_grant", "wrong_verifier")

    def test_codes(self):
        code = self.code()
        pair = self.grant(self.code_form(code))
        self.not_granted(self.code_form(code), "invalid_grant", "reused")
        self.assertEqual(self.list_status(pair["access_token"]), 401)
        self.not_granted(self.refresh_form(pair["refresh_token"]), "invalid_grant", "revoked")
        code = self.code()
        self.not_granted(self.code_form(code, redirect_uri=CALLBACK + "/"), "invalid_grant", "other_redirect_uri")
        self.not_granted(self.code_form(code), "invalid_grant", "reused")
        self.not_granted(self.code_form("ory_ac_x"), "invalid_grant", "unknown")
        code = self.code()
        self.sample.control("config", {"oauth_client_id": "another"})
        self.not_granted(self.code_form(code, client_id="another"), "invalid_grant", "other_client")
        self.sample.control("config", {"oauth_client_id": "sample-client"})
        late = self.code()
        self.sample.control("advance", {"seconds": 599})
        self.grant(self.code_form(code))
        self.sample.control("advance", {"seconds": 1})
        self.not_granted(self.code_form(late), "invalid_grant", "expired")

    def test_told_to_the_client(self):
        for changes, error in (
                ({"response_type": "token"}, "unsupported_response_type"), ({"response_type": None}, "invalid_request"),
                ({"scope": None}, "invalid_request"), ({"scope": "payment_link.read"}, "invalid_scope"),
                ({"scope": "offline_access"}, "invalid_scope"),
                ({"scope": ASK["scope"] + " everything"}, "invalid_scope"),
                ({"scope": ASK["scope"] + " offline_access"}, "invalid_scope"),
                ({"scope": ASK["scope"].replace(" ", "  ")}, "invalid_scope"),
                ({"prompt": "login"}, "invalid_request"), ({"client_secret": "x"}, "invalid_request"),
                ({"code_challenge": CHALLENGE}, "invalid_request"),
                ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "invalid_request"),
                ({"code_challenge": CHALLENGE + "=", "code_challenge_method": "S256"}, "invalid_request"),
                ({"code_challenge_method": "S256"}, "invalid_request")):
            status, location, query = self.ask(**changes)
            self.assertEqual((status, location, query.get("error"), query["state"]),
                             (302, CALLBACK, error, ASK["state"]), changes)
            self.assertEqual(set(query), {"error", "error_description", "state"})
        self.assertEqual(self.ask(state="seven77")[2]["error"], "invalid_state")
        self.assertEqual(set(self.ask(state=None)[2]), {"error", "error_description"})

    def test_told_to_the_browser(self):
        for changes, status, error in (
                ({"client_id": None}, 401, "invalid_client"), ({"client_id": "another"}, 401, "invalid_client"),
                ({"redirect_uri": None}, 400, "invalid_request"),
                ({"redirect_uri": CALLBACK + "?"}, 400, "invalid_request"),
                ({"redirect_uri": "http://elsewhere/callback"}, 400, "invalid_request")):
            answer = self.ask(**changes)
            self.assertEqual((answer[0], answer[1], json.loads(answer[2])["error"]), (status, "", error), changes)
        query = urllib.parse.urlencode(ASK)
        for target, reason, more in (("?" + query + "&state=another+state", "repeated", {}),
                                     ("?" + query + "&state", "not_a_form", {}),
                                     ("?" + query, "method", {"method": "POST"}),
                                     ("?" + query, "authorization", {"headers": {"Authorization": "Bearer x"}})):
            self.refused_with(self.sample.get("/oauth2/auth" + target, **{"headers": {}, **more}),
                              "invalid_request", reason)
        self.sample.control("config", {"oauth_redirect_uri": "http://localhost/?from=qonto"})
        self.assertEqual(self.ask(redirect_uri="http://localhost/?from=qonto")[2]["from"], "qonto")


class Revoking(OauthCase):
    def test_revoke(self):
        for kind in ("access_token", "refresh_token"):
            pair, other = self.refresh(self.issue()["refresh_token"]), self.issue()
            response, body = self.post("/oauth2/revoke", {**CLIENT, "token": pair[kind]})
            self.assertEqual((response.status, body), (200, b""))
            self.assertEqual([self.list_status(each["access_token"]) for each in (pair, other)], [401, 200])
            self.not_granted(self.refresh_form(pair["refresh_token"]), "invalid_grant", "revoked")
            self.refresh(other["refresh_token"])
        self.assertEqual(self.post("/oauth2/revoke", {**CLIENT, "token": "ory_at_x"})[0].status, 200)

    def test_strictness(self):
        token = self.issue()["refresh_token"]
        form = {**CLIENT, "token": token}
        for answer, error, reason, status in (
                (lambda: self.sample.get("/oauth2/revoke", {}), "invalid_request", "method", 400),
                (lambda: self.post("/oauth2/revoke", form, {}), "invalid_request", "content_type", 400),
                (lambda: self.post("/oauth2/revoke", CLIENT), "invalid_request", "missing", 400),
                (lambda: self.post("/oauth2/revoke", {**form, "token_type_hint": "refresh_token"}),
                 "invalid_request", "unknown_parameter", 400),
                (lambda: self.post("/oauth2/revoke", {**form, "client_secret": "wrong"}),
                 "invalid_client", "wrong_client", 401),
                (lambda: self.post("/oauth2/revoke", {"token": token}), "invalid_client", "no_client", 401)):
            self.refused_with(answer(), error, reason, status)
        self.sample.control("config", {"oauth_client_id": "another"})
        self.refused_with(self.post("/oauth2/revoke", {**form, "client_id": "another"}),
                          "unauthorized_client", "other_client")
        self.sample.control("config", {"oauth_client_id": "sample-client"})
        self.refresh(token)


class Control(OauthCase):
    def test_counts(self):
        self.assertEqual(self.oauth(), {"requests": {"refresh_token": 0, "authorization_code": 0, "other": 0},
                                        "granted": {"refresh_token": 0, "authorization_code": 0}, "refused": {},
                                        "refresh_token": None, "access_tokens": []})
        first = self.grant(self.code_form(self.code()))
        second = self.refresh(first["refresh_token"])
        self.not_granted(self.refresh_form("x"), "invalid_grant", "unknown")
        self.not_granted(self.refresh_form("y"), "invalid_grant", "unknown")
        self.not_granted({}, "invalid_request", "missing")
        self.assertEqual(self.oauth(), {
            "requests": {"refresh_token": 3, "authorization_code": 1, "other": 1},
            "granted": {"refresh_token": 1, "authorization_code": 1},
            "refused": {"invalid_grant": {"unknown": 2}, "invalid_request": {"missing": 1}},
            "refresh_token": second["refresh_token"],
            "access_tokens": [first["access_token"], second["access_token"]]})
        self.sample.control("clear", {})
        self.assertEqual((self.oauth()["requests"]["refresh_token"], self.oauth()["refused"]), (0, {}))
        self.assertEqual(self.oauth()["refresh_token"], second["refresh_token"])
        self.sample.control("reset", {})
        self.assertEqual((self.list_status(second["access_token"]), self.oauth()["refresh_token"]), (401, None))

    def test_log(self):
        pair = self.issue()
        second = self.refresh(pair["refresh_token"])
        self.refresh(pair["refresh_token"])
        self.post("/oauth2/token", self.refresh_form("guessed-token", client_secret="guessed-secret"))
        code = self.code()
        self.grant(self.code_form(code))
        self.post("/oauth2/token?client_secret=sample-client-secret&refresh_token=" + second["refresh_token"], "")
        self.post("/oauth2/revoke", {**CLIENT, "token": second["access_token"]})
        self.sample.get("/oauth2/auth?client_secret=sample-client-secret&state=abc", {})
        self.sample.get(LIST + "?page=1&access_token=" + second["access_token"], {})
        good = {"client": "good", "client_secret": "good", "error": None, "reason": None}
        self.assertEqual([entry.get("oauth") for entry in self.log()], [
            {**good, "grant": "refresh_token", "refresh_token": "good", "code": "none"},
            {**good, "grant": "refresh_token", "refresh_token": "old", "code": "none"},
            {"grant": "refresh_token", "refresh_token": "bad", "code": "none", "client": "good",
             "client_secret": "bad", "error": "invalid_client", "reason": "wrong_client"},
            {"client": "good", "error": None, "reason": None},
            {**good, "grant": "authorization_code", "refresh_token": "none", "code": "good"},
            {"grant": "other", "error": "invalid_request", "reason": "query"},
            {**good, "token": "good"},
            {"client": "none", "error": "invalid_client", "reason": "wrong_client"},
            None])
        shown = self.sample.get("/_control/log")[1] + self.sample.get("/_control/config")[1]
        for secret in ("sample-client-secret", "guessed", code, "ory_at_", "ory_rt_", "ory_ac_"):
            self.assertNotIn(secret.encode(), shown)
        self.assertEqual(self.sample.get("/_control/requests")[1].decode().splitlines()[5:], [
            "POST /oauth2/token?hidden", "POST /oauth2/revoke", "GET /oauth2/auth?client_secret=hidden&state=abc",
            "GET /v2/payment_links?page=1&access_token=hidden"])

    def test_mistakes(self):
        for name, data in (("oauth_issue", {"scope": "x"}), ("oauth_expire", {}), ("oauth_expire", {"code": True}),
                           ("oauth_revoke", {"refresh": True}), ("oauth_forget_answers", {}), ("advance", {}),
                           ("advance", {"seconds": "x"})):
            self.assertEqual(self.sample.get("/_control/" + name, {}, "POST", json.dumps(data))[0].status, 400, name)
        self.assertEqual(self.sample.get("/_control/oauth_issue", {})[0].status, 404)
        self.assertEqual(self.sample.get("/_control/oauth", {}, "POST", "{}")[0].status, 404)

    def test_ctl(self):
        def ctl(*arguments):
            return subprocess.run([os.path.join(HERE, "ctl"), "http://127.0.0.1:%d/" % self.sample.port, *arguments],
                                  check=True, stdout=subprocess.PIPE, text=True).stdout

        pair = json.loads(ctl("oauth_issue"))
        self.assertEqual(json.loads(ctl("oauth"))["refresh_token"], pair["refresh_token"])
        self.assertEqual(ctl("oauth_revoke"), "")
        self.assertEqual(json.loads(ctl("oauth"))["refresh_token"], None)


@unittest.skipUnless(shutil.which("openssl"), "the command openssl is not installed")
class Tls(unittest.TestCase):
    def test_tls(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        certificate, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
                        "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)
        sample = Sample("--count", "3", "--tls-cert", certificate, "--tls-key", key)
        self.addCleanup(sample.stop)
        token = sample.control("oauth_issue", {})["refresh_token"]
        form = urllib.parse.urlencode({"grant_type": "refresh_token", "refresh_token": token, **CLIENT})
        self.assertEqual(sample.get("/oauth2/token", FORM, "POST", form)[1], b"this port speaks TLS\n")
        connection = http.client.HTTPSConnection("127.0.0.1", sample.port, timeout=10,
                                                 context=ssl.create_default_context(cafile=certificate))
        self.addCleanup(connection.close)
        connection.request("POST", "/oauth2/token", form, FORM)
        pair = json.loads(connection.getresponse().read())
        connection.request("GET", LIST, headers={"Authorization": "Bearer " + pair["access_token"]})
        self.assertEqual(len(json.loads(connection.getresponse().read())["payment_links"]), 3)


if __name__ == "__main__":
    unittest.main()
