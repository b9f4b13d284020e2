// report.c: reports of frames made up, sound and broken ones.

#include "captured.h"

#include "exceptions.h"
#include "printf.h"
#include "report.h"

// Not code, and so without a symbol.
static const uint8_t bytes[16] __attribute__((aligned(16))) = {
    0x0f, 0x0b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
};

static struct trap_frame sound_frame(void)
{
    return (struct trap_frame){
        .rax    = 0xa0,
        .rbx    = 0xb1,
        .rcx    = 0xc2,
        .rdx    = 0xd3,
        .rsi    = 0x51,
        .rdi    = 0xd1,
        .rbp    = 0,
        .r8     = 0x8,
        .r9     = 0x9,
        .r10    = 0x10,
        .r11    = 0x11,
        .r12    = 0x12,
        .r13    = 0x13,
        .r14    = 0x14,
        .r15    = 0xfedcba9876543210,
        .vector = EXC_INVALID_OPCODE,
        .rip    = (uint64_t)bytes,
        .cs     = 0x8,
        .rflags = 0x246,
        .rsp    = 0,
        .ss     = 0x10,
    };
}

static const char *text_of(const struct trap_frame *frame)
{
    captured_start();
    report_exception(frame);
    CHECK(fits_screen(captured.text));
    return captured.text;
}

TEST(report_is_exact)
{
    struct trap_frame frame = sound_frame();
    char text[1024];

    snprintf(text, sizeof(text),
             "\n#UD invalid opcode, vector 6\n"
             "rax 00000000000000a0  rbx 00000000000000b1  "
             "rcx 00000000000000c2\n"
             "rdx 00000000000000d3  rsi 0000000000000051  "
             "rdi 00000000000000d1\n"
             "rbp 0000000000000000  r8  0000000000000008  "
             "r9  0000000000000009\n"
             "r10 0000000000000010  r11 0000000000000011  "
             "r12 0000000000000012\n"
             "r13 0000000000000013  r14 0000000000000014  "
             "r15 fedcba9876543210\n"
             "rip %016lx  rsp 0000000000000000  cs 0008  ss 0010\n"
             "rflags 0000000000000246 IF ZF PF IOPL=0\n"
             "code 0f 0b 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d\n"
             "  %016lx\n",
             frame.rip, frame.rip);
    CHECK_EQ(strcmp(text_of(&frame), text), 0);
}

static void check_error(int vector, uint64_t code, const char *words)
{
    struct trap_frame frame = sound_frame();
    char title[80], line[120];

    frame.vector     = vector;
    frame.error_code = code;
    snprintf(title, sizeof(title), "\n%s, vector %d\n",
             exception_name(vector), vector);
    CHECK_BEGINS(text_of(&frame), title);
    snprintf(line, sizeof(line), "\nerror code 0x%lx%s\n", code, words);
    CHECK(contains(captured.text, line));
}

TEST(page_fault_error_codes_are_in_words)
{
    const int v = EXC_PAGE_FAULT;

    check_error(v, 0x0, ": read in supervisor mode, page not present");
    check_error(v, 0x1, ": read in supervisor mode, not permitted");
    check_error(v, 0x2, ": write in supervisor mode, page not present");
    check_error(v, 0x4, ": read in user mode, page not present");
    check_error(v, 0x7, ": write in user mode, not permitted");
    check_error(
        v, 0x9,
        ": read in supervisor mode, reserved bit set in a table");
    check_error(v, 0x15,
                ": instruction fetch in user mode, not permitted");
}

TEST(selector_error_codes_are_in_words)
{
    for (int v = EXC_INVALID_TSS; v <= EXC_GENERAL_PROTECTION; v++) {
        check_error(v, 0x0, ": no selector");
        check_error(v, 0x1, ": no selector, external event");
        check_error(v, 0x28, ": entry 5 of the GDT");
        check_error(v, 0x2c, ": entry 5 of the LDT");
        check_error(v, 0x2, ": entry 0 of the IDT");
        check_error(v, 0x13, ": entry 2 of the IDT, external event");
    }
}

TEST(other_error_codes_are_numbers)
{
    check_error(EXC_CONTROL_PROTECTION, 3, "");
    check_error(EXC_ALIGNMENT_CHECK, 0x7fffffff, "");
}

TEST(flags_are_spelled_out)
{
    struct trap_frame frame = sound_frame();

    frame.rflags = 0x3f7fd7;
    CHECK(contains(text_of(&frame),
                   "\nrflags 00000000003f7fd7 ID VIP VIF AC VM RF NT "
                   "OF DF IF TF SF ZF AF PF CF IOPL=3\n"));
    frame.rflags = 2;
    CHECK(contains(text_of(&frame),
                   "\nrflags 0000000000000002 IOPL=0\n"));
}

TEST(code_ends_where_memory_does)
{
    extern const char stack_guard[];
    struct trap_frame frame = sound_frame();

    frame.rip = (uint64_t)stack_guard;
    CHECK(contains(text_of(&frame), "\ncode (unreadable)\n"));
    frame.rip = 0;
    CHECK(contains(text_of(&frame), "\ncode (unreadable)\n"));
    frame.rip = 0x7fffffffffff;
    CHECK(contains(text_of(&frame), "\ncode (unreadable)\n"));
    frame.rip = ~0ul;
    CHECK(contains(text_of(&frame), "\ncode (unreadable)\n"));
    frame.rip = (uint64_t)stack_guard - 2;
    CHECK(contains(text_of(&frame), " (unreadable)\n"));
}

// A call to nowhere, and more callers than are shown.
TEST(longest_report_fits)
{
    static uint64_t links[32][2];
    struct trap_frame frame = sound_frame();
    uint64_t caller         = (uint64_t)report_exception;
    int rows                = 1;  // for "halted"

    for (int i = 0; i < 31; i++) {
        links[i][0] = (uint64_t)links[i + 1];
        links[i][1] = caller + i;
    }
    frame.vector = EXC_PAGE_FAULT;
    frame.rip    = 0;
    frame.rsp    = (uint64_t)&caller;
    frame.rbp    = (uint64_t)links;
    for (const char *c = text_of(&frame); *c != '\0'; c++)
        rows += *c == '\n';
    CHECK(contains(captured.text, "  ..."));
    CHECK_EQ(rows, 25);
}

// With everything as wrong as it can be, and in many ways.
TEST(report_of_nonsense_ends)
{
    struct trap_frame frame;

    for (int byte = 0; byte < 256; byte++) {
        memset(&frame, byte, sizeof(frame));
        CHECK(text_of(&frame));
    }
}
