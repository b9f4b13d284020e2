# kernel.mk: a chapter's kernels with checks compiled in. To be said to make in
# place of the chapter's Makefile:
#
#   make -C chapters/09-scheduling -f ../../tests/instrumented/kernel.mk \
#       BUILD=build/instrumented CHECKS='undefined stack heap' kernel-tests
#
# CHECKS is what is checked: undefined behavior, the stack, and the heap if asked
# for; each has its runtime, a file of C.

include Makefile

CHECKS    = undefined stack

undefined = -fsanitize=undefined -fno-sanitize-recover=undefined
stack     = -fstack-protector-strong -mstack-protector-guard=global
heap      = -fsanitize=kernel-address --param=asan-stack=0 \
            --param=asan-globals=0 \
            --param=asan-instrumentation-with-call-threshold=0
FLAGS    := $(foreach check,$(CHECKS),$($(check)))
CFLAGS   += $(FLAGS) -w

# Whoever hands out blocks, or takes them back, is asked by way of heap.c.
WRAPPED   = kmalloc kcalloc krealloc kfree frame_alloc frames_init memcpy \
            memmove memset
LDFLAGS  += $(if $(filter heap,$(CHECKS)),$(WRAPPED:%=--wrap=%))

# What the checks themselves are made of is not checked.
TOLD      = $(patsubst %,$(BUILD)/tests/instrumented/%.o,found $(CHECKS))
$(TOLD) $(KTAP): private CFLAGS := $(filter-out $(FLAGS),$(CFLAGS))

# The allocators go where nobody else may.
$(patsubst %,$(BUILD)/%.o,heap large heap_debug frames): \
    private CFLAGS := $(filter-out $(heap),$(CFLAGS))

# Large blocks, of which stacks are some, are read from where they are free, and
# beside them, on purpose.
$(BUILD)/tests/kernel/08-heap/large.o $(BUILD)/tests/kernel/09-scheduling/threads.o: \
    private CFLAGS := $(filter-out $(heap),$(CFLAGS))

PLANTED   = $(wildcard $(TESTS)/instrumented/planted/*/*.c)
PLANTED  := $(PLANTED:$(TESTS)/%.c=$(BUILD)/tests/%)

$(KERNEL).elf $(SUITES:%=%.elf) $(PLANTED:%=%.elf): $(TOLD)

# Tests use null and misaligned pointers on purpose, to see what comes of it.
# Where gcc checks a volatile bool, a loop reads it once only, and does not end.
$(BUILD)/tests/kernel/%.o: CFLAGS += -fno-sanitize=null,alignment,bool
