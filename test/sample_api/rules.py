"""
rules.py
    What the API accepts and how it refuses: tokens, methods, paths, query
    parameters, and the bodies of its errors.  Used by api.py.
"""

import hashlib
import json
import urllib.parse

from links import SORTS, STATUSES

JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"
LIST_PATH = "/v2/payment_links"
MAX_PER_PAGE = 100

LOGIN_PAGE = (b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head>"
              b"<body><form action=\"/login\"><input name=\"email\"></form></body></html>\n")


class Answer:
    """What is sent: status, header lines besides length and trace id, body."""

    def __init__(self, status, body, content_type=JSON_TYPE, headers=()):
        self.status = status
        self.body = body
        self.content_type = content_type    # None: no such header
        self.headers = list(headers)
        self.trace_id = None
        self.request = None                 # what it answers, for faults
        self.log = {}                       # what the log tells besides what it tells of all


class Refusal(Exception):
    """The request is refused with one error of the documented shape."""

    def __init__(self, status, code, detail, parameter=None):
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.parameter = parameter


def trace_id(number):
    """32 hex digits that are the same in every run."""
    return hashlib.md5(b"trace %d" % number).hexdigest()


def error_body(shape, code, detail, trace, parameter=None):
    """
    An error body in one of the shapes that have been seen: the documented "list",
    "object" and "flat", what proxies send, "html" and "empty", and that of OAuth, "oauth".
    """
    if shape == "html":
        return b"<html><head><title>%s</title></head><body><h1>%s</h1></body></html>\n" % (
            (detail.encode(),) * 2)
    if shape == "empty":
        return b""
    if shape == "object":
        value = {"errors": {"message": detail}, "trace_id": trace}
    elif shape == "oauth":
        value = {"error": code, "error_description": detail}
    elif shape == "flat":
        value = {"code": code, "message": detail, "trace_id": trace}
    else:
        error = {"code": code, "detail": detail}
        if parameter is not None:
            error["source"] = {"parameter": parameter}
        value = {"errors": [error], "trace_id": trace}
    return json.dumps(value, ensure_ascii=False).encode()


def judge_token(request, settings, issuer):
    """"good", "old", "bad" or "none": all that is ever logged about a token."""
    values = request.values("authorization")
    if not values:
        return "none"
    if len(values) != 1 or not values[0].startswith("Bearer "):
        return "bad"
    token = values[0][len("Bearer "):]
    return "good" if token in settings["token"] else issuer.judge_access_token(token)


def judge_staging_token(request, settings):
    """Likewise; the header's name counts only as it is written in the documentation."""
    values = [value for name, value in request.headers if name == "X-Qonto-Staging-Token"]
    if not values:
        return "none"
    return "good" if values == [settings["staging_token"]] and values[0] else "bad"


def check_access(request, settings, issuer):
    """Raises the 401 or 403 that the Authorization header deserves."""
    if judge_token(request, settings, issuer) == "good":
        return
    values = request.values("authorization")
    if values and settings["forbidden_token"] and values == ["Bearer " + settings["forbidden_token"]]:
        raise Refusal(403, "forbidden", "missing required oauth scope")
    if values and not values[0].startswith("Bearer "):
        raise Refusal(401, "unauthorized", "OAuth2 authentication is required here")
    raise Refusal(401, "unauthorized", "The access token is missing, invalid or expired")


def parse_pairs(raw_query, status):
    if raw_query == "":
        return []
    pairs = []
    for part in raw_query.split("&"):
        name, equals, value = part.partition("=")
        name = urllib.parse.unquote_plus(name)
        if not equals:
            raise Refusal(status, "invalid", "%s has no value" % name, name)
        pairs.append((name, urllib.parse.unquote_plus(value)))
    return pairs


def parse_number(name, text, highest, status):
    if text.isascii() and text.isdigit() and len(text) < 19 and 1 <= int(text) <= (highest or int(text)):
        return int(text)
    if highest:
        raise Refusal(status, "invalid", "%s must be an integer between 1 and %d" % (name, highest), name)
    raise Refusal(status, "invalid", "%s must be an integer greater than or equal to 1" % name, name)


def parse_list_query(raw_query, status):
    """
    (statuses or None, sort_by or None, page, per_page) of a list request; "status" is
    that of refusals.
    """
    statuses = []
    single = {}
    for name, value in parse_pairs(raw_query, status):
        if name == "status[]":
            if value not in STATUSES:
                raise Refusal(status, "not_in_list", "status must be one of: " + ", ".join(STATUSES), "status")
            statuses.append(value)
        elif name not in ("page", "per_page", "sort_by"):
            raise Refusal(status, "unknown_parameter", "%s is not a parameter of this endpoint" % name, name)
        elif name in single:
            raise Refusal(status, "invalid", "%s must not be repeated" % name, name)
        else:
            single[name] = value
    sort_by = single.get("sort_by")
    if sort_by is not None and sort_by not in SORTS:
        raise Refusal(status, "not_in_list", "sort_by must be one of: " + ", ".join(SORTS), "sort_by")
    return (frozenset(statuses) if statuses else None, sort_by,
            parse_number("page", single.get("page", "1"), None, status),
            parse_number("per_page", single.get("per_page", "100"), MAX_PER_PAGE, status))


def page_meta(page, per_page, total):
    """
    "meta" of a page.  An empty list has been seen to answer next_page 0 and
    prev_page 1 where null is documented.
    """
    total_pages = (total + per_page - 1) // per_page
    if total <= 0:
        neighbours = (0, 1)
    else:
        neighbours = (page + 1 if page < total_pages else None, page - 1 if page > 1 else None)
    return {"current_page": page, "next_page": neighbours[0], "prev_page": neighbours[1],
            "total_pages": max(total_pages, 0), "total_count": max(total, 0), "per_page": per_page}
