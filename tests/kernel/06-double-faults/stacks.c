// stacks.c: each stack is whole, and has a wall below.

#include "03-exceptions/captured.h"

#include "stacks.h"

#include "01-boot/walk.h"
#include "memory.h"
#include "printf.h"
#include "regions.h"

TEST(guards_are_whole_pages_and_holes)
{
    for (int i = 0; i < STACKS; i++) {
        CHECK_EQ((uint64_t)stacks[i].guard % PAGE_SIZE, 0);
        CHECK_EQ(stacks[i].bottom - stacks[i].guard, PAGE_SIZE);
        CHECK(is_hole((uint64_t)stacks[i].guard));
        CHECK(is_hole((uint64_t)stacks[i].bottom - 1));
    }
}

static void check_page(virt_addr address)
{
    uint64_t size, entry = find_entry(address, &size);

    CHECK(entry & PRESENT);
    CHECK(entry & WRITABLE);
    CHECK(entry >> 63);  // no-execute
    CHECK_EQ(entry & ADDRESS, image_address((const void *)address));
}

TEST(stacks_can_be_written_and_not_executed)
{
    for (int i = 0; i < STACKS; i++) {
        CHECK((uint64_t)stacks[i].top % PAGE_SIZE == 0);
        CHECK(stacks[i].top > stacks[i].bottom);
        for (const char *page = stacks[i].bottom; page < stacks[i].top;
             page += PAGE_SIZE)
            check_page((virt_addr)page);
    }
}

// So a chain of frames that leads from one to another goes up.
TEST(kernel_stack_is_the_highest)
{
    for (int i = 1; i < STACKS; i++)
        CHECK(stacks[i - 1].top <= stacks[i].guard);
}

static const char *touched;

static void touch(void)
{
    *(volatile const char *)touched;
}

static void check_told(const char *address, const char *name)
{
    char line[100];

    touched = address;
    snprintf(line, sizeof(line),
             "cr2 %016lx: guard page: the %s stack has overflowed\n",
             (virt_addr)address, name);
    CHECK(contains(captured_report(touch), line));
}

TEST(guards_are_told_apart)
{
    for (int i = 0; i < STACKS; i++) {
        check_told(stacks[i].guard, stacks[i].name);
        check_told(stacks[i].bottom - 1, stacks[i].name);
    }
}

// Is it in the map?
static bool is_region(const char *start, const char *end,
                      const char *rights, const char *name,
                      const char *rest)
{
    char line[100];

    snprintf(line, sizeof(line), "%016lx-%016lx %s %s stack%s\n",
             (virt_addr)start, (virt_addr)end - 1, rights, name, rest);
    return contains(captured.text, line);
}

TEST(map_has_all_of_them)
{
    captured_start();
    regions_print();
    for (const struct stack *s = stacks; s < stacks + STACKS; s++) {
        CHECK(is_region(s->guard, s->bottom, "---", s->name, " guard"));
        CHECK(is_region(s->bottom, s->top, "rw-", s->name, ""));
    }
}
