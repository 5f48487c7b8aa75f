EXTENSION = license_ext
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" license_ext.control)
MODULE_big = license_ext
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
SCRIPT = license_ext--$(EXTVERSION).sql
DATA_built = $(SCRIPT)

# The pieces of the install script, in the order in which they are run.
INSTALL_PIECES = $(addprefix src/,$(shell sed 's/\#.*//' src/install.list))

# After 2.0, a release that changes SQL objects has the full script of its version and one that leads to it from
# the release before, src/updates/license_ext--OLD--NEW.sql; one that changes C only keeps the version.
DATA = $(wildcard src/updates/*.sql)
EXTRA_CLEAN = $(SCRIPT) tmp_install

REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --load-extension=license_ext
ISOLATION = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=license_ext --load-extension=pgcrypto

PG_CPPFLAGS = -I$(CURDIR)/src -DLICENSE_EXT_VERSION='"$(EXTVERSION)"'
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare
PG_CONFIG ?= pg_config
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))

# Without the server headers only the targets that install them can run.
ifneq ($(PGXS),)
include $(PGXS)

$(OBJS): $(wildcard src/*/*.h src/*/*.def) license_ext.control

$(SCRIPT): src/install.list $(INSTALL_PIECES)
	cat $(INSTALL_PIECES) > $@
else
all install installcheck:
	@echo "no server headers: install postgresql-server-dev-15, or run make test" >&2; exit 1
endif

.PHONY: all bench check-caches check-cassert check-sanitize check-valgrind check-versions install installcheck \
	demo help lint prove psql reference requirements test
demo lint psql reference test:
	@test/run.sh $@

# make bench BENCH="--large"
bench:
	@test/run.sh bench $(BENCH)

check-versions:
	@test/versions.sh

check-caches check-cassert check-valgrind:
	@test/debug_server.sh $(@:check-%=%)

# PostgreSQL lets integers wrap around, this extension never does.
check-sanitize:
	@COPT="-fsanitize=undefined -fno-sanitize-recover=undefined -fno-wrapv" test/run.sh test regress isolation pgtap

requirements:
	@test/requirements.pl

# After make install: the pgTAP tests in a database of the running server, then the TAP tests, which start servers of
# their own.
PROVE_TESTS = $(sort $(wildcard test/tap/*.pl))
prove:
	dropdb --if-exists license_prove
	createdb license_prove
	psql -X -q -d license_prove -c 'CREATE EXTENSION license_ext' -c 'CREATE EXTENSION pgtap'
	pg_prove --ext .sql --dbname license_prove test/pgtap
	$(prove_installcheck)

help:
	@echo "make, make install: as every PostgreSQL extension"
	@echo "make installcheck: the regress and isolation tests, in the running server; make prove: the pgTAP and TAP tests"
	@echo "make check-versions: regress, isolation, pgtap and tap on PostgreSQL 15, 17 and 18, and pg_upgrade from 15;"
	@echo "    in folders with the Debian releases that bring them (as root; made below /var/tmp and used again)"
	@echo "make check-sanitize: the same suites with undefined behaviour checked, which aborts"
	@echo "make check-cassert: the same on a PostgreSQL 15 with assertions, built in such a folder"
	@echo "make check-caches: the counted foreign keys on that server, with caches emptied at every chance"
	@echo "make check-valgrind: some of them on that server under valgrind"
	@echo "make requirements: which test proves which rule of docs/requirements.md; fails when one has none"
	@test/run.sh help
