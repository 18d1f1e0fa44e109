"""
faults.py
    What a test can make go wrong, and when: which requests a rule is for, and
    what each kind of fault does to the answer or to the connection.  Used by
    api.py and sample_api.py.
"""

import email.utils
import gzip
import json
import socket
import struct
import threading
import time
import zlib

import rules

MATCHER_KEYS = ("nth", "from", "every", "times", "page", "path", "query_contains")


class Matcher:
    """
    Which requests a rule is for.  "page", "path" and "query_contains" choose
    requests; "nth", "from" and "every" count, from 1 and since the rule was
    added, the requests so chosen; "times" is how often it applies at most.
    """

    def __init__(self, spec, times=None):
        nth = spec.get("nth")
        page = spec.get("page")
        self.nth = [nth] if isinstance(nth, int) else nth
        self.first = spec.get("from", 1)
        self.every = spec.get("every", 1)
        self.page = [page] if isinstance(page, int) else page
        self.path = spec.get("path")
        self.query = spec.get("query_contains")
        self.left = spec.get("times", times)
        self.seen = 0

    def wants(self, path, query):
        """Counts the request; whether the rule is for it."""
        if self.path is not None and self.path not in path:
            return False
        if self.query is not None and self.query not in query:
            return False
        if self.page is not None and not any("page=%d" % page in query.split("&") for page in self.page):
            return False
        self.seen += 1
        if self.nth is not None and self.seen not in self.nth:
            return False
        return self.seen >= self.first and (self.seen - self.first) % self.every == 0 and self.left != 0

    def use(self):
        if self.left is not None:
            self.left -= 1


class Fault:
    def __init__(self, spec):
        kind = spec.get("kind")
        if kind not in EDITS and kind not in SENDS and kind != "latency":
            raise ValueError("unknown fault kind: %r" % (kind,))
        known = PARAMETERS[kind]
        unknown = set(spec) - set(known) - set(MATCHER_KEYS) - {"kind"}
        if unknown:
            raise ValueError("fault %s has no parameter %s" % (kind, ", ".join(sorted(unknown))))
        self.kind = kind
        self.dropped = threading.Event()
        self.matcher = Matcher(spec)
        self.parameters = {name: spec.get(name, default) for name, default in known.items()}

    def is_on_the_way(self):
        """Whether it strikes before the request arrives."""
        return self.kind == "latency" and self.parameters["on_the_way"]

    def is_held(self):
        """Whether its answers wait until the fault is dropped."""
        return self.kind == "latency" and self.parameters["held"]

    def edit(self, answer):
        """What the answer becomes; the same answer for a fault of the connection."""
        if self.kind in EDITS:
            return EDITS[self.kind](answer, **self.parameters)
        return answer

    def send(self, connection, answer):
        """Sends in the fault's own way; False when the answer is to be sent as ever."""
        if self.kind not in SENDS:
            return False
        SENDS[self.kind](connection, answer, **self.parameters)
        return True


# Faults of the answer: from (answer, parameters) to an answer.

PLACEHOLDER = "@@sample-api-value@@"


def rewritten(answer, value):
    """The answer with that value for its body."""
    return rules.Answer(answer.status, json.dumps(value, ensure_ascii=False).encode(),
                        answer.content_type, answer.headers)


def change_links(answer, link, change):
    """
    Applies "change" to the link at that index of a page (-1: the last; "all"), to the one
    link of a lookup, or to a token answer.  Any other answer stays as it is.
    """
    try:
        value = json.loads(answer.body)
    except ValueError:
        return answer
    if "payment_links" in value:
        links = value["payment_links"]
    elif "payment_link" in value:
        links = [value["payment_link"]]
    elif "id" in value or "access_token" in value:
        links = [value]
    else:
        links = []
    try:
        chosen = links if link == "all" else [links[link]]
    except IndexError:
        return answer
    for each in chosen:
        change(each)
    return rewritten(answer, value)


def walk(value, path):
    """The object that holds the last step of a dotted path, and that step."""
    steps = path.split(".")
    for step in steps[:-1]:
        if not isinstance(value.get(step), dict):
            value[step] = {}
        value = value[step]
    return value, steps[-1]


def set_field(answer, field, value, raw, link):
    """The field becomes a value, or raw JSON text (bytes or text, valid or not)."""
    def change(each):
        holder, step = walk(each, field)
        holder[step] = value if raw is None else PLACEHOLDER

    changed = change_links(answer, link, change)
    if raw is not None:
        text = raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogatepass")
        changed.body = changed.body.replace(('"%s"' % PLACEHOLDER).encode(), text)
    return changed


def missing_field(answer, field, link):
    def change(each):
        holder, step = walk(each, field)
        holder.pop(step, None)

    return change_links(answer, link, change)


def invalid_utf8(answer, field, link):
    return set_field(answer, field, None, b'"caf\xe9 \xc3\x28 \xed\xa0\x80"', link)


def nul_escape(answer, field, link):
    return set_field(answer, field, None, '"nul\\u0000inside"', link)


def duplicate_keys(answer, field, link):
    def change(each):
        holder, step = walk(each, field)
        saved = holder.get(step)
        holder[step] = PLACEHOLDER
        holder[PLACEHOLDER] = saved

    changed = change_links(answer, link, change)
    changed.body = changed.body.replace(('"%s":' % PLACEHOLDER).encode(), b'"%s":' % field.split(".")[-1].encode())
    changed.body = changed.body.replace(('"%s"' % PLACEHOLDER).encode(), b'"first of two"')
    return changed


def deep_nesting(answer, depth, where):
    nest = b"[" * depth + b"]" * depth
    if where == "body":
        return rules.Answer(200, nest)
    return set_field(answer, "deep", None, nest, 0)


def change_meta(answer, meta, remove):
    try:
        value = json.loads(answer.body)
    except ValueError:
        return answer
    if isinstance(value, dict) and isinstance(value.get("meta"), dict):
        value["meta"].update(meta)
        for name in remove:
            value["meta"].pop(name, None)
    return rewritten(answer, value)


def change_total_count(answer, value, delta):
    if value is None:
        try:
            value = json.loads(answer.body)["meta"]["total_count"] + delta
        except (ValueError, KeyError, TypeError):
            return answer
    return change_meta(answer, {"total_count": value}, ())


def short_page(answer, drop):
    """The page lacks its last links; its meta does not say so."""
    try:
        value = json.loads(answer.body)
        del value["payment_links"][-drop:]
    except (ValueError, KeyError, TypeError):
        return answer
    return rewritten(answer, value)


def repeated_link(answer, link, of):
    """A link of the page is replaced by a copy of another one of it."""
    try:
        value = json.loads(answer.body)
        value["payment_links"][link] = value["payment_links"][of]
    except (ValueError, KeyError, TypeError, IndexError):
        return answer
    return rewritten(answer, value)


def long_value(answer, field, before, text, count, after, link):
    """The field becomes a value as long as is wished: "before", "text" so many times, "after"."""
    return set_field(answer, field, None, before + text * count + after, link)


def many_links(answer, count, text):
    """The page holds that many links of that JSON text; its meta does not say so."""
    return replace_links(answer, b",".join([text.encode()] * count))


def replace_links(answer, text):
    """The page holds these links, which are the inside of a JSON array."""
    try:
        value = json.loads(answer.body)
    except ValueError:
        return answer
    if not isinstance(value, dict) or "payment_links" not in value:
        return answer
    value["payment_links"] = [PLACEHOLDER]
    body = json.dumps(value, ensure_ascii=False).encode().replace(('"%s"' % PLACEHOLDER).encode(), text)
    return rules.Answer(answer.status, body, answer.content_type, answer.headers)


def huge_list(answer, total, same, size):
    """
    A list of that many links, in either order: the one at place n has n as its id and
    amount, and n microseconds after 2000 as its dates.  With "same" every page holds the links
    of the first one.  Refuses no page.  "size" is the length of a further field.
    """
    request = answer.request
    try:
        _, sort_by, page, per_page = rules.parse_list_query(request.raw_query, 422)
    except rules.Refusal:
        return answer
    if not request.path.endswith(rules.LIST_PATH):
        return answer
    links = []
    first = 0 if same else (page - 1) * per_page
    for place in range(first, min(first + per_page, total)):
        number = total - 1 - place if (sort_by or "").endswith(":desc") else place
        seconds, micros = divmod(number, 1000000)
        date = "%s.%06dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(946684800 + seconds)), micros)
        links.append({"id": "%08x-%04x-4000-8000-%012x" % (number >> 64, number >> 48 & 0xffff, number & 0xffffffffffff),
                      "status": "open", "amount": {"value": str(number), "currency": "EUR"},
                      "expiration_date": date, "created_at": date, "filler": "x" * size})
    return rules.Answer(200, json.dumps({"payment_links": links, "meta": rules.page_meta(page, per_page, total)}).encode())


def escaped_keys(answer):
    """Every key with every character escaped: "\\u0069\\u0064" for "id"."""
    def spell(value):
        if isinstance(value, dict):
            return "{%s}" % ",".join('"%s":%s' % ("".join("\\u%04x" % ord(c) for c in key), spell(each))
                                     for key, each in value.items())
        if isinstance(value, list):
            return "[%s]" % ",".join(map(spell, value))
        return json.dumps(value, ensure_ascii=False)

    try:
        text = spell(json.loads(answer.body))
    except ValueError:
        return answer
    return rules.Answer(answer.status, text.encode(), answer.content_type, answer.headers)


CODES = {400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 408: "request_timeout",
         422: "invalid", 425: "too_early", 429: "too_many_requests", 500: "internal_server_error",
         502: "bad_gateway", 503: "service_unavailable", 504: "gateway_timeout"}


def status_answer(answer, status, shape, code, detail, parameter, retry_after, retry_after_date, headers, trace):
    lines = list(headers.items())
    if retry_after is not None:
        lines.append(("Retry-After", str(retry_after)))
    if retry_after_date is not None:
        lines.append(("Retry-After", email.utils.formatdate(time.time() + retry_after_date, usegmt=True)))
    code = code or CODES.get(status, "error")
    detail = detail or code.replace("_", " ")
    changed = rules.Answer(status, rules.error_body(shape, code, detail, answer.trace_id, parameter),
                           rules.HTML_TYPE if shape == "html" else rules.JSON_TYPE, lines)
    changed.trace_id = answer.trace_id if trace else ""
    return changed


def redirect(answer, location, status):
    return rules.Answer(status, b"", None, [("Location", location)])


def html_login(answer):
    return rules.Answer(200, rules.LOGIN_PAGE, rules.HTML_TYPE)


def wrong_content_type(answer, content_type):
    return rules.Answer(answer.status, answer.body, content_type, answer.headers)


def invalid_json(answer, text):
    body = answer.body[:len(answer.body) // 2] if text is None else text.encode()
    return rules.Answer(answer.status, body, answer.content_type, answer.headers)


def body(answer, text, status, content_type):
    return rules.Answer(status, text.encode("utf-8", "surrogatepass"), content_type)


def empty_body(answer):
    return rules.Answer(200, b"", answer.content_type)


BOMBS = {}


def gzip_bomb(answer, megabytes):
    """Spaces, of which the client gets a thousandth: valid gzip to its last byte."""
    if megabytes not in BOMBS:
        block = b" " * (1 << 20)
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        first = deflate.compress(block) + deflate.flush(zlib.Z_FULL_FLUSH)
        crc = 0
        for _ in range(megabytes):
            crc = zlib.crc32(block, crc)
        BOMBS[megabytes] = (b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + first * megabytes + deflate.flush(zlib.Z_FINISH)
                            + struct.pack("<II", crc, (megabytes << 20) & 0xffffffff))
    return rules.Answer(200, BOMBS[megabytes], headers=[("Content-Encoding", "gzip")])


def compressed(answer):
    """The answer in gzip, whether or not the client asked for it."""
    return rules.Answer(answer.status, gzip.compress(answer.body, 1, mtime=0), answer.content_type,
                        answer.headers + [("Content-Encoding", "gzip")])


# Faults of the connection: they send, from (connection, answer, parameters).

def hang(connection, answer, after):
    """Nothing, or headers and the first bytes of the body; then silence until the client leaves."""
    if after is not None:
        connection.write(connection.head(answer) + answer.body[:after])
    connection.wait_for_client_to_leave()


def drip(connection, answer, interval_ms, size, headers):
    """A few bytes at a time; headers too, or only the body."""
    text = connection.head(answer)
    if headers:
        text += answer.body
    else:
        connection.write(text)
        text = answer.body
    for at in range(0, len(text), size):
        connection.write(text[at:at + size])
        time.sleep(interval_ms / 1000)


def reset(connection, answer, after):
    if after is not None:
        connection.write(connection.head(answer) + answer.body[:after])
        time.sleep(0.05)            # or the reset would overtake the bytes
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.socket.close()


def close(connection, answer):
    pass


def short_body(connection, answer, size):
    size = len(answer.body) // 2 if size is None else size
    connection.write(connection.head(answer) + answer.body[:size])


def chunked(connection, answer, size):
    """A valid answer in chunks of that size."""
    text = connection.head(answer, chunked=True)
    for at in range(0, len(answer.body), size):
        text += b"%x\r\n%s\r\n" % (len(answer.body[at:at + size]), answer.body[at:at + size])
    connection.write(text + b"0\r\n\r\n")


def endless_body(connection, answer, text):
    connection.write(connection.head(answer, chunked=True) + b'12\r\n{"payment_links":[\r\n')
    piece = (text.encode() * (65536 // len(text) + 1))[:65536]
    while True:
        connection.write(b"10000\r\n" + piece + b"\r\n")


def endless_headers(connection, answer, interim):
    """Of one answer, or interim answers one after the other."""
    number = 0
    if interim:
        while True:
            connection.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 100)
    connection.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.write(b"".join(b"X-Filler-%d: %s\r\n" % (number + k, b"a" * 200) for k in range(100)))
        number += 100


def garbage(connection, answer, text):
    connection.write(text.encode("latin-1"))


EDITS = {
    "status": status_answer, "redirect": redirect, "html_login": html_login,
    "wrong_content_type": wrong_content_type, "invalid_json": invalid_json, "body": body,
    "empty_body": empty_body, "gzip_bomb": gzip_bomb, "gzip": compressed, "deep_nesting": deep_nesting,
    "wrong_types": set_field, "missing_field": missing_field, "duplicate_keys": duplicate_keys,
    "invalid_utf8": invalid_utf8, "nul_escape": nul_escape, "meta": change_meta,
    "total_count": change_total_count, "per_page": lambda answer, value: change_meta(answer, {"per_page": value}, ()),
    "current_page": lambda answer, value: change_meta(answer, {"current_page": value}, ()),
    "short_page": short_page, "repeated_link": repeated_link, "long_value": long_value, "many_links": many_links,
    "huge_list": huge_list, "escaped_keys": escaped_keys,
}

SENDS = {
    "hang": hang, "drip": drip, "reset": reset, "close": close, "short_body": short_body, "chunked": chunked,
    "endless_body": endless_body, "endless_headers": endless_headers, "garbage": garbage,
}

# Each kind's parameters with their defaults.
PARAMETERS = {
    "latency": {"ms": 100, "on_the_way": False, "held": False},
    "status": {"status": 500, "shape": "list", "code": None, "detail": None, "parameter": None,
               "retry_after": None, "retry_after_date": None, "headers": {}, "trace": True},
    "redirect": {"location": "/elsewhere", "status": 302},
    "html_login": {},
    "wrong_content_type": {"content_type": "text/html"},
    "invalid_json": {"text": None},
    "body": {"text": "", "status": 200, "content_type": rules.JSON_TYPE},
    "empty_body": {},
    "gzip_bomb": {"megabytes": 256},
    "gzip": {},
    "deep_nesting": {"depth": 100000, "where": "link"},
    "wrong_types": {"field": "amount", "value": 12.5, "raw": None, "link": 0},
    "missing_field": {"field": "id", "link": 0},
    "duplicate_keys": {"field": "id", "link": 0},
    "invalid_utf8": {"field": "debitor_name", "link": 0},
    "nul_escape": {"field": "debitor_name", "link": 0},
    "meta": {"meta": {}, "remove": ()},
    "total_count": {"value": None, "delta": -1},
    "per_page": {"value": 10},
    "current_page": {"value": 1},
    "short_page": {"drop": 1},
    "repeated_link": {"link": 1, "of": 0},
    "long_value": {"field": "debitor_name", "before": '"', "text": "x", "count": 1000000, "after": '"', "link": 0},
    "many_links": {"count": 1000000, "text": '{"id":"x"}'},
    "huge_list": {"total": 1 << 31, "same": False, "size": 0},
    "escaped_keys": {},
    "hang": {"after": None},
    "drip": {"interval_ms": 100, "size": 1, "headers": True},
    "reset": {"after": None},
    "close": {},
    "short_body": {"size": None},
    "chunked": {"size": 1000},
    "endless_body": {"text": " "},
    "endless_headers": {"interim": False},
    "garbage": {"text": "SSH-2.0-OpenSSH_9.2\r\n"},
}
