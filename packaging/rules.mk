# make install  puts everything under $(DESTDIR)$(PREFIX); make uninstall takes it away again
# make deb      build/deb/pagearena_VERSION_ARCHITECTURE.deb

PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
VERSION  = $(shell sed -n 's/^VERSION = "\(.*\)"/\1/p' scripts/lib/pagearena/__init__.py)
INSTALL := install

# Folders that are the package's alone.
OWN = "$(DESTDIR)$(PREFIX)/lib/pagearena" "$(DESTDIR)$(LIBDIR)/pagearena" "$(DESTDIR)$(PREFIX)/share/doc/pagearena"

MAN    = $(foreach section,1 3 7,$(addprefix share/man/man$(section)/,$(notdir $(wildcard man/*.$(section)))))
SINGLE = bin/pagearena include/page_arena.h share/bash-completion/completions/pagearena $(MAN)

.PHONY: install uninstall deb

install: all
	$(INSTALL) -d $(OWN) "$(DESTDIR)$(LIBDIR)/pkgconfig"
	$(INSTALL) -m 644 scripts/lib/pagearena/*.py "$(DESTDIR)$(PREFIX)/lib/pagearena"
	$(INSTALL) -m 644 build/libpagearena_shim.so "$(DESTDIR)$(LIBDIR)/pagearena"
	$(INSTALL) -m 755 build/pagearena-* "$(DESTDIR)$(LIBDIR)/pagearena"
	$(INSTALL) -m 644 build/libpagearena.a "$(DESTDIR)$(LIBDIR)"
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|' packaging/pagearena.pc.in \
	    >"$(DESTDIR)$(LIBDIR)/pkgconfig/pagearena.pc"
	$(INSTALL) -m 644 README.md LICENSE docs/*.md "$(DESTDIR)$(PREFIX)/share/doc/pagearena"
	$(INSTALL) -D -m 755 scripts/pagearena "$(DESTDIR)$(PREFIX)/bin/pagearena"
	$(INSTALL) -D -m 644 arena/page_arena.h "$(DESTDIR)$(PREFIX)/include/page_arena.h"
	$(INSTALL) -D -m 644 packaging/completion.bash \
	    "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/pagearena"
	for page in $(MAN); do \
	    $(INSTALL) -D -m 644 "man/$${page##*/}" "$(DESTDIR)$(PREFIX)/$$page" || exit; \
	done

uninstall:
	rm -rf $(OWN)
	rm -f "$(DESTDIR)$(LIBDIR)/libpagearena.a" "$(DESTDIR)$(LIBDIR)/pkgconfig/pagearena.pc"
	for file in $(SINGLE); do rm -f "$(DESTDIR)$(PREFIX)/$$file" || exit; done

deb: all
	packaging/build-deb $(VERSION)
