# payment_links_fdw, built with PGXS.
#
#   make && make install        PG_CONFIG=/path/to/pg_config chooses the server
#   make installcheck           against a running server; scripts/test runs
#                               everything against one of its own

EXTENSION = payment_links_fdw
MODULE_big = payment_links_fdw
PGFILEDESC = "payment_links_fdw - payment links of the Qonto API as a table"

OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
DATA = $(sort $(wildcard payment_links_fdw--*.sql))
DOCS := $(sort $(wildcard README.md doc/*.md))

# In the order of their numbers: a tour. Each file can also run alone.
REGRESS = $(sort $(patsubst sql/%.sql,%,$(wildcard sql/*.sql)))
REGRESS_OPTS = --encoding=UTF8
TAP_TESTS = 1
EXTRA_CLEAN = results tmp_check

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(wildcard $(PGXS)),)
$(error $(PG_CONFIG) leads to no PGXS: install the server's development files (on Debian postgresql-server-dev-NN) or set PG_CONFIG)
endif

# Expanded inside pgxs.mk, where the server's folders are known. As system
# folders, the server's headers raise no warnings of ours.
PKG_CONFIG ?= pkg-config
PG_CPPFLAGS = -Isrc \
	-isystem $(includedir_server) -isystem $(includedir_internal) \
	$(shell $(PKG_CONFIG) --cflags libcurl jansson 2>/dev/null)
SHLIB_LINK = $(or $(shell $(PKG_CONFIG) --libs libcurl jansson 2>/dev/null),\
	-lcurl -ljansson)

include $(PGXS)

# Not among the files of other extensions, which have a README too.
docmoduledir = payment_links_fdw

# What is missing, in words, before the compiler says it in hundreds of lines.
ifneq ($(filter-out clean distclean maintainer-clean uninstall,$(or $(MAKECMDGOALS),all)),)
ifneq ($(filter 9.% 10 11 12 13 14,$(MAJORVERSION)),)
$(error payment_links_fdw needs PostgreSQL 15 or later, this is $(VERSION))
endif
hash := \#
missing := $(shell printf '%s\n' \
	'$(hash)if !__has_include(<curl/curlver.h>)' no-libcurl \
	'$(hash)else' \
	'$(hash)include <curl/curlver.h>' \
	'$(hash)if LIBCURL_VERSION_NUM < 0x075800' old-libcurl '$(hash)endif' \
	'$(hash)endif' \
	'$(hash)if !__has_include(<jansson.h>)' no-jansson '$(hash)endif' \
	| $(CC) $(CPPFLAGS) -E -P - 2>/dev/null)
ifneq ($(filter no-libcurl,$(missing)),)
$(error libcurl's headers are missing: install libcurl 7.88 or later (on Debian libcurl4-openssl-dev))
endif
ifneq ($(filter old-libcurl,$(missing)),)
$(error this libcurl is too old: payment_links_fdw needs 7.88 or later)
endif
ifneq ($(filter no-jansson,$(missing)),)
$(error jansson's headers are missing: install jansson (on Debian libjansson-dev))
endif
endif

# Headers are small and few: when one changes, everything is built again.
$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*.h src/*/*.h) Makefile

uninstall: uninstall-docs
.PHONY: uninstall-docs
uninstall-docs:
	rm -rf '$(DESTDIR)$(docdir)/$(docmoduledir)'
