"""
api.py
    The sample API without its sockets: settings, log, faults and scheduled
    changes, and from a request to an answer.  Used by sample_api.py.

Everything that a request reads or changes is done under one lock when it
arrives, so that arrival order decides what it sees; only then does it wait.
"""

import collections
import gzip
import json
import threading
import time

import oauth
import rules
from faults import MATCHER_KEYS, PARAMETERS, Fault, Matcher
from links import GENERATION, LISTING, Store
from rules import Answer, Refusal

SETTINGS = {
    **GENERATION,
    **{name: values[0] for name, values in LISTING.items()},
    "wrapped": True,                # {"payment_link": {...}} for a lookup by id
    "total_offset": 0,              # added to every total_count
    "prefix": "",                   # path before /v2
    "token": ["sample-access-token"],
    "forbidden_token": "",          # a token without the scope: 403
    "staging_token": "",            # required when not empty
    "refusal_status": 422,          # of refused parameters
    "gzip": False,                  # compress for clients that accept it
    "latency_ms": 0,                # before every answer
    "rate_limit": 0,                # requests in 10 s before 429; 0: no limit
    **oauth.SETTINGS,
}

SECRETS = ("token", "forbidden_token", "staging_token", "oauth_client_secret")


def checked_setting(name, value):
    """The value in the setting's type; ValueError for what cannot be one."""
    if name not in SETTINGS:
        raise ValueError("unknown setting: " + name)
    default = SETTINGS[name]
    if name in ("null_fields", "missing_fields"):
        return {field: 1.0 for field in value} if isinstance(value, list) else dict(value)
    if name in LISTING and value not in LISTING[name]:
        raise ValueError("%s must be one of: %s" % (name, ", ".join(LISTING[name])))
    if name == "token":
        return [value] if isinstance(value, str) else list(value)
    if isinstance(default, bool):
        return value not in (False, 0, "0", "false", "")
    return type(default)(value)


class Api:
    def __init__(self, **settings):
        self.lock = threading.RLock()
        self.start = {**SETTINGS, **{name: checked_setting(name, value) for name, value in settings.items()}}
        self.store = Store()
        self.faults = []
        self.reset()

    def reset(self):
        """Log, faults, settings and links as at the start."""
        with self.lock:
            self.settings = dict(self.start)
            self.oauth = oauth.AuthorizationServer(self.settings)
            self.drop_faults()
            self.arrivals = collections.deque()
            self.count = 0
            self.struck = 0         # faults
            self.changes = 0        # scheduled ones that were made
            self.in_flight = 0
            self.max_in_flight = 0
            self.log = []
            self.began = time.monotonic()
            self.store.load(self.settings)

    def drop_faults(self):
        """Drops faults and scheduled changes; answers that were held are sent."""
        self.release()
        self.faults = []
        self.scheduled = []

    def release(self):
        """Drops the faults that hold answers back, which are sent."""
        for fault in self.faults:
            fault.dropped.set()
        self.faults = [fault for fault in self.faults if not fault.is_held()]

    def configure(self, changes):
        with self.lock:
            checked = {name: checked_setting(name, value) for name, value in changes.items()}
            self.settings.update(checked)
            if any(name in GENERATION for name in checked):
                self.store.load(self.settings)
            self.store.views = {}

    def on_the_way(self, request):
        """Seconds that a request takes to arrive."""
        delay_ms = 0
        with self.lock:
            for fault in self.faults:
                if fault.is_on_the_way() and fault.matcher.wants(request.path, request.query):
                    delay_ms += fault.parameters["ms"]
                    fault.matcher.use()
                    self.struck += 1
        return delay_ms / 1000

    def admit(self, request, connection):
        """
        A request has arrived: applies the changes scheduled before it, logs it, and
        returns (log entry, answer, fault of the connection or None, seconds to wait, faults
        to wait for until they are dropped).
        """
        oauth.hide_secrets(request)
        with self.lock:
            self.count += 1
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            for matcher, change in self.scheduled:
                if matcher.wants(request.path, request.query):
                    matcher.use()
                    self.apply(change)
                    self.changes += 1
            entry = {
                "n": self.count, "method": request.method, "path": request.path, "query": request.query,
                "status": None, "fault": None, "token": rules.judge_token(request, self.settings, self.oauth),
                "staging_token": rules.judge_staging_token(request, self.settings),
                "http_version": request.version, "headers": [name for name, _ in request.headers],
                "body": len(request.body), "target": request.target, "host": request.value("host"),
                "user_agent": request.value("user-agent"),
                "accept": request.value("accept"), "accept_encoding": request.value("accept-encoding"),
                "connection": connection, "in_flight": self.in_flight,
                "changes": self.changes, "time": round(time.monotonic() - self.began, 6),
            }
            self.log.append(entry)
            answer = self.answer(request)
            entry.update(answer.log)
            answer.trace_id = rules.trace_id(self.count)
            delay_ms = self.settings["latency_ms"]
            chosen = None
            held_by = []
            for fault in self.faults:
                if fault.is_on_the_way() or not fault.matcher.wants(request.path, request.query):
                    continue
                if fault.kind == "latency":
                    if fault.is_held():
                        held_by.append(fault)
                    else:
                        delay_ms += fault.parameters["ms"]
                    entry["fault"] = entry["fault"] or fault.kind
                elif chosen is None:
                    chosen = fault
                else:
                    continue
                fault.matcher.use()
                self.struck += 1
            if chosen is not None:
                entry["fault"] = chosen.kind
                trace = answer.trace_id
                answer.request = request
                answer = chosen.edit(answer)
                if answer.trace_id is None:
                    answer.trace_id = trace
            entry["status"] = answer.status
            use_gzip = self.settings["gzip"]
        if use_gzip and "gzip" in (entry["accept_encoding"] or "") and len(answer.body) > 256 \
                and not any(name == "Content-Encoding" for name, _ in answer.headers):
            answer.body = gzip.compress(answer.body, 1, mtime=0)
            answer.headers.append(("Content-Encoding", "gzip"))
        return entry, answer, chosen, delay_ms / 1000, held_by

    def leave(self):
        with self.lock:
            self.in_flight = max(self.in_flight - 1, 0)

    def answer(self, request):
        """What the API says to the request, faults aside."""
        settings = self.settings
        try:
            # Who plays the browser at the authorization server has got past the login page.
            if settings["staging_token"] and rules.judge_staging_token(request, settings) != "good" \
                    and request.path != oauth.AUTHORIZE:
                return Answer(200, rules.LOGIN_PAGE, rules.HTML_TYPE)
            if request.path in oauth.PATHS:
                return self.oauth.answer(request)
            if settings["rate_limit"] and self.over_limit(settings["rate_limit"]):
                raise Refusal(429, "too_many_requests", "Too many requests")
            path = request.path
            if not path.startswith(settings["prefix"] + rules.LIST_PATH):
                raise Refusal(404, "not_found", "The requested path does not exist")
            rest = path[len(settings["prefix"] + rules.LIST_PATH):]
            if rest and (rest[0] != "/" or "/" in rest[1:] or len(rest) == 1):
                raise Refusal(404, "not_found", "The requested path does not exist")
            if request.method != "GET":
                raise Refusal(405, "method_not_allowed", "%s is not allowed here" % request.method)
            rules.check_access(request, settings, self.oauth)
            if rest:
                return self.lookup(rest[1:], request)
            return self.list(request)
        except Refusal as refusal:
            body = rules.error_body("list", refusal.code, refusal.detail, rules.trace_id(self.count),
                                    refusal.parameter)
            return Answer(refusal.status, body,
                          headers=[("Allow", "GET")] if refusal.status == 405 else ())

    def over_limit(self, limit):
        now = time.monotonic()
        while self.arrivals and self.arrivals[0] < now - 10:
            self.arrivals.popleft()
        self.arrivals.append(now)
        return len(self.arrivals) > limit

    def list(self, request):
        settings = self.settings
        refusal_status = settings["refusal_status"]
        statuses, sort_by, page, per_page = rules.parse_list_query(request.raw_query, refusal_status)
        view = self.store.view(statuses, sort_by, settings)
        start = (page - 1) * per_page
        if page > 1 and start >= len(view):
            raise Refusal(refusal_status, "invalid", "page must not be past the last page", "page")
        links = b",".join([link.text for link in view[start:start + per_page]])
        meta = rules.page_meta(page, per_page, len(view) + settings["total_offset"])
        return Answer(200, b'{"payment_links":[%s],"meta":%s}' % (
            links, json.dumps(meta, separators=(",", ":")).encode()))

    def lookup(self, identity, request):
        for name, _ in rules.parse_pairs(request.raw_query, self.settings["refusal_status"]):
            raise Refusal(self.settings["refusal_status"], "unknown_parameter",
                          "%s is not a parameter of this endpoint" % name, name)
        link = self.store.by_id.get(identity)
        if link is None:
            raise Refusal(404, "not_found", "No payment link has this id")
        return Answer(200, b'{"payment_link":%s}' % link.text if self.settings["wrapped"] else link.text)

    def apply(self, change):
        """A scheduled change: links, config, or both."""
        if "config" in change:
            self.configure(change["config"])
        if "links" in change:
            self.store.change(change["links"], self.settings)

    def schedule(self, spec):
        unknown = set(spec) - {"n", "config", "links"} - set(MATCHER_KEYS)
        if unknown:
            raise ValueError("unknown part of a scheduled change: " + ", ".join(sorted(unknown)))
        if "n" in spec:
            spec = {**spec, "nth": spec["n"]}
        for name, value in spec.get("config", {}).items():
            checked_setting(name, value)
        self.scheduled.append((Matcher(spec, times=1), spec))

    def lines(self):
        """The log as lines of method, path and decoded query."""
        return [entry["method"] + " " + entry["path"] + ("?" + entry["query"] if entry["query"] else "")
                for entry in self.log]

    def control(self, method, name, body):
        """Serves /_control/NAME; returns text or a value.  ValueError for a bad request."""
        data = json.loads(body) if body.strip() else None
        with self.lock:
            if name in oauth.CONTROLS:
                return self.oauth.control(method, name, data, self.faults)
            if method == "GET":
                if name == "log":
                    return list(self.log)
                if name == "count":
                    return len(self.log)
                if name in ("requests", "sorted_requests"):
                    lines = self.lines()
                    if name == "sorted_requests":
                        lines.sort(key=page_order)
                    self.log = []
                    return "".join(line + "\n" for line in lines)
                if name == "fault_kinds":
                    return sorted(PARAMETERS)
                if name == "stats":
                    return {"count": self.count, "faults": self.struck, "in_flight": self.in_flight,
                            "max_in_flight": self.max_in_flight,
                            "connections": len({entry["connection"] for entry in self.log})}
                if name == "config":
                    return {key: value for key, value in self.settings.items() if key not in SECRETS}
                if name == "links":
                    return "[" + ",".join(link.text.decode("utf-8", "replace") for link in
                                          self.store.view(None, None, self.settings)) + "]"
            elif method == "POST":
                if name == "reset":
                    self.reset()
                    return {}
                if name == "clear":
                    self.log = []
                    self.changes = 0
                    self.oauth.clear()
                    self.max_in_flight = self.in_flight
                    return {}
                if name == "config":
                    self.configure(data)
                    return {}
                if name == "fault":
                    self.faults += [Fault(spec) for spec in (data if isinstance(data, list) else [data])]
                    return {}
                if name == "clear_faults":
                    self.drop_faults()
                    return {}
                if name == "release":
                    self.release()
                    return {}
                if name == "links":
                    ids = self.store.change({"replace": data} if isinstance(data, list) else data, self.settings)
                    return {"ids": ids, "count": len(self.store.links)}
                if name == "before":
                    for spec in data if isinstance(data, list) else [data]:
                        self.schedule(spec)
                    return {}
        raise LookupError("%s /_control/%s does not exist" % (method, name))


def page_order(line):
    """A sort key that puts page 10 after page 9."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part)
            for word in line.split("&") for part in word.split("=")]
