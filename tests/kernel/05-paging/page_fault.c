// page_fault.c: memory that is there when it is touched, and what is
// said of other page faults.

#include "03-exceptions/captured.h"

#include "accesses.h"
#include "page_fault.h"
#include "paging.h"
#include "printf.h"
#include "probe.h"
#include "taken.h"

extern const char stack_guard[], stack_bottom[];

#define GIB (1ul << 30)

enum { WORDS = PAGE_SIZE / 8 };

// Pages that no test has touched. Their tables may be missing.
static virt_addr untouched(size_t pages)
{
    static virt_addr next = DEMAND_ZERO;

    next += pages * PAGE_SIZE;
    return next - pages * PAGE_SIZE;
}

static void start(void)
{
    captured_start();
    page_fault_init();
}

static bool is_mapped(virt_addr address)
{
    phys_addr physical;

    return page_translate(&kernel_space, address, &physical);
}

// First touches

TEST(first_read_is_0)
{
    virt_addr page = untouched(1);

    start();
    CHECK(!is_mapped(page));
    CHECK_EQ(*(volatile uint64_t *)page, 0);
    CHECK(is_mapped(page));
}

TEST(first_write_is_kept)
{
    volatile uint8_t *page = (volatile uint8_t *)untouched(1);

    start();
    page[1234] = 56;
    CHECK_EQ(page[1234], 56);
    CHECK_EQ(page[1233], 0);
    CHECK_EQ(page[1235], 0);
    CHECK_EQ(page[0], 0);
    CHECK_EQ(page[PAGE_SIZE - 1], 0);
}

static void check_zero(volatile uint64_t *page, int touched)
{
    for (int i = 0; i < WORDS; i++)
        if (i != touched && !CHECK_EQ(page[i], 0))
            return;
}

// Frames that others have filled, and given back.
TEST(all_of_a_page_is_0)
{
    enum { PAGES = 20 };
    volatile uint64_t *memory = (volatile uint64_t *)untouched(PAGES);
    phys_addr frames[PAGES + 4];

    start();
    for (int i = 0; i < PAGES + 4; i++) {
        frames[i] = frame_alloc();
        memset(direct_map(frames[i]), 0xff, PAGE_SIZE);
    }
    for (int i = 0; i < PAGES + 4; i++)
        frame_free(frames[i]);
    for (int i = 0; i < PAGES; i++) {
        memory[i * WORDS + 7 * i] = 1;
        check_zero(&memory[i * WORDS], 7 * i);
    }
}

TEST(each_page_takes_one_frame)
{
    volatile uint8_t *memory = (volatile uint8_t *)untouched(601);
    size_t free;

    start();
    *memory = 1;
    free    = frames_free();
    for (int i = 1; i <= 600; i++)
        memory[i * PAGE_SIZE + i] = i;
    CHECK(free - frames_free() >= 600);
    CHECK(free - frames_free() <= 602);  // with page tables
    free = frames_free();
    for (int i = 1; i <= 600; i++) {
        CHECK_EQ(memory[i * PAGE_SIZE + i], (uint8_t)i);
        CHECK_EQ(memory[i * PAGE_SIZE + i - 1], 0);
    }
    CHECK_EQ(frames_free(), free);
}

TEST(pages_have_frames_of_their_own)
{
    volatile uint64_t *a = (volatile uint64_t *)untouched(2);
    volatile uint64_t *b = a + WORDS;

    start();
    for (int i = 0; i < WORDS; i++) {
        a[i] = i + 1;
        b[i] = i + 2;
    }
    for (int i = 0; i < WORDS; i++)
        CHECK(a[i] == (uint64_t)i + 1 && b[i] == (uint64_t)i + 2);
}

TEST(access_may_straddle_two_pages)
{
    virt_addr page          = untouched(2);
    volatile uint64_t *word = (volatile uint64_t *)(page + 4093);

    start();
    *word = 0x1122334455667788;
    CHECK_EQ(*word, 0x1122334455667788);
    CHECK_EQ(*(volatile uint8_t *)(page + 4095), 0x66);
    CHECK_EQ(*(volatile uint8_t *)(page + 4096), 0x55);
    CHECK_EQ(*(volatile uint64_t *)(untouched(2) + 4093), 0);
}

TEST(string_instruction_goes_on)
{
    enum { SIZE = 6 * PAGE_SIZE };
    uint8_t *to = (uint8_t *)untouched(7) + 99;
    uint8_t *from;

    start();
    from = (uint8_t *)untouched(7) + 5;
    memset(from, 0x5a, SIZE);
    for (int i = 0; i < SIZE; i++)
        if (!CHECK_EQ(from[i], 0x5a))
            return;
    from[777] = 7;
    memcpy(to, from, SIZE);
    CHECK_EQ(memcmp(to, from, SIZE), 0);
    CHECK_EQ(to[777], 7);
    CHECK_EQ(to[-1], 0);
    CHECK_EQ(to[SIZE], 0);
}

TEST(both_ends_are_there)
{
    volatile uint8_t *first = (volatile uint8_t *)DEMAND_ZERO;
    volatile uint8_t *last  = first + DEMAND_ZERO_SIZE - 1;

    start();
    *first += 0;
    *last = 9;
    CHECK_EQ(*last, 9);
    for (virt_addr at = GIB; at < DEMAND_ZERO_SIZE; at += 7 * GIB)
        CHECK_EQ(first[at], 0);
}

TEST(probe_is_a_touch)
{
    virt_addr page = untouched(1);
    uint64_t value = 1;

    start();
    CHECK(probe_read((const void *)page, &value));
    CHECK_EQ(value, 0);
    CHECK(!probe_read((const void *)8, &value));
    CHECK(!probe_read((const void *)(DEMAND_ZERO - 8), &value));
    CHECK(!probe_read((const void *)(DEMAND_ZERO + DEMAND_ZERO_SIZE),
                      &value));
}

// With all registers in use: what they hold is counted.
TEST(registers_survive)
{
    virt_addr page = untouched(1);
    uint64_t sum = 0, carry = 0;

    start();
    asm volatile("push %%rbp\n"
                 "mov $1, %%ebx\n"
                 "mov $2, %%ecx\n"
                 "mov $4, %%edx\n"
                 "mov $8, %%esi\n"
                 "mov $16, %%edi\n"
                 "mov $32, %%ebp\n"
                 "mov $64, %%r8d\n"
                 "mov $128, %%r9d\n"
                 "mov $256, %%r10d\n"
                 "mov $512, %%r11d\n"
                 "mov $1024, %%r12d\n"
                 "mov $2048, %%r13d\n"
                 "mov $4096, %%r14d\n"
                 "mov $8192, %%r15d\n"
                 "stc\n"
                 "mov %%rsp, (%%rax)\n"
                 "mov $0, %%eax\n"
                 "adc $0, %%rax\n"
                 "xchg %%rax, %%rbx\n"
                 "add %%rcx, %%rax\n"
                 "add %%rdx, %%rax\n"
                 "add %%rsi, %%rax\n"
                 "add %%rdi, %%rax\n"
                 "add %%rbp, %%rax\n"
                 "add %%r8, %%rax\n"
                 "add %%r9, %%rax\n"
                 "add %%r10, %%rax\n"
                 "add %%r11, %%rax\n"
                 "add %%r12, %%rax\n"
                 "add %%r13, %%rax\n"
                 "add %%r14, %%rax\n"
                 "add %%r15, %%rax\n"
                 "pop %%rbp\n"
                 : "=a"(sum), "=b"(carry)
                 : "a"(page)
                 : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
                   "r12", "r13", "r14", "r15", "cc", "memory");
    CHECK_EQ(sum, 16383);
    CHECK_EQ(carry, 1);
    CHECK(is_mapped(page));
}

static virt_addr touched_by_handler;

static void touch(struct trap_frame *frame)
{
    frame->rax = *(volatile uint64_t *)touched_by_handler + 5;
}

TEST(handler_may_touch)
{
    uint64_t rax = 1;

    start();
    touched_by_handler = untouched(1);
    exception_set_handler(EXC_BREAKPOINT, touch);
    asm volatile("int3" : "+a"(rax) : : "memory");
    exception_set_handler(EXC_BREAKPOINT, NULL);
    CHECK_EQ(rax, 5);
}

// Reports

static virt_addr accessed;

static void read(void)
{
    read_at(accessed);
}

static void write(void)
{
    write_at(accessed);
}

static void execute(void)
{
    execute_at(accessed);
}

static void check_report(void (*access)(void), virt_addr address,
                         const char *tried, const char *what)
{
    char line[160];

    start();
    accessed = address;
    snprintf(line, sizeof(line), ": %s\ncr2 %016lx: %s\n", tried,
             address, what);
    if (!CHECK(captured_report(access) != NULL))
        return;
    CHECK_BEGINS(captured.text, "\n#PF page fault, vector 14\n");
    if (!CHECK(contains(captured.text, line)))
        CHECK_TEXT(captured.text, line);  // tells both
    CHECK(fits_screen(captured.text));
}

#define READ_ABSENT  "read in supervisor mode, page not present"
#define WRITE_ABSENT "write in supervisor mode, page not present"
#define FETCH_ABSENT \
    "instruction fetch in supervisor mode, page not present"
#define WRITE_FORBIDDEN "write in supervisor mode, not permitted"
#define FETCH_FORBIDDEN \
    "instruction fetch in supervisor mode, not permitted"

TEST(null_pointers)
{
    check_report(read, 0, READ_ABSENT, "null pointer");
    check_report(write, 4095, WRITE_ABSENT, "null pointer");
    check_report(execute, 0, FETCH_ABSENT, "null pointer");
}

TEST(stack_guard)
{
    const char *what = "guard page: the kernel stack has overflowed";

    check_report(read, (virt_addr)stack_guard, READ_ABSENT, what);
    check_report(write, (virt_addr)stack_bottom - 1, WRITE_ABSENT,
                 what);
}

static const uint64_t constant[2] = {RET, RET};
static uint64_t variable;

TEST(rights_of_the_image)
{
    uint64_t on_stack = RET;

    variable = RET;
    check_report(write, (virt_addr)read, WRITE_FORBIDDEN,
                 "kernel code cannot be written");
    check_report(write, (virt_addr)constant, WRITE_FORBIDDEN,
                 "kernel constants cannot be written");
    check_report(execute, (virt_addr)constant, FETCH_FORBIDDEN,
                 "kernel constants cannot be executed");
    check_report(execute, (virt_addr)&variable, FETCH_FORBIDDEN,
                 "kernel data cannot be executed");
    check_report(execute, (virt_addr)&on_stack, FETCH_FORBIDDEN,
                 "kernel stack cannot be executed");
    CHECK_EQ(constant[0], RET);
}

TEST(direct_map_of_this_and_that)
{
    const virt_addr image = DIRECT_MAP + LOW_MEMORY;

    check_report(read, DIRECT_MAP + 300 * GIB, READ_ABSENT,
                 "direct map of memory that is not in use");
    check_report(write, DIRECT_MAP + DIRECT_MAP_SIZE - 1, WRITE_ABSENT,
                 "direct map of memory that is not in use");
    check_report(write, image, WRITE_FORBIDDEN,
                 "direct map cannot be written");
    check_report(execute, DIRECT_MAP + 0xb8000, FETCH_FORBIDDEN,
                 "direct map cannot be executed");
}

TEST(addresses_of_nothing)
{
    const char *what = "no memory of the kernel";

    check_report(read, PAGE_SIZE, READ_ABSENT, what);
    check_report(write, 0x7fffffffffff, WRITE_ABSENT, what);
    check_report(execute, LOW_MEMORY, FETCH_ABSENT, what);
    check_report(read, DIRECT_MAP + DIRECT_MAP_SIZE, READ_ABSENT, what);
    check_report(read, DEMAND_ZERO - 1, READ_ABSENT, what);
    check_report(write, DEMAND_ZERO + DEMAND_ZERO_SIZE, WRITE_ABSENT,
                 what);
    check_report(read, KERNEL_BASE, READ_ABSENT, what);
    check_report(read, -8ul, READ_ABSENT, what);
}

TEST(demand_zero_memory_is_not_executed)
{
    virt_addr page = untouched(1);

    check_report(execute, page, FETCH_ABSENT,
                 "demand-zero memory cannot be executed");
    CHECK_EQ(*(volatile uint64_t *)page, 0);
    check_report(execute, page, FETCH_FORBIDDEN,
                 "demand-zero memory cannot be executed");
}

// A page that is there, but without the right, is not replaced.
TEST(demand_zero_page_keeps_its_rights)
{
    virt_addr page          = untouched(1);
    volatile uint64_t *word = (volatile uint64_t *)page;

    start();
    *word = 5;
    page_protect(&kernel_space, page, PAGE_NO_EXECUTE);
    check_report(write, page, WRITE_FORBIDDEN,
                 "demand-zero memory cannot be written");
    CHECK_EQ(*word, 5);
    page_protect(&kernel_space, page, PAGE_WRITABLE | PAGE_NO_EXECUTE);
    *word = 6;
    CHECK_EQ(*word, 6);
}

// As after a bit that is reserved: nothing says what was not allowed.
TEST(permitted_access_has_its_place_told)
{
    captured_start();
    page_fault_explain((virt_addr)&variable, PF_PRESENT | PF_RESERVED);
    CHECK_TEXT(captured.text, "kernel data");
}

// Without memory

TEST(no_frame_for_a_page)
{
    virt_addr page = untouched(2);
    size_t free;

    start();
    read_at(page);
    free = frames_free();
    take_all_but(0);
    check_report(write, page + PAGE_SIZE, WRITE_ABSENT,
                 "there is no frame left for it");
    CHECK(!is_mapped(page + PAGE_SIZE));
    CHECK_EQ(frames_free(), 0);
    give_back();
    CHECK_EQ(frames_free(), free);
    CHECK_EQ(*(volatile uint8_t *)(page + PAGE_SIZE), 0);
}

// The page takes the only frame, and gives it back.
TEST(no_frame_for_a_table)
{
    const virt_addr page = DEMAND_ZERO + 45 * GIB;

    start();
    CHECK(!is_mapped(page));
    take_all_but(1);
    check_report(read, page, READ_ABSENT,
                 "there is no frame left for it");
    CHECK_EQ(frames_free(), 1);
    CHECK(!is_mapped(page));
    give_back();
    CHECK_EQ(*(volatile uint8_t *)page, 0);
}

static void probe_where_no_frame_is(void)
{
    uint64_t value;

    CHECK(!probe_read((const void *)accessed, &value));
}

TEST(probe_without_memory_fails)
{
    accessed = untouched(1);
    start();
    take_all_but(0);
    CHECK_EQ(captured_report(probe_where_no_frame_is), NULL);
    give_back();
}
