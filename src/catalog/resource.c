/*
 * resource.c
 *		The resources of the API that can be foreign tables.
 *
 * No other file names the path, the JSON keys or the noun of a resource, so that a
 * further one is added here; scripts/resource-names sees to that.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "catalog/resource.h"

static const PlfFieldInfo link_fields[] = {
	{.column = "id",
	 .path = {1, {"id"}},
	 .type = UUIDOID,
	 .not_null = true,
	 .role = PLF_ROLE_ID},
	{.column = "status",
	 .path = {1, {"status"}},
	 .type = TEXTOID,
	 .not_null = true,
	 .role = PLF_ROLE_STATUS},
	{.column = "amount",
	 .path = {2, {"amount", "value"}},
	 .type = NUMERICOID,
	 .not_null = true,
	 .sort_by = "amount"},
	{.column = "currency",
	 .path = {2, {"amount", "currency"}},
	 .type = TEXTOID,
	 .not_null = true},
	{.column = "expiration_date",
	 .path = {1, {"expiration_date"}},
	 .type = TIMESTAMPTZOID,
	 .zero_is_null = true,
	 .sort_by = "expiration_date"},
	{.column = "created_at",
	 .path = {1, {"created_at"}},
	 .type = TIMESTAMPTZOID,
	 .not_null = true},
	{.column = "resource_type", .path = {1, {"resource_type"}}, .type = TEXTOID},
	{.column = "reusable", .path = {1, {"reusable"}}, .type = BOOLOID},
	{.column = "url", .path = {1, {"url"}}, .type = TEXTOID},
	{.column = "potential_payment_methods",
	 .path = {1, {"potential_payment_methods"}},
	 .type = TEXTARRAYOID},
	{.column = "invoice_id", .path = {1, {"invoice_id"}}, .type = UUIDOID},
	{.column = "invoice_number", .path = {1, {"invoice_number"}}, .type = TEXTOID},
	{.column = "debitor_name", .path = {1, {"debitor_name"}}, .type = TEXTOID},
	{.column = "items", .path = {1, {"items"}}, .type = JSONBOID, .is_json = true},
	{.column = "attrs", .type = JSONBOID, .not_null = true, .is_json = true},
};

const PlfResource plf_resources[PLF_RESOURCE_COUNT] = {
	{.wire = {.list_path = "/v2/payment_links",
			  .item_path = "/v2/payment_links/{id}",
			  .status_parameter = "status[]",
			  .scope = "payment_link.read",
			  .list_key = "payment_links",
			  .meta_key = "meta",
			  .item_key = "payment_link",
			  .id_key = "id",
			  .status_key = "status",
			  .statuses = {"open", "expired", "canceled", "paid", "processing"},
			  .noun = "payment link",
			  .plural = "payment links",
			  .item = "link",
			  .items = "links"},
	 .table = "payment_links",
	 .fields = link_fields,
	 .nfields = lengthof(link_fields)},
};
