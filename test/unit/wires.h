/*
 * wires.h
 *		Resources for tests without a server: payment links, and another one whose paths,
 *		keys and words are all different.
 */
#include "../../src/api/wire.h"

static const PlfWire link_wire = {
	.list_path = "/v2/payment_links",
	.item_path = "/v2/payment_links/{id}",
	.status_parameter = "status[]",
	.list_key = "payment_links",
	.meta_key = "meta",
	.item_key = "payment_link",
	.id_key = "id",
	.status_key = "status",
	.statuses = {"open", "expired", "canceled", "paid", "processing"},
	.plural = "payment links",
	.item = "link",
	.items = "links"};

static const PlfWire tree_wire = {.list_path = "/v3/forests/north/trees",
								  .item_path = "/v3/trees/{id}/whole",
								  .status_parameter = "kinds[]",
								  .list_key = "trees",
								  .meta_key = "page",
								  .item_key = "tree",
								  .id_key = "number",
								  .status_key = "kind",
								  .statuses = {"oak", "ash", "elm", "fir", "yew"},
								  .plural = "tall trees",
								  .item = "tree",
								  .items = "trees"};
