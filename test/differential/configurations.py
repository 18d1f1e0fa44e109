"""
configurations.py
    How the sample API behaves, how the table is declared and what is read at a time.
    Used by run.py.
"""

LABELS = ("open", "expired", "canceled", "paid", "processing", "refunded")
COLUMNS = ("id uuid", "status text", "amount numeric", "currency text", "expiration_date timestamptz",
           "created_at timestamptz",
           "resource_type text", "reusable boolean", "url text", "potential_payment_methods text[]",
           "invoice_id uuid",
           "invoice_number text", "debitor_name text", "items jsonb", "attrs jsonb")
# How a table is declared by hand: the types that differ from the imported table's.
DECLARED = {
    "nullable": {},
    "enum": {"status": "link_status"},
    "domain": {"status": "link_text", "amount": "link_amount", "currency": "link_text"},
    "partitioned": {},
    "narrow": {"status": "varchar(6)"},
    "checked": {"status": "some_status"},
    "text": {"id": "text", "status": "varchar(20)", "amount": "numeric(24,2)", "currency": "varchar(3)"},
}
# Statuses that a column's type does not take.
FORBIDDEN = {
    "narrow": ("expired", "canceled", "processing", "refunded"),
    "checked": ("expired", "refunded"),
}


def configuration(table="imported", ties=False, analyze=False, options=None, only=None, refused=(), alike=False,
                  **settings):
    """
    "alike": links expire at moments that are the same text, though an hour apart, in the zone and the style of dates of
    each query.
    "only" is the one kind of queries, as the generator's method is called.  A query may be
    refused with the SQLSTATEs "refused".
    """
    return {"table": table, "ties": ties, "analyze": analyze, "options": options or {}, "settings": settings,
            "only": only, "alike": alike, "refused": refused, "forbidden": FORBIDDEN.get(table, ())}


def refusal(state):
    """The SQLSTATEs of a refused query, and of FETCH after its cursor was refused."""
    return state, "34000", "25P02", "55000"


ONE_BY_ONE = {"page_size": "1", "concurrency": "1"}
SEVENS = {"page_size": "7"}
SEVENS_ALONE = {"page_size": "7", "concurrency": "1"}

CONFIGURATIONS = {
    "empty": configuration(count=0),
    "one": configuration(count=1, zero_share=0),
    "one_never_expires": configuration(count=1, zero_share=1, options=ONE_BY_ONE),
    "pages_of_one": configuration(count=12, ties=True, options=ONE_BY_ONE),
    "pages_of_one_last": configuration(count=12, null_block="last", undocumented_share=0.1,
                                       options={"page_size": "1"}),
    "below_a_page": configuration(count=99, undocumented_share=0.1),
    "a_page": configuration(count=100, null_block="first", wrapped=False),
    "above_a_page": configuration(count=101, null_block="last", wrapped=False, options={"concurrency": "1"}),
    "sevens": configuration(count=101, undocumented_share=0.1, options=SEVENS_ALONE),
    "sevens_ties_first": configuration(count=99, null_block="first", ties=True, options=SEVENS),
    "sevens_ties_last": configuration(count=100, null_block="last", ties=True, tie_break="id_desc",
                                      options=SEVENS_ALONE),
    "all_expire": configuration(count=250, zero_share=0),
    "all_expire_sevens": configuration(count=100, zero_share=0, ties=True, options=SEVENS),
    "none_expires": configuration(count=250, zero_share=1),
    "none_expires_last": configuration(count=101, zero_share=1, null_block="last", options=SEVENS),
    "none_expires_first": configuration(count=101, zero_share=1, null_block="first", options=SEVENS_ALONE),
    "documented": configuration(count=250, ties=True),
    "undocumented": configuration(count=250, undocumented_share=0.1, null_block="first"),
    "nullable": configuration("nullable", count=250, null_block="last"),
    "nullable_sevens": configuration("nullable", count=101, undocumented_share=0.1, options=SEVENS),
    "null_fields": configuration("nullable", count=101, options=SEVENS,
                                 null_fields={"status": 0.1, "expiration_date": 0.1, "currency": 0.2, "reusable": 0.3,
                                              "created_at": 0.1},
                                 missing_fields={"url": 0.2, "resource_type": 0.2, "expiration_date": 0.1}),
    # That every link has an amount is taken on trust where the API sorts by it.
    "null_amounts": configuration("nullable", count=101, null_block="last",
                                  options=dict(SEVENS, sort_pushdown="false"),
                                  null_fields={"amount": 0.2}),
    "enum": configuration("enum", count=250, null_block="last"),
    "enum_undocumented": configuration("enum", count=101, undocumented_share=0.1, options=SEVENS),
    "domain": configuration("domain", count=101, undocumented_share=0.1, ties=True, options=SEVENS),
    "text": configuration("text", count=101, null_block="first", options=SEVENS),
    # A list out of order is sorted here with this option, and only with it.
    "middle": configuration(count=101, null_block="middle", options=dict(SEVENS, sort_pushdown="false")),
    "both_ends": configuration(count=101, null_block="both", ties=True, options=dict(SEVENS, sort_pushdown="false")),
    # Counts over a range look for links on the other side of the block.
    "middle_counted": configuration(count=101, null_block="middle", options=SEVENS, only="date_counts"),
    # Read to its end, such a list is read right or not at all.
    "both_ends_sorted": configuration(count=101, null_block="both", zero_share=0.4, options=SEVENS, only="read_to_the_end",
                                      refused=refusal("HV000")),
    "alike": configuration(count=101, options=SEVENS, alike=True, only="rescanned_dates"),
    # Their copies have every status.
    "narrow": configuration("narrow", count=101, options=SEVENS, refused=refusal("22001")),
    "checked": configuration("checked", count=101, undocumented_share=0.1, options=SEVENS, refused=refusal("23514")),
    "thousand": configuration(count=1000),
    "thousand_analyzed": configuration(count=1000, analyze=True, ties=True, null_block="last",
                                       undocumented_share=0.1),
    "thousand_sevens": configuration(count=1000, null_block="first", analyze=True, options=SEVENS),
    "cheap_pages": configuration(count=250, analyze=True, options={"page_size": "7", "fdw_startup_cost": "1",
                                                                   "fdw_page_cost": "1"}),
    # One list behind two partitions, beside a local one.
    "partitioned": configuration("partitioned", count=101, undocumented_share=0.1, options=SEVENS),
    "partitioned_cheap": configuration("partitioned", count=60, analyze=True,
                                       options={"fdw_startup_cost": "1", "fdw_page_cost": "1"}),
    "no_sort": configuration(count=101, options=dict(SEVENS, sort_pushdown="false")),
    "no_count": configuration(count=101, ties=True, options=dict(SEVENS, count_pushdown="false")),
}
