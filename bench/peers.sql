-- What a user would write instead, once for every column and once for two of
-- them; "url" is where the list is.  peers.py calls it.
--
-- The table and the conversions are those of the foreign table: decimal strings as
-- numeric, the zero date as NULL, each link as the API sent it in "attrs".

CREATE EXTENSION http;
CREATE EXTENSION plpython3u;

-- COPY FROM PROGRAM, with curl and jq, fills these.
CREATE UNLOGGED TABLE every_column (
	id uuid, status text, amount numeric, currency text, expiration_date timestamptz,
	created_at timestamptz, resource_type text, reusable boolean, url text,
	potential_payment_methods text[], invoice_id uuid, invoice_number text,
	debitor_name text, items jsonb, attrs jsonb);
CREATE UNLOGGED TABLE two_columns (expiration_date timestamptz, amount numeric);

CREATE TYPE peer_amount AS (value numeric, currency text);

-- postgresql-17-http: a page after the other, over one connection.
CREATE FUNCTION http_pages(url text) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
	page int := 1;
	answer record;
	body jsonb;
BEGIN
	PERFORM set_config('http.keepalive', 'on', true);
	WHILE page IS NOT NULL LOOP
		SELECT status, content INTO answer
		FROM http(('GET', url || '/v2/payment_links?per_page=100&page=' || page,
				   ARRAY[http_header('Authorization', 'Bearer sample-access-token')],
				   NULL, NULL)::http_request);
		IF answer.status <> 200 THEN
			RAISE EXCEPTION 'page %: status %', page, answer.status;
		END IF;
		body := answer.content;
		RETURN NEXT body -> 'payment_links';
		page := body #>> '{meta,next_page}';
	END LOOP;
END $$;

CREATE FUNCTION http_all(url text) RETURNS SETOF every_column LANGUAGE sql AS $$
	SELECT l.id, l.status, (l.amount).value, (l.amount).currency,
		   nullif(l.expiration_date, '0001-01-01T00:00:00Z'), l.created_at,
		   l.resource_type, l.reusable, l.url, l.potential_payment_methods,
		   l.invoice_id, l.invoice_number, l.debitor_name, l.items, attrs
	FROM http_pages(http_all.url) AS links,
		 jsonb_array_elements(links) AS attrs,
		 jsonb_to_record(attrs) AS l(
			id uuid, status text, amount peer_amount, expiration_date timestamptz,
			created_at timestamptz, resource_type text, reusable boolean, url text,
			potential_payment_methods text[], invoice_id uuid, invoice_number text,
			debitor_name text, items jsonb)
$$;

CREATE FUNCTION http_two(url text) RETURNS SETOF two_columns LANGUAGE sql AS $$
	SELECT nullif(l.expiration_date, '0001-01-01T00:00:00Z'), (l.amount).value
	FROM http_pages(url) AS links,
		 jsonb_to_recordset(links) AS l(expiration_date timestamptz, amount peer_amount)
$$;

-- plpython3u: likewise, over a connection that the session keeps.
CREATE FUNCTION python_pages() RETURNS void LANGUAGE plpython3u AS $$
	import http.client, json, urllib.parse
	def pages(url):
		base = urllib.parse.urlsplit(url)
		if "connection" not in GD:
			GD["connection"] = http.client.HTTPConnection(base.netloc)
		page = 1
		while page:
			GD["connection"].request("GET", "%s/v2/payment_links?per_page=100&page=%d" % (base.path, page),
									 headers={"Authorization": "Bearer sample-access-token"})
			answer = GD["connection"].getresponse()
			body = answer.read()
			if answer.status != 200:
				plpy.error("page %d: status %d" % (page, answer.status))
			body = json.loads(body)
			yield body["payment_links"]
			page = body["meta"]["next_page"]
	GD["pages"] = pages
$$;

CREATE FUNCTION python_all(url text) RETURNS SETOF every_column LANGUAGE plpython3u AS $$
	import json
	if "pages" not in GD:
		plpy.execute("SELECT python_pages()")
	for links in GD["pages"](url):
		for link in links:
			expires = link["expiration_date"]
			items = link["items"]
			yield (link["id"], link["status"], link["amount"]["value"], link["amount"]["currency"],
				   None if expires == "0001-01-01T00:00:00Z" else expires, link["created_at"],
				   link["resource_type"], link["reusable"], link["url"],
				   link["potential_payment_methods"], link["invoice_id"], link["invoice_number"],
				   link["debitor_name"], None if items is None else json.dumps(items), json.dumps(link))
$$;

CREATE FUNCTION python_two(url text) RETURNS SETOF two_columns LANGUAGE plpython3u AS $$
	if "pages" not in GD:
		plpy.execute("SELECT python_pages()")
	for links in GD["pages"](url):
		for link in links:
			expires = link["expiration_date"]
			yield (None if expires == "0001-01-01T00:00:00Z" else expires, link["amount"]["value"])
$$;
