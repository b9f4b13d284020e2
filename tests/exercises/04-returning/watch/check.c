// check.c: writes from known places to a variable and around it.

#include "03-exceptions/captured.h"

#include "cpu.h"
#include "exceptions.h"
#include "printf.h"
#include "trace.h"

#if !__has_include("watch.h")
#error There is no watch.h, which is to declare watch().
#endif
#include "watch.h"

typedef void store(volatile void *address, uint64_t value);

store store_8, store_4, store_2, store_1, add_8, store_8_slowly;
uint64_t load_8(volatile void *address);
extern const char behind_8[], behind_4[], behind_2[], behind_1[];
extern const char behind_add[];

asm(".pushsection .text\n"
    "store_8: mov %rsi, (%rdi)\n"
    "behind_8: ret\n"
    "store_4: mov %esi, (%rdi)\n"
    "behind_4: ret\n"
    "store_2: mov %si, (%rdi)\n"
    "behind_2: ret\n"
    "store_1: mov %sil, (%rdi)\n"
    "behind_1: ret\n"
    "add_8: add %rsi, (%rdi)\n"
    "behind_add: ret\n"
    "store_8_slowly:\n"
    ".fill 8, 1, 0x90\n"
    "call store_8\n"
    ".fill 30, 1, 0x90\n"
    "ret\n"
    "load_8: mov (%rdi), %rax\n"
    "ret\n"
    ".popsection\n");

static uint64_t words[4];

#define WATCHED (&words[1])
#define BYTES   ((uint8_t *)WATCHED)

static int lines_with(const char *start)
{
    int count = begins_with(captured.text, start);

    for (size_t i = 0; i < captured.length; i++)
        count += captured.text[i] == '\n' &&
                 begins_with(captured.text + i + 1, start);
    return count;
}

static void begin(void)
{
    memset(words, 0, sizeof(words));
    captured_start();
    memset(captured.text, 0, sizeof(captured.text));
    watch(WATCHED);
}

static void say_nothing(void)
{
    captured.length  = 0;
    captured.text[0] = '\0';
}

// Calls a function that writes; the line it has to lead to.
static void check_write(store *function, volatile void *address,
                        uint64_t value, uint64_t then,
                        const char *behind, const char *name)
{
    char text[120];

    say_nothing();
    function(address, value);
    CHECK_EQ(*WATCHED, then);
    snprintf(text, sizeof(text),
             "write of %016lx, before %016lx %s+0x0\n", then,
             (uint64_t)behind, name);
    CHECK_TEXT(captured.text, text);
}

TEST(write_is_reported)
{
    begin();
    check_write(store_8, WATCHED, 42, 42, behind_8, "behind_8");
    check_write(store_8, WATCHED, 43, 43, behind_8, "behind_8");
    watch(NULL);
}

TEST(write_of_the_same_value_is_reported)
{
    begin();
    for (int i = 0; i < 3; i++)
        check_write(store_8, WATCHED, 7, 7, behind_8, "behind_8");
    watch(NULL);
}

TEST(writes_of_every_size)
{
    begin();
    check_write(store_4, BYTES + 4, 0x11223344, 0x1122334400000000,
                behind_4, "behind_4");
    check_write(store_2, BYTES + 2, 0x5566, 0x1122334455660000,
                behind_2, "behind_2");
    check_write(store_1, BYTES + 7, 0x99, 0x9922334455660000, behind_1,
                "behind_1");
    check_write(add_8, WATCHED, 1, 0x9922334455660001, behind_add,
                "behind_add");
    watch(NULL);
}

TEST(other_accesses_are_not)
{
    begin();
    store_8(&words[0], 1);
    store_8(&words[2], 2);
    store_1(BYTES - 1, 3);
    store_1(BYTES + 8, 4);
    CHECK_EQ(load_8(WATCHED), 0);
    CHECK_TEXT(captured.text, "");
    watch(NULL);
}

TEST(another_address_instead)
{
    begin();
    watch(&words[2]);
    store_8(WATCHED, 1);
    CHECK_TEXT(captured.text, "");
    store_8(&words[2], 2);
    CHECK_EQ(lines_with("write of 0000000000000002, before "), 1);
    watch(NULL);
}

TEST(null_ends_it)
{
    begin();
    watch(NULL);
    store_8(WATCHED, 1);
    CHECK_TEXT(captured.text, "");
}

// A write that is traced and watched is not tried: QEMU raises two #DB
// then, the second at the first instruction of the first one's handler.
TEST(trace_works_meanwhile)
{
    begin();
    trace(5);
    store_8_slowly(&words[3], 5);
    CHECK_EQ(lines_with("write of "), 0);
    CHECK_EQ(lines_with("  "), 5);
    CHECK_EQ(read_rflags() & RFLAGS_TF, 0);
    check_write(store_8, WATCHED, 6, 6, behind_8, "behind_8");
    watch(NULL);
}

TEST(trace_works_after_watch)
{
    begin();
    check_write(store_8, WATCHED, 6, 6, behind_8, "behind_8");
    watch(NULL);
    say_nothing();
    trace(5);
    store_8_slowly(&words[3], 5);
    CHECK_EQ(lines_with("write of "), 0);
    CHECK_EQ(lines_with("  "), 5);
}
