// vectors.c: whatever the vector, the kernel says which it was.

#include "captured.h"
#include "tables.h"

#include "exceptions.h"
#include "idt.h"
#include "printf.h"

// A trap gate, 0x8f, would leave interrupts enabled.
enum { INTERRUPT_GATE = 0x8e };

// For each vector two instructions, 3 bytes: int and ret.
extern const char int_table[];

asm(".pushsection .text\n"
    "int_table:\n"
    ".set int_vector, 0\n"
    ".rept 256\n"
    ".byte 0xcd, int_vector, 0xc3\n"
    ".set int_vector, int_vector + 1\n"
    ".endr\n"
    ".popsection\n");

static int vector;

static void raise(void)
{
    void (*code)(void) = (void (*)(void))(int_table + 3 * vector);

    code();
}

static bool pushes_error_code(int v)
{
    return v == 8 || (v >= 10 && v <= 14) || v == 17 || v == 21 ||
           v == 29 || v == 30;
}

TEST(every_vector_is_reported)
{
    char title[80];

    for (vector = 0; vector < VECTORS; vector++) {
        snprintf(title, sizeof(title), "\n%s, vector %d\n",
                 exception_name(vector), vector);
        CHECK_BEGINS(captured_report(raise), title);
        CHECK(fits_screen(captured.text));
    }
}

// After the instruction: int is a trap.
TEST(frame_says_where_it_was)
{
    char where[80];

    for (vector = 0; vector < VECTORS; vector++) {
        if (pushes_error_code(vector))
            continue;
        snprintf(where, sizeof(where), "rip %016lx",
                 (uint64_t)int_table + 3 * vector + 2);
        CHECK(contains(captured_report(raise), where));
    }
}

// An int pushes no error code. Where the stub expects one it finds rip,
// and cs where it expects rip: no code lies at such an address.
TEST(int_without_its_error_code_shows)
{
    for (vector = 0; vector < VECTORS; vector++)
        if (pushes_error_code(vector))
            CHECK(contains(captured_report(raise),
                           "rip 0000000000000008"));
}

TEST(vectors_have_their_names)
{
    CHECK_EQ(strcmp(exception_name(0), "#DE divide error"), 0);
    CHECK_EQ(strcmp(exception_name(14), "#PF page fault"), 0);
    CHECK_EQ(strcmp(exception_name(15), "reserved exception"), 0);
    CHECK_EQ(strcmp(exception_name(30), "#SX security exception"), 0);
    CHECK_EQ(strcmp(exception_name(31), "reserved exception"), 0);
    CHECK_EQ(strcmp(exception_name(32), "unexpected interrupt"), 0);
    CHECK_EQ(strcmp(exception_name(255), "unexpected interrupt"), 0);
    CHECK_EQ(strcmp(exception_name(~0ul), "unexpected interrupt"), 0);
}

TEST(table_ends_with_the_last_interrupt_gate)
{
    struct table idtr;

    idt_init();
    asm volatile("sidt %0" : "=m"(idtr));
    CHECK_EQ(idtr.limit, 16 * VECTORS - 1);
    for (vector = 0; vector < VECTORS; vector++)
        CHECK_EQ(gate_of(vector)[GATE_TYPE], INTERRUPT_GATE);
}
