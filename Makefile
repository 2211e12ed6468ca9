# PageArena: the library, the preload, and what proves them.
#
#   make          build/libpagearena_shim.so (to preload) and build/libpagearena.a (to link)
#   make debug    the same with logging and invariant checks, in build/debug/
#   make test     everything that runs      make check    everything that reads
#   make demo     the measured table        make format   apply the house style
#   make bench    all rivals, into docs/    make compare  malloc against other mallocs
#   make soak     the fuzzers for hours     make mutants  what they must find
#   make matrix   programs in hostile environments; make inject: with failing system calls (ARGS=)
#   make fuzz     pagefuzz guided by coverage (clang)
#   make install, make deb: see packaging/rules.mk
#
# Files are found by wildcard. CPPFLAGS, CFLAGS and LDFLAGS come after ours; V=1 shows commands.

CC     := $(if $(filter default,$(origin CC)),gcc,$(CC))
Q      := $(if $(V),,@)
MAKEFLAGS += --no-print-directory
START   = $(if $(V),,@echo "  $@";) mkdir -p $(@D)

CPP_BASE := -std=gnu11 -D_GNU_SOURCE -Iarena
COMPILE   = $(CC) $(CPP_BASE) -g -MMD -MP
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
PRODUCT  := $(WARN) -fPIC -fvisibility=hidden -ftls-model=initial-exec
SANITIZE := -Wall -Wextra -O1 -fno-omit-frame-pointer -DHAKMEM_BUILD_RELEASE=0
SHIM_LD  := -shared -Wl,-z,now -Wl,-z,nodelete -Wl,-z,relro -Wl,--no-undefined -Wl,--dynamic-list=shim/heap.list \
            -Wl,--version-script=shim/exports.map -Wl,-soname,libpagearena_shim.so

# One tree of objects for each way to compile: build/obj/<tree>/.
FLAGS_release := $(PRODUCT) -O2 -DHAKMEM_BUILD_RELEASE=1
FLAGS_lto     := $(FLAGS_release) -flto $(if $(findstring clang,$(CC)),,-flto-partition=one)
FLAGS_debug   := $(PRODUCT) -O1 -DHAKMEM_BUILD_RELEASE=0
FLAGS_asan    := $(SANITIZE) -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_tsan    := $(SANITIZE) -fsanitize=thread
FLAGS_replay  := $(WARN) -O2
FLAGS_fuzz    := $(WARN) -Wno-clobbered -O2
COVERED       := -O1 -DHAKMEM_BUILD_RELEASE=0 -fsanitize=fuzzer

ARENA  := $(wildcard arena/*.c)
SHIM   := $(wildcard shim/*.c)
REPLAY := $(wildcard replay/*.c)
UNIT   := $(wildcard test/unit/*_test.c)
HELP   := $(filter-out $(UNIT),$(wildcard test/unit/*.c))
FUZZ   := $(wildcard test/fuzz/*.c)
HEAP   := $(wildcard test/fuzz/heap/*.c) $(patsubst %,test/fuzz/%.c,choices command spawn)
FUZZERS = build/test/fuzz/pagefuzz build/test/fuzz/heapfuzz
BENCH  := $(filter-out %/cycle.c,$(wildcard test/bench/*.c))
PLAIN  := $(patsubst %.c,build/%,$(wildcard test/progs/*.c test/bench/*.c test/soak/*.c))
LINKED := $(patsubst %.c,build/%,$(wildcard test/lib/*.c))
objects = $(patsubst %.c,build/obj/$(1)/%.o,$(2))#  $(call objects,tree,sources)

.PHONY: all debug tests test check demo bench compare soak mutants matrix inject fuzz format clean
.DELETE_ON_ERROR:
.SECONDARY:

all: build/libpagearena_shim.so build/libpagearena.a build/pagearena-replay build/pagearena-measure
debug: build/debug/libpagearena_shim.so build/debug/libpagearena.a
tests: $(FUZZERS) $(PLAIN) $(LINKED) $(BENCH:%.c=build/%.jemalloc) $(UNIT:%.c=build/%.asan) $(UNIT:%.c=build/%.tsan)

# In steps, not as prerequisites: -j would start packages, build and run all at once.
test:
	scripts/setup
	$(MAKE) all debug tests
	scripts/run-tests
check:
	scripts/setup
	$(MAKE) all
	CC_FLAGS='$(CPP_BASE)' scripts/check
demo: BENCH_ARGS := -n 5 -w PageArena cycles programs
bench: BENCH_ARGS := --write
compare: BENCH_ARGS := blocks
demo bench compare:
	scripts/setup
	$(MAKE) all build/test/bench/cycle $(BENCH:%.c=build/%) $(BENCH:%.c=build/%.jemalloc)
	scripts/bench $(BENCH_ARGS)
soak mutants:
	$(MAKE) all $(FUZZERS) build/test/soak/mixed
	scripts/$@ $(ARGS)
matrix inject:
	scripts/setup
	$(MAKE) all
	scripts/$@ $(ARGS)
fuzz: build/test/fuzz/pagefuzz-cover
format:
	scripts/check-format --fix
clean:
	rm -rf build

define tree
build/obj/$(1)/%.o: %.c Makefile
	$$(START)
	$$(Q)$$(COMPILE) $$(FLAGS_$(1)) $$(CPPFLAGS) $$(CFLAGS) -c -o $$@ $$<
endef
$(foreach t,lto release debug asan tsan fuzz replay,$(eval $(call tree,$(t))))

# Unit tests put test/unit/fake_kernel.c in the place of the kernel.
$(foreach t,asan tsan,$(call objects,$(t),arena/os.c)): CPP_BASE += -DOS_SYSCALL=fake_syscall

# The replay counts the library's system calls.
$(call objects,replay,arena/os.c): CPP_BASE += -DOS_SYSCALL=replay_syscall
build/pagearena-replay: $(call objects,replay,$(ARENA) $(REPLAY))
	$(START)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -pthread -ldl

# The shim is optimized as a whole; the library is for others to link.
define product
$(3)/libpagearena_shim.so: $(call objects,$(1),$(ARENA) $(SHIM)) shim/exports.map shim/heap.list
	$$(START)
	$$(Q)$$(CC) $$(FLAGS_$(1)) $$(CFLAGS) $(SHIM_LD) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) -ldl
$(3)/libpagearena.a: $(call objects,$(2),$(ARENA))
	$$(START)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(eval $(call product,lto,release,build))
$(eval $(call product,debug,debug,build/debug))

define unit
build/test/unit/%.$(1): $(call objects,$(1),test/unit/%.c $(HELP) $(ARENA))
	$$(START)
	$$(Q)$$(CC) $$(FLAGS_$(1)) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ -pthread -ldl
endef
$(foreach t,asan tsan,$(eval $(call unit,$(t))))

$(call objects,fuzz,$(HEAP)): CPP_BASE += -Itest/fuzz
build/test/fuzz/pagefuzz: $(call objects,fuzz,$(FUZZ))
build/test/fuzz/heapfuzz: $(call objects,fuzz,$(HEAP))
$(FUZZERS):
	$(START)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -pthread
build/test/fuzz/pagefuzz-cover: $(ARENA) $(SHIM) $(filter-out %/main.c,$(FUZZ)) test/fuzz/cover/cover.c
	$(START)
	$(Q)clang $(CPP_BASE) -Ishim -Itest/fuzz -g $(COVERED) -o $@ $^ -pthread -ldl

PROGRAM = $(COMPILE) -MF $@.d -MT $@ -O2 -Wall $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)
$(LINKED): build/libpagearena.a
$(LINKED): LIB := build/libpagearena.a
$(PLAIN) $(LINKED): build/%: %.c Makefile
	$(START)
	$(Q)$(PROGRAM) -o $@ $< $(LIB) -pthread -ldl
build/pagearena-measure: scripts/lib/pagearena/measure.c Makefile
	$(START)
	$(Q)$(CC) $(CPP_BASE) -g -O2 $(WARN) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $<
build/test/bench/%.jemalloc: test/bench/%.c Makefile
	$(START)
	$(Q)$(PROGRAM) -o $@ $< -pthread -ljemalloc

include packaging/rules.mk
-include $(shell find build -name '*.d' 2>/dev/null)
