// registers.c: what was interrupted goes on with every register as the
// trap frame says, and the frame said what they were.
//
// Each round trip loads the registers with patterns, raises an exception
// and stores what it then finds. No two patterns are alike, so that no
// two registers can be mistaken for each other. The handler compares the
// frame with the patterns, and may change all of it.

#include "ktap.h"

#include <stddef.h>

#include "03-exceptions/tables.h"
#include "exceptions.h"
#include "idt.h"

enum {
    GENERAL        = 15,  // in the order of struct trap_frame
    VECTORS_OF_SSE = 16,

    FLAGS_FIXED  = 0x2,
    FLAGS_STATUS = 0x8d5,  // CF, PF, AF, ZF, SF and OF
    FLAGS_DF     = 0x400,
    FLAGS_AC     = 0x40000,  // is nothing but a bit in ring 0
    FLAGS_RF     = 0x10000,

    CR0_MP     = 1 << 1,
    CR0_EM     = 1 << 2,
    CR0_TS     = 1 << 3,
    CR0_NE     = 1 << 5,
    CR4_OSFXSR = 1 << 9,
};

struct registers {
    uint64_t general[GENERAL];
    uint64_t flags;
    uint64_t stack;
    uint64_t unused;
    uint64_t sse[VECTORS_OF_SSE][2];
};

_Static_assert(offsetof(struct registers, sse) == 144,
               "round_trip relies on it");

// By the names of the assembly below.
struct registers before, after;
uint64_t raise_at;  // where the exception is raised
uint64_t kept_stack, detours;
uint64_t null_divisor;
uint16_t selector;
uint16_t task_switched = 0xb;  // CR0.TS, with MP and PE as they are
struct {
    uint64_t error_code, rip, cs, flags, rsp, ss;
} pushed;  // by raise_by_hand, as by the CPU
uint64_t entry;

void round_trip(void);
extern const char int_and_land[], raise_by_hand[], landing[], detour[];
extern const char raise_de[], raise_db[], raise_bp[], raise_ud[];
extern const char raise_nm[], raise_mf[], raise_ss[], raise_fs[];
extern const char raise_gp[], raise_pf[];

// clang-format off
asm(".pushsection .text\n"
    ".intel_syntax noprefix\n"
    "round_trip:\n"
    "push rbp\n"
    "push rbx\n"
    "push r12\n"
    "push r13\n"
    "push r14\n"
    "push r15\n"
    "mov [rip + kept_stack], rsp\n"
    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
    "movdqu xmm\\n, [rip + before + 144 + 16 * \\n]\n"
    ".endr\n"
    "push qword ptr [rip + before + 120]\n"
    "popfq\n"
    "mov rsp, [rip + before + 128]\n"
    "mov rax, [rip + before]\n"
    "mov rbx, [rip + before + 8]\n"
    "mov rcx, [rip + before + 16]\n"
    "mov rdx, [rip + before + 24]\n"
    "mov rsi, [rip + before + 32]\n"
    "mov rdi, [rip + before + 40]\n"
    "mov rbp, [rip + before + 48]\n"
    ".irp n, 8, 9, 10, 11, 12, 13, 14, 15\n"
    "mov r\\n, [rip + before + 8 * \\n - 8]\n"
    ".endr\n"
    "jmp qword ptr [rip + raise_at]\n"

    "detour:\n"
    "mov qword ptr [rip + detours], 1\n"
    "landing:\n"
    "mov [rip + after], rax\n"
    "mov [rip + after + 8], rbx\n"
    "mov [rip + after + 16], rcx\n"
    "mov [rip + after + 24], rdx\n"
    "mov [rip + after + 32], rsi\n"
    "mov [rip + after + 40], rdi\n"
    "mov [rip + after + 48], rbp\n"
    ".irp n, 8, 9, 10, 11, 12, 13, 14, 15\n"
    "mov [rip + after + 8 * \\n - 8], r\\n\n"
    ".endr\n"
    "mov [rip + after + 128], rsp\n"
    "mov rsp, [rip + kept_stack]\n"
    "pushfq\n"
    "pop qword ptr [rip + after + 120]\n"
    "cld\n"
    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
    "movdqu [rip + after + 144 + 16 * \\n], xmm\\n\n"
    ".endr\n"
    "pop r15\n"
    "pop r14\n"
    "pop r13\n"
    "pop r12\n"
    "pop rbx\n"
    "pop rbp\n"
    "ret\n"

    // For each vector 8 bytes: int and jmp.
    "int_and_land:\n"
    ".set int_vector, 0\n"
    ".rept 256\n"
    ".byte 0xcd, int_vector, 0xe9\n"
    ".long landing - (. + 4)\n"
    ".byte 0x90\n"
    ".set int_vector, int_vector + 1\n"
    ".endr\n"

    "raise_by_hand:\n"
    "push qword ptr [rip + pushed + 40]\n"
    "push qword ptr [rip + pushed + 32]\n"
    "push qword ptr [rip + pushed + 24]\n"
    "push qword ptr [rip + pushed + 16]\n"
    "push qword ptr [rip + pushed + 8]\n"
    "push qword ptr [rip + pushed]\n"
    "jmp qword ptr [rip + entry]\n"

    "raise_de: div byte ptr [rip + null_divisor]\n"
    "raise_db: nop\n"
    "jmp landing\n"
    "raise_bp: int3\n"
    "jmp landing\n"
    "raise_ud: ud2\n"
    "raise_nm: lmsw [rip + task_switched]\n"
    "fnop\n"
    "jmp landing\n"
    "raise_mf: fwait\n"
    "jmp landing\n"
    "raise_ss: mov ss, [rip + selector]\n"
    "raise_fs: mov fs, [rip + selector]\n"
    "raise_gp: .byte 0xa0\n"  // mov al, [1 << 63]
    ".quad 1 << 63\n"
    "raise_pf: mov byte ptr ds:[16], 1\n"
    ".att_syntax prefix\n"
    ".popsection\n");
// clang-format on

static __attribute__((aligned(16))) uint8_t stack[16384];

static struct trap_frame seen;  // by the handler, and as it left it
static bool change, handled, direction, aligned;
static int expected_vector;

static void allow_sse(void)
{
    uint64_t cr0, cr4;

    asm volatile("mov %%cr0, %0" : "=r"(cr0));
    asm volatile("mov %%cr4, %0" : "=r"(cr4));
    cr0 = (cr0 | CR0_MP | CR0_NE) & ~(uint64_t)(CR0_EM | CR0_TS);
    asm volatile("mov %0, %%cr0" : : "r"(cr0));
    asm volatile("mov %0, %%cr4" : : "r"(cr4 | CR4_OSFXSR));
}

// The exception is raised later, when the FPU is used again.
static void divide_floats(void)
{
    const uint16_t unmasked = 0x037b;  // division by zero

    asm volatile("fninit; fldcw %0; fld1; fldz; fdivrp"
                 :
                 : "m"(unmasked));
}

// No two of them, and no two bytes of one, are the same.
static uint64_t pattern(int number)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | ((number * 8 + i) & 0xff);
    return value;
}

static void fill(uint64_t flags, uint64_t misalignment)
{
    for (int i = 0; i < GENERAL; i++)
        before.general[i] = pattern(i);
    before.flags = flags | FLAGS_FIXED;
    before.stack = (uint64_t)stack + sizeof(stack) / 2 - misalignment;
    for (int i = 0; i < VECTORS_OF_SSE; i++) {
        before.sse[i][0] = ~pattern(i);
        before.sse[i][1] = ~pattern(i) >> 1;
    }
}

// What changed_frame makes of a register.
static uint64_t changed(uint64_t value)
{
    return ~value;
}

static void change_frame(struct trap_frame *frame)
{
    uint64_t *general = &frame->rax;

    for (int i = 0; i < GENERAL; i++)
        general[i] = changed(general[i]);
    frame->rflags ^= FLAGS_STATUS | FLAGS_DF | FLAGS_AC;
    frame->rsp -= 0x128;
    frame->rip = (uint64_t)detour;
}

static void handler(struct trap_frame *frame)
{
    uint64_t flags;

    asm volatile("pushfq; pop %0; cld" : "=r"(flags) : : "cc");
    asm volatile("clts; fnclex");  // the causes of #NM and #MF
    direction = flags & FLAGS_DF;
    aligned   = (uint64_t)__builtin_frame_address(0) % 16 == 0;
    handled   = true;
    seen      = *frame;
    if (change)
        change_frame(frame);
    else if (frame->rip == raise_at)  // a fault: not again
        frame->rip = (uint64_t)landing;
}

static void check_seen(uint64_t error_code)
{
    const uint64_t *general = &seen.rax;
    uint16_t cs, ss;

    asm volatile("mov %%cs, %0; mov %%ss, %1" : "=r"(cs), "=r"(ss));
    for (int i = 0; i < GENERAL; i++)
        CHECK_EQ(general[i], before.general[i]);
    CHECK_EQ(seen.vector, expected_vector);
    CHECK_EQ(seen.error_code, error_code);
    CHECK(seen.rip - raise_at <= 7);
    CHECK_EQ((uint16_t)seen.cs, cs);
    CHECK_EQ(seen.rflags & ~(uint64_t)FLAGS_RF, before.flags);
    CHECK_EQ(seen.rsp, before.stack);
    CHECK_EQ((uint16_t)seen.ss, ss);
    CHECK(!direction);
    CHECK(aligned);
}

static void check_after(void)
{
    uint64_t flipped = FLAGS_STATUS | FLAGS_DF | FLAGS_AC;

    for (int i = 0; i < GENERAL; i++)
        CHECK_EQ(after.general[i], change ? changed(before.general[i])
                                          : before.general[i]);
    CHECK_EQ(after.flags & ~(uint64_t)FLAGS_RF,
             change ? before.flags ^ flipped : before.flags);
    CHECK_EQ(after.stack, before.stack - (change ? 0x128 : 0));
    CHECK_EQ(detours, change);
    for (int i = 0; i < VECTORS_OF_SSE; i++) {
        CHECK_EQ(after.sse[i][0], before.sse[i][0]);
        CHECK_EQ(after.sse[i][1], before.sse[i][1]);
    }
}

static void (*prepare)(void);

static void trip(const char *code, int vector, uint64_t error_code)
{
    handled         = false;
    expected_vector = vector;
    raise_at        = (uint64_t)code;
    detours         = 0;
    exception_set_handler(vector, handler);
    if (prepare)
        prepare();
    round_trip();
    exception_set_handler(vector, NULL);
    CHECK(handled);
    check_seen(error_code);
    check_after();
}

// With flags set and clear, and the stack aligned and not.
static void trips(const char *code, int vector, uint64_t error_code,
                  bool with_change)
{
    change = with_change;
    fill(0, 0);
    trip(code, vector, error_code);
    fill(FLAGS_STATUS | FLAGS_DF | FLAGS_AC, 8);
    trip(code, vector, error_code);
}

static bool pushes_error_code(int v)
{
    return v == 8 || (v >= 10 && v <= 14) || v == 17 || v == 21 ||
           v == 29 || v == 30;
}

static void all_vectors(bool with_change)
{
    idt_init();
    allow_sse();
    for (int v = 0; v < VECTORS; v++)
        if (!pushes_error_code(v))
            trips(int_and_land + 8 * v, v, 0, with_change);
}

TEST(int_keeps_every_register)
{
    all_vectors(false);
}

TEST(int_takes_every_register_from_the_frame)
{
    all_vectors(true);
}

// Some exceptions cannot be raised in ring 0, and int pushes no error
// code: the test does what the CPU would do.
static void trip_by_hand(int vector, bool with_change)
{
    const uint8_t *gate = gate_of(vector);

    change = with_change;
    fill(FLAGS_STATUS | FLAGS_DF, 0);
    asm volatile("mov %%cs, %0; mov %%ss, %1"
                 : "=r"(pushed.cs), "=r"(pushed.ss));
    pushed.error_code = pattern(40);
    pushed.rip        = (uint64_t)raise_by_hand;
    pushed.flags      = before.flags;
    pushed.rsp        = before.stack;
    entry             = gate[0] | gate[1] << 8 | gate[6] << 16 |
            (uint64_t)gate[7] << 24 |
            (uint64_t) * (const uint32_t *)(gate + 8) << 32;
    trip(raise_by_hand, vector, pushed.error_code);
}

TEST(error_code_is_dropped)
{
    idt_init();
    allow_sse();
    for (int v = 0; v < EXCEPTIONS; v++)
        if (pushes_error_code(v)) {
            trip_by_hand(v, false);
            trip_by_hand(v, true);
        }
}

static void both(const char *code, int vector, uint64_t error_code)
{
    trips(code, vector, error_code, false);
    trips(code, vector, error_code, true);
}

TEST(exceptions_of_instructions)
{
    idt_init();
    allow_sse();
    both(raise_de, EXC_DIVIDE_ERROR, 0);
    both(raise_bp, EXC_BREAKPOINT, 0);
    both(raise_ud, EXC_INVALID_OPCODE, 0);
    both(raise_gp, EXC_GENERAL_PROTECTION, 0);
    both(raise_pf, EXC_PAGE_FAULT, 2);
}

// DR7 and DR0: when the instruction is about to be executed.
static void set_hardware_breakpoint(void)
{
    asm volatile("mov %0, %%dr0; mov %1, %%dr7"
                 :
                 : "r"(raise_db), "r"(1ul));
}

TEST(hardware_breakpoint)
{
    idt_init();
    allow_sse();
    prepare = set_hardware_breakpoint;
    both(raise_db, EXC_DEBUG, 0);
    prepare = NULL;
    asm volatile("mov %0, %%dr7" : : "r"(0ul));
}

TEST(device_not_available_is_cured_and_retried)
{
    idt_init();
    allow_sse();
    both(raise_nm, EXC_DEVICE_NOT_AVAILABLE, 0);
}

TEST(x87_floating_point_error)
{
    idt_init();
    allow_sse();
    prepare = divide_floats;
    both(raise_mf, EXC_X87_FLOATING_POINT, 0);
    prepare = NULL;
}

TEST(exceptions_of_tables)
{
    idt_init();
    allow_sse();
    selector = absent_segment();
    both(raise_ss, EXC_STACK_SEGMENT, selector);
    both(raise_fs, EXC_SEGMENT_NOT_PRESENT, selector);
    selector = 0xfff8;
    both(raise_fs, EXC_GENERAL_PROTECTION, selector);

    gate_of(EXC_PAGE_FAULT)[GATE_TYPE] &= ~GATE_PRESENT;
    both(raise_pf, EXC_DOUBLE_FAULT, 0);
    idt_init();

    selector                 = load_short_tss();
    gate_of(200)[GATE_STACK] = 1;
    both(int_and_land + 8 * 200, EXC_INVALID_TSS, selector);
    restore_gdt();
    idt_init();
}
