# kernel.mk: how every chapter becomes a kernel, and how it is run.
#
# A chapter's Makefile names its OBJECTS and includes this file. `make` builds
# build/kernel.elf and build/kernel.iso, an image GRUB boots from; the root
# Makefile's help lists the other targets. To be set on the command line:
#
#   CC=clang OPT=-O0        another compiler, another optimization
#   CROSS=x86_64-elf-       the prefix of a cross compiler's tools
#   LD=ld.lld GRUB=grub2    another linker; GRUB's tools by another prefix
#   QEMUFLAGS="-d int"      options to add to QEMU's
#   SRC=dir BUILD=dir       sources from, products to another directory

CC      = $(CROSS)gcc
LD      = $(CROSS)ld
NM      = $(CROSS)nm
GDB     = gdb
NASM    = nasm
GRUB    = grub
QEMU    = qemu-system-x86_64
PYTHON  = python3
OPT     = -O2
SRC     = .
BUILD   = build

ROOT   := $(patsubst %/common/kernel.mk,%,$(lastword $(MAKEFILE_LIST)))
CHAPTER = $(notdir $(CURDIR))
KERNEL  = $(BUILD)/kernel
CORE    = $(ROOT)/build/grub/core.img
CD      = $(ROOT)/build/grub/cd.img

TOOLS   = $(firstword $(CC)) $(LD) $(NASM) $(GRUB)-mkimage xorriso
MISSING := $(shell for tool in $(TOOLS); do \
    command -v $$tool >/dev/null || echo $$tool; done)
ifneq ($(MISSING),)
$(error Not found: $(MISSING). ./setup installs what is missing)
endif

# -ffreestanding          no C library, and main is not special
# -fno-pic                the kernel runs where it is linked
# -mno-red-zone           exceptions use the stack right below rsp
# -mgeneral-regs-only     no SSE: nobody saves its registers
# -fno-omit-frame-pointer, -fno-optimize-sibling-calls
#                         the stack tells who called whom
# -fmacro-prefix-map      __FILE__ names the file, wherever SRC is
# -mcmodel                a chapter's MODEL: where the kernel is linked to run
CFLAGS  = -std=gnu17 $(OPT) -g -Wall -Wextra -Werror -MMD -MP
CFLAGS += -ffreestanding -fno-pic -mno-red-zone -mgeneral-regs-only
CFLAGS += -fno-stack-protector -fcf-protection=none
CFLAGS += -fno-asynchronous-unwind-tables
CFLAGS += -fno-omit-frame-pointer -fno-optimize-sibling-calls
CFLAGS += -fmacro-prefix-map=$(SRC)/=
CFLAGS += $(MODEL:%=-mcmodel=%)
CFLAGS += $(if $(findstring clang,$(CC)),--target=x86_64-elf)
# NASM 2.16 warns of the warnings its own alignb switches off, and 2.16.03 of each
# address that is known only after linking.
ASFLAGS = -f elf64 -g -F dwarf -Wall -Werror -Wno-unknown-warning -Wno-reloc
LDFLAGS = -nostdlib -static -z noexecstack -z max-page-size=4096

# The machine of the book. The same one runs the tests.
MACHINE = -accel tcg -M q35 -m 128M -nic none -no-reboot

all: $(KERNEL).elf $(KERNEL).iso

$(KERNEL).elf: $(OBJECTS:%=$(BUILD)/%) $(SRC)/kernel.ld
	$(LINK)

# A kernel with symbols.o knows the names of its functions. Where they lie, the
# first link tells; the second adds the table, behind the code.
LINK_ONCE  = $(LD) $(LDFLAGS) -T $(SRC)/kernel.ld -o $@ $(filter %.o,$^)
LINK_TWICE = $(LINK_ONCE) && \
    $(NM) -n $@ | awk -f $(ROOT)/common/symbols.awk >$@.asm && \
    $(NASM) -f elf64 -o $@.o $@.asm && $(LINK_ONCE) $@.o
LINK       = $(if $(filter symbols.o,$(OBJECTS)),$(LINK_TWICE),$(LINK_ONCE))

$(BUILD)/%.o: $(SRC)/%.c $(BUILD)/flags
	$(CC) $(CFLAGS) -c -o $@ $<

$(BUILD)/%.o: $(SRC)/%.asm $(BUILD)/flags
	$(NASM) $(ASFLAGS) -MD $(@:.o=.d) -MP -o $@ $<

# Changes only when the commands do, so that what they made is made again.
$(BUILD)/flags: FORCE
	@mkdir -p $(BUILD)
	@echo '$(CC) $(CFLAGS) $(NASM) $(ASFLAGS)' | cmp -s - $@ || \
	    echo '$(CC) $(CFLAGS) $(NASM) $(ASFLAGS)' >$@

# A CD image: GRUB with its configuration inside, and the kernel at the end. The
# CD says that the kernel is of 16 MiB; GRUB may look at 32 KiB, so they exist.
%.iso: %.elf $(CD)
	{ cat $(CD) && dd if=$< bs=2048 conv=sync && \
	    dd if=/dev/zero bs=2048 count=16; } 2>/dev/null >$@

# What comes before the kernel, once for all: xorriso takes its time.
$(CD): $(CORE)
	@dd if=/dev/zero of=$@.kernel bs=1048576 count=16 2>/dev/null
	@xorriso -as mkisofs -quiet -no-pad -b core.img -no-emul-boot \
	    -boot-load-size 4 -boot-info-table -o $@.iso -graft-points \
	    core.img=$(CORE) kernel.elf=$@.kernel 2>$@.log || \
	    { cat $@.log; exit 1; }
	@dd if=$@.iso of=$@ bs=2048 count=$$(($$(wc -c <$@.iso) / 2048 - 8192)) \
	    2>/dev/null
	@rm $@.iso $@.kernel

# Should the kernel be none to GRUB, `read` keeps its complaint on the screen.
$(CORE): $(ROOT)/common/grub.cfg
	@mkdir -p $(@D)
	$(GRUB)-mkimage -O i386-pc-eltorito -p / -c $< -o $@ \
	    biosdisk iso9660 multiboot2 read

# The same for a USB stick, and for machines with UEFI as well as BIOS. GRUB looks
# for every kind of partition table before it reads its configuration.
iso: $(BUILD)/hybrid.iso

PARTITIONS = $(addprefix part_,acorn amiga apple bsd dfly dvh gpt msdos plan \
               sun sunpc)
MODULES    = normal multiboot2 iso9660 all_video echo test $(PARTITIONS)

$(BUILD)/hybrid.iso: $(KERNEL).elf $(ROOT)/common/hybrid.cfg
	@mkdir -p $(BUILD)/hybrid/boot/grub
	@cp $(KERNEL).elf $(BUILD)/hybrid/
	@cp $(ROOT)/common/hybrid.cfg $(BUILD)/hybrid/boot/grub/grub.cfg
	$(GRUB)-mkrescue -o $@ $(BUILD)/hybrid --fonts= --locales= --themes= \
	    --compress=xz --install-modules="$(MODULES)" 2>$@.log || \
	    { cat $@.log; exit 1; }

# A window where there is a display, the text screen in the terminal where there
# is only that, and where there is neither, what the kernel sends through COM1.
run: all
ifneq ($(DISPLAY)$(WAYLAND_DISPLAY)$(findstring Darwin,$(shell uname)),)
	$(QEMU) $(MACHINE) -cdrom $(KERNEL).iso -serial stdio $(QEMUFLAGS)
else
	@if [ -t 0 ] && [ -t 1 ]; then \
	    echo "To leave QEMU: Escape, 2, then type quit and Enter."; sleep 2; \
	    $(QEMU) $(MACHINE) -cdrom $(KERNEL).iso -display curses \
	        -serial file:$(BUILD)/serial.log $(QEMUFLAGS); \
	else \
	    $(PYTHON) $(ROOT)/tests/qemu.py serial $(KERNEL).iso; \
	fi
endif

# What the text screen shows once the kernel has halted.
screen: all
	@$(PYTHON) $(ROOT)/tests/qemu.py screen $(KERNEL).iso

# What the kernel sends through COM1 until then.
serial: all
	@$(PYTHON) $(ROOT)/tests/qemu.py serial $(KERNEL).iso

debug: all
	@GDB="$(GDB)" $(PYTHON) $(ROOT)/common/debug $(KERNEL).elf \
	    $(QEMU) $(MACHINE) -cdrom $(KERNEL).iso $(QEMUFLAGS)

test:
	@$(MAKE) --no-print-directory -C $(ROOT) test CHAPTER=$(CHAPTER)

# The chapter with one thing done wrong on purpose; see tests/breaks/.
break:
	@$(PYTHON) $(ROOT)/tests/breaks.py $(CHAPTER) "$(BREAK)"

# Does the chapter, as it is now, solve the exercise? See tests/exercises/.
check:
	@$(PYTHON) $(ROOT)/tests/exercises.py $(CHAPTER) "$(EXERCISE)"

diff:
	@$(ROOT)/common/diff $(CHAPTER)

# Test kernels: the chapter's objects, but main.o comes from below tests/. Those
# of all earlier chapters have to run on this one too, but for those that say up
# to which chapter, as 01-04-identity does. The files of a directory of
# tests/kernel/ make one kernel together, and each makes one alone.
TESTS   = $(ROOT)/tests
KTAP    = $(BUILD)/tests/kernel/ktap.o
NUMBER  = $(firstword $(subst -, ,$(CHAPTER)))
SUITES := $(shell ls $(TESTS)/kernel | awk -F- "/^[0-9]/ && \$$1 <= $(NUMBER) \
    && (\$$2 !~ /^[0-9]+\$$/ || \$$2 >= $(NUMBER))")
SUITES := $(SUITES:%=$(BUILD)/tests/kernel/%)
SHARED  = $(KTAP) $(patsubst %,$(BUILD)/%,$(filter-out main.o,$(OBJECTS)))

kernel-tests: $(SUITES:%=%.iso)

$(BUILD)/tests/%.o: $(TESTS)/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -I$(TESTS)/kernel -I$(SRC) -c -o $@ $<

$(BUILD)/tests/%.elf: $(BUILD)/tests/%.o $(SHARED) $(SRC)/kernel.ld
	$(LINK)

objects_of = $(patsubst $(ROOT)/%.c,$(BUILD)/%.o,$(wildcard $(ROOT)/$(1)/*.c))

.SECONDEXPANSION:
$(SUITES:%=%.elf): $(BUILD)/%.elf: $$(call objects_of,$$*) $(SHARED) \
                   $(SRC)/kernel.ld
	$(LINK)

clean:
	rm -rf $(BUILD)

FORCE:

.PHONY: all iso run screen serial debug test break check diff kernel-tests clean FORCE
.DELETE_ON_ERROR:
.PRECIOUS: $(BUILD)/%.o $(BUILD)/tests/%.o $(BUILD)/tests/%.elf

-include $(OBJECTS:%.o=$(BUILD)/%.d) $(shell find $(BUILD)/tests -name '*.d' 2>/dev/null)
