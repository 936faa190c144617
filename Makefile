# Pagewalk: `make setup run` boots it, `make help` says what else there is.
#
# Everything is found by wildcard: a new .c or .asm file in a folder of the
# kernel, a program in user/, a test in tests/* is all it takes.  Output goes
# under build/ only: the release build in build/, the one with checks in
# build/debug/.

ifneq ($(word 2,$(MAKECMDGOALS)),)

# Several goals: one after the other, each with a fresh look at what is there
# (`make setup run` on a machine without a compiler, `make clean all`).
.PHONY: $(MAKECMDGOALS) each-goal
$(MAKECMDGOALS): each-goal
	@:
each-goal:
	+@set -e; for goal in $(MAKECMDGOALS); do $(MAKE) --no-print-directory $$goal; done

else

# ---- what a person may set ---------------------------------------------------
MEM ?= 128M
CPUS ?= 1
FIRMWARE ?= bios
MACHINE ?= pc
ACCEL ?= tcg
LA57 ?= 0
V ?= 0
APPEND ?=
BUILD ?= release
TEST ?=
SEED ?=
EXP ?=
BENCH ?=
SECONDS ?= 300

ifneq ($(filter-out release debug,$(BUILD)),)
$(error BUILD is release or debug, not "$(BUILD)")
endif
ifneq ($(filter-out bios uefi,$(FIRMWARE)),)
$(error FIRMWARE is bios or uefi, not "$(FIRMWARE)")
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif

ifeq ($(V),1)
say = @:
Q :=
else
say = @printf '[%s] %s\n' $(1) $(2)
Q := @
endif

TOP := build
OUT := $(if $(filter debug,$(BUILD)),$(TOP)/debug,$(TOP))

# ---- tools -------------------------------------------------------------------
ifndef CROSS_COMPILE
CROSS_COMPILE := $(if $(shell command -v x86_64-elf-gcc),x86_64-elf-,x86_64-linux-gnu-)
endif
CC := $(CROSS_COMPILE)gcc
LD := $(CROSS_COMPILE)ld
NM := $(CROSS_COMPILE)nm
STRIP := $(CROSS_COMPILE)strip
OBJCOPY := $(CROSS_COMPILE)objcopy
NASM := nasm
HOSTCC := gcc
MUSLCC := musl-gcc
# pytest is a Debian package of Debian's own python.
PYTHON := $(if $(wildcard /usr/bin/python3),/usr/bin/python3,python3)
QEMU := qemu-system-x86_64
OVMF := /usr/share/ovmf/OVMF.fd
BUSYBOX := /bin/busybox

UAPI := -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu

# ---- flags -------------------------------------------------------------------
WARN := -Wall -Werror=int-conversion -Wextra -Wno-unused-parameter -Wno-sign-compare \
        -Wno-address -Wno-missing-field-initializers \
        -Wstrict-prototypes -Wmissing-prototypes -Wvla
CFLAGS := -std=gnu11 -ffreestanding -nostdinc \
          -isystem $(shell $(CC) -print-file-name=include) \
          -DPAGEWALK_KERNEL -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
          -fno-pic -O2 -g -fno-omit-frame-pointer -fno-stack-protector \
          -fno-strict-aliasing -fno-asynchronous-unwind-tables -fno-common \
          -fcf-protection=none -fno-delete-null-pointer-checks \
          $(WARN) -I. -I$(OUT)/gen $(UAPI)
ASFLAGS := -f elf64 -g -F dwarf -I./ -I$(OUT)/
ifeq ($(BUILD),debug)
CFLAGS += -DPAGEWALK_DEBUG
ASFLAGS += -DPAGEWALK_DEBUG
endif
LDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack \
           --no-warn-rwx-segments --build-id=none
USER_CFLAGS := -std=gnu11 -static -O2 -g -Wall -Wextra -Wno-unused-parameter \
               -Wno-missing-field-initializers \
               -fno-omit-frame-pointer -fno-asynchronous-unwind-tables \
               -I. -Iuser $(UAPI)
HOST_CFLAGS := -std=gnu11 -O1 -g -fsanitize=address,undefined \
               -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
               -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
               -I. -DPAGEWALK_HOST

# ---- sources -----------------------------------------------------------------
DIRS := boot kernel kernel/* mm drivers drivers/* tests/kernel tests/kernel/*
NOT_LINKED := kernel/offsets.c
C_SOURCES := $(sort $(filter-out $(NOT_LINKED),$(wildcard $(DIRS:%=%/*.c))))
ASM_SOURCES := $(sort $(wildcard $(DIRS:%=%/*.asm)))
OBJECTS := $(C_SOURCES:%=$(OUT)/obj/%.o) $(ASM_SOURCES:%=$(OUT)/obj/%.o)
GENERATED :=

# The system-call table; kernel/sys/gen_syscalls.py checks it against Linux.
ifneq ($(wildcard kernel/sys/syscall.tbl),)
GENERATED += $(OUT)/gen/syscalls_gen.h
OBJECTS += $(OUT)/obj/syscalls_gen.c.o
endif

PROGRAMS := $(patsubst user/%.c,%,$(wildcard user/*.c))
USER_TESTS := $(patsubst tests/user/%.c,%,$(wildcard tests/user/*.c))
HOST_TESTS := $(patsubst tests/host/%.c,%,$(wildcard tests/host/test_*.c))

.PHONY: all kernel run debug exp stress linux bench bench-wall diff-linux \
        test test-host test-boot check syscalls setup help clean FORCE
FORCE:

all: $(OUT)/pagewalk.elf $(OUT)/initramfs.cpio $(OUT)/pagewalk.iso
kernel: $(OUT)/pagewalk.elf

# ---- kernel ------------------------------------------------------------------
# A stamp holds what a command depends on besides its files; it is rewritten
# only when that changes.
define stamp
$(1): FORCE
	@mkdir -p $$(@D)
	@printf '%s\n' '$$($(2))' | cmp -s - $$@ || printf '%s\n' '$$($(2))' > $$@
endef
KERNEL_SETUP = $(CC) $(CFLAGS) $(ASFLAGS) $(LDFLAGS)
USER_SETUP = $(MUSLCC) $(USER_CFLAGS)
HOST_SETUP = $(HOSTCC) $(HOST_CFLAGS)
INITRAMFS_LIST = $(PROGRAMS) / $(USER_TESTS) / $(BUSYBOX)
OBJECT_LIST = $(OBJECTS)
TEST_LIST = $(USER_TESTS)
$(eval $(call stamp,$(OUT)/flags.kernel,KERNEL_SETUP))
$(eval $(call stamp,$(OUT)/flags.objects,OBJECT_LIST))
$(eval $(call stamp,$(OUT)/flags.initramfs,INITRAMFS_LIST))
$(eval $(call stamp,$(TOP)/flags.tests,TEST_LIST))
$(eval $(call stamp,$(TOP)/flags.user,USER_SETUP))
$(eval $(call stamp,$(TOP)/flags.host,HOST_SETUP))

$(OUT)/obj/%.c.o: %.c $(OUT)/flags.kernel | $(GENERATED)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/obj/%.asm.o: %.asm $(OUT)/offsets.inc $(OUT)/flags.kernel
	$(call say,ASM,$<)
	@mkdir -p $(@D)
	$(Q)$(NASM) $(ASFLAGS) -MD $(@:.o=.d) -MP -o $@ $<

$(OUT)/obj/syscalls_gen.c.o: $(OUT)/gen/syscalls_gen.h $(OUT)/flags.kernel
	$(call say,CC,$(OUT)/gen/syscalls_gen.c)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $(OUT)/gen/syscalls_gen.c

# The vDSO: a shared object of ring 3 that the kernel carries inside.
VDSO_CFLAGS = $(filter-out -mcmodel=% -fno-pic -fno-omit-frame-pointer \
                -fno-asynchronous-unwind-tables -mno-red-zone -g \
                -DPAGEWALK_DEBUG,$(CFLAGS)) \
              -fPIC -fvisibility=hidden -fasynchronous-unwind-tables
VDSO_LDFLAGS := -shared -soname linux-vdso.so.1 --hash-style=both \
                --eh-frame-hdr -Bsymbolic -z max-page-size=4096 \
                -z noexecstack --build-id=none --no-undefined -s
VDSO_DIR := kernel/task/vdso

$(OUT)/vdso.so: $(VDSO_DIR)/vdso.c $(VDSO_DIR)/vdso.ld $(OUT)/flags.kernel
	$(call say,LD,$@)
	$(Q)$(CC) $(VDSO_CFLAGS) -MMD -MP -MT $@ -MF $@.d -c -o $(@:.so=.o) $<
	$(Q)$(LD) $(VDSO_LDFLAGS) -T $(VDSO_DIR)/vdso.ld -o $@ $(@:.so=.o)

$(OUT)/obj/kernel/task/vdso_image.asm.o: $(OUT)/vdso.so

$(OUT)/gen/syscalls_gen.h: kernel/sys/syscall.tbl kernel/sys/gen_syscalls.py
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -E -dM -include /usr/include/x86_64-linux-gnu/asm/unistd_64.h \
	    -x c /dev/null | $(PYTHON) kernel/sys/gen_syscalls.py $< $(@D)

$(OUT)/offsets.inc: kernel/offsets.c $(OUT)/flags.kernel | $(GENERATED)
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -MT $@ -MF $(@:.inc=.d) -S -o $(@:.inc=.s) $<
	$(Q)sed -n 's/^->\([A-Z0-9_]*\) [$$]\(.*\)/%define \1 \2/p' $(@:.inc=.s) > $@

$(OUT)/linker.ld: linker.ld mm/layout.h $(OUT)/flags.kernel
	$(Q)$(CC) -E -P -x c -I. -o $@ $<

# The symbol table changes the addresses that it holds, so: link without it,
# then with it until it no longer changes (the second time, as a rule).
$(OUT)/pagewalk.elf: $(OBJECTS) $(OUT)/linker.ld kernel/core/ksyms_gen.py \
                     $(OUT)/flags.objects
	$(call say,LD,$@)
	$(Q)kernel/core/link.sh "$(LD) $(LDFLAGS) -T $(OUT)/linker.ld" "$(NM)" \
	    "$(PYTHON)" "$(NASM)" $(OUT)/ksyms $@ $(OBJECTS)

# ---- ring 3 ------------------------------------------------------------------
# A program of several files: user/NAME.c and those of a folder.
define program_with_folder
$(TOP)/user/$(1): user/$(1).c $(wildcard user/$(2)/*.c user/$(2)/*.h) \
                  $(TOP)/flags.user
	$$(call say,MUSL,$$<)
	@mkdir -p $$(@D)
	$$(Q)$$(MUSLCC) $$(USER_CFLAGS) -o $$@ $$(filter %.c,$$^)
endef
$(eval $(call program_with_folder,exp,lab))
$(eval $(call program_with_folder,bench,bench))

$(TOP)/user/%: user/%.c $(TOP)/flags.user
	$(call say,MUSL,$<)
	@mkdir -p $(@D)
	$(Q)$(MUSLCC) $(USER_CFLAGS) -MMD -MP -MT $@ -MF $@.d -o $@ $<

# The tests are one file under many names, as libc is most of each: main of
# NAME.c becomes test_main_NAME, everything else stays NAME.c's own and that
# of a folder NAME beside it.  -Os: all of it has to fit beside GRUB into 8 MiB.
define test_object
	$(call say,MUSL,$<)
	@mkdir -p $(@D)
	$(Q)$(MUSLCC) $(USER_CFLAGS) -Os -Itests/user -MMD -MP -MT $@ -MF $(@:.o=.d) \
	    $(1) -o $@.tmp $(filter %.c,$^)
	$(Q)$(OBJCOPY) --redefine-sym main=test_main_$* $@.tmp
	$(Q)$(OBJCOPY) --keep-global-symbol=test_main_$* $@.tmp $@
	@rm $@.tmp
endef

$(TOP)/test/stress.o: $(TOP)/test/%.o: tests/user/%.c \
                      $(wildcard tests/user/stress/*) $(TOP)/flags.user
	$(call test_object,-r -nostdlib)

$(TOP)/test/%.o: tests/user/%.c $(TOP)/flags.user
	$(call test_object,-c)

$(TOP)/test/test_names.h: $(TOP)/flags.tests
	@mkdir -p $(@D)
	@printf 'TEST(%s)\n' $(USER_TESTS) > $@

$(TOP)/test/tests: tests/user/all/main.c $(TOP)/test/test_names.h \
                   $(USER_TESTS:%=$(TOP)/test/%.o)
	$(call say,MUSL,$@)
	$(Q)$(MUSLCC) $(USER_CFLAGS) -I$(TOP)/test -o $@ $(filter-out %.h,$^)

ROOT_FILES := $(shell find iso/root -type f 2>/dev/null)
$(OUT)/initramfs.cpio: $(PROGRAMS:%=$(TOP)/user/%) $(TOP)/test/tests \
                       iso/mkinitramfs.py $(ROOT_FILES) $(OUT)/flags.initramfs
	$(call say,CPIO,$@)
	$(Q)$(PYTHON) iso/mkinitramfs.py --output $@ --strip "$(STRIP)" \
	    --busybox $(BUSYBOX) --root iso/root \
	    --programs $(PROGRAMS:%=$(TOP)/user/%) \
	    --tests $(TOP)/test/tests --test-names $(USER_TESTS)

# ---- ISO ---------------------------------------------------------------------
$(OUT)/pagewalk.iso: $(OUT)/pagewalk.elf $(OUT)/initramfs.cpio iso/grub.cfg \
                     iso/mkiso.sh
	$(call say,ISO,$@)
	$(Q)iso/mkiso.sh $@ "$(STRIP)" $(OUT)/pagewalk.elf $(OUT)/initramfs.cpio

# ---- host tests --------------------------------------------------------------
HOST_OUT := $(TOP)/host
ifneq ($(filter test test-host $(HOST_OUT)/%,$(MAKECMDGOALS)),)
-include $(HOST_OUT)/tests.mk
endif

# A test names in a line "HOST_SOURCES: ..." the files that it is linked with.
$(HOST_OUT)/tests.mk: $(wildcard tests/host/test_*.c) Makefile
	@mkdir -p $(@D)
	@for test in $(filter %.c,$^); do \
	    printf '$(HOST_OUT)/%s:' $$(basename $$test .c); \
	    for source in $$(sed -n 's/.*HOST_SOURCES://p' $$test); do \
	        case $$source in *.c) printf ' $(HOST_OUT)/obj/%s.o' $$source; esac; \
	    done; echo; \
	done > $@

$(HOST_OUT)/obj/%.c.o: %.c $(TOP)/flags.host
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) -MMD -MP -c -o $@ $<

$(HOST_OUT)/test_%: $(HOST_OUT)/obj/tests/host/test_%.c.o
	$(Q)$(HOSTCC) $(HOST_CFLAGS) -o $@ $^ -lcmocka

.PRECIOUS: $(HOST_OUT)/obj/%.c.o

test-host: $(HOST_TESTS:%=$(HOST_OUT)/%)
	@failed=; for test in $(sort $^); do \
	    SEED=$(SEED) $$test || failed="$$failed $$test"; \
	done; \
	if [ -n "$$failed" ]; then echo "FAILED:$$failed"; exit 1; fi; \
	echo "test-host: $(words $(HOST_TESTS)) programs, all passed"

# ---- QEMU --------------------------------------------------------------------
export QEMU MEM CPUS FIRMWARE MACHINE ACCEL LA57 APPEND OVMF OUT EXP

run: all
	@iso/run.sh

debug: all
	@tests/gdb/debug.sh

# Runs one experiment (EXP=0.1, EXP="0.1 --broken", EXP=all) and powers off.
exp: all
	@iso/run.sh

# Processes, threads, signals, pipes and mappings at random for a while;
# KINDS="pipes names" for some of it.
space := $() $()
comma := ,
stress: all
	@STRESS="$(subst $(space),$(comma),$(strip $(SECONDS) $(or $(SEED),1) $(KINDS)))" \
	    iso/run.sh

# ---- Linux beside it -----------------------------------------------------------
# Debian's kernel lies in build/linux/; bench figures are the release build's.
LINUX_DIR := $(TOP)/linux
BENCH_RUN = $(PYTHON) -B tests/linux/bench.py --kernel $(TOP)/pagewalk.elf \
            --initrd $(TOP)/initramfs.cpio --out $(TOP)/bench

linux: all
	@kernel=$$(tests/linux/fetch.sh $(LINUX_DIR)) && \
	    DIRECT_KERNEL="$$kernel" iso/run.sh

bench bench-wall: $(TOP)/pagewalk.elf $(TOP)/initramfs.cpio
	@kernel=$$(tests/linux/fetch.sh $(LINUX_DIR)) && \
	    $(BENCH_RUN) --linux "$$kernel" $(if $(filter %-wall,$@),--wall) $(BENCH)

diff-linux: $(TOP)/pagewalk.elf $(TOP)/initramfs.cpio
	@kernel=$$(tests/linux/fetch.sh $(LINUX_DIR)) && \
	    $(PYTHON) -B tests/linux/diff.py --kernel $(TOP)/pagewalk.elf \
	    --initrd $(TOP)/initramfs.cpio --known tests/linux/known-differences \
	    --linux "$$kernel" $(TEST)

# ---- tests and checks --------------------------------------------------------
test: test-host
	@$(MAKE) test-boot
	$(if $(TEST),,@$(MAKE) diff-linux)

# Boots both builds, so neither may be an old one.
test-boot:
	@$(MAKE) BUILD=release all
	@$(MAKE) BUILD=debug all
	@TEST_SEED="$(SEED)" $(PYTHON) -B -m pytest -p no:cacheprovider -q \
	    $(if $(TEST),-k "$(TEST)") tests/boot

check: $(GENERATED) $(OUT)/offsets.inc
	@status=0; for script in $(wildcard tests/check_*.sh); do \
	    CC="$(CC)" CFLAGS="$(CFLAGS)" OUT="$(OUT)" \
	    C_SOURCES="$(C_SOURCES)" $$script || status=1; \
	done; exit $$status

# The table of system calls in README.md.
syscalls:
	@$(PYTHON) -B kernel/sys/list_syscalls.py

setup:
	@iso/setup.sh

help:
	@sed -n 's/^#: \{0,1\}//p' Makefile

clean:
	rm -rf $(TOP)

#: Targets
#:   setup      install the Debian packages that are missing
#:   all        build/pagewalk.elf, build/initramfs.cpio, build/pagewalk.iso
#:   run        boot it: GRUB, boot report, tour, shell (leave: poweroff, or
#:              Ctrl-A X); with no terminal on stdin, power off after the tour
#:   debug      the same, halted, with gdb attached: pw what ps maps prog
#:   exp        run one experiment and power off: make exp EXP=0.1
#:   stress     everything at random: make stress SECONDS=300 CPUS=4
#:              SEED=1 KINDS="pipes names" BUILD=debug
#:   linux      the same with Debian's Linux kernel and our initramfs
#:   diff-linux every ring-3 test and experiment on both, lines compared
#:   bench      every operation on both kernels in guest instructions: table,
#:              build/bench/*.tsv, chart; BENCH=fork for one group
#:   bench-wall the same in wall-clock time
#:   test       host tests, boots, diff-linux; TEST=words: such boots (pytest -k)
#:   test-host  only the tests that run here, without QEMU
#:   check      layers, style, headers alone, sparse
#:   syscalls   bring README's table of system calls up to date
#:   clean      remove build/
#: Variables
#:   MEM=128M CPUS=1 FIRMWARE=bios|uefi MACHINE=pc|q35 ACCEL=tcg|kvm LA57=0|1
#:   APPEND="words for the kernel's command line"   BUILD=release|debug
#:   TEST=words SEED=number EXP=id BENCH=name V=1 CROSS_COMPILE=prefix-

-include $(OBJECTS:.o=.d) $(OUT)/offsets.d $(OUT)/vdso.so.d
-include $(wildcard $(TOP)/user/*.d $(TOP)/test/*.d)
-include $(wildcard $(HOST_OUT)/obj/*/*.d $(HOST_OUT)/obj/*/*/*.d)

endif
