// check.c: the instruction int with each vector, and real exceptions to
// compare, from a stack with each of its alignments.

#include "03-exceptions/captured.h"

#include "exceptions.h"
#include "printf.h"

#define ERROR_CODES (1 << 8 | 0x1f << 10 | 1 << 17 | 1 << 21 | 3u << 29)

enum { RAX = 0x1234567, R15 = 0x7654321 };

extern const char ints[], raise_ud[], raise_gp[], raise_pf[];
extern const char raise_np[], raise_bp[];

uint64_t at_rsp, at_flags;
uint16_t absent;

// For each vector 4 bytes: int, and what must not be reached.
asm(".pushsection .text\n"
    "ints:\n"
    ".set int_vector, 0\n"
    ".rept 256\n"
    ".byte 0xcd, int_vector, 0x0f, 0x0b\n"
    ".set int_vector, int_vector + 1\n"
    ".endr\n"
    "raise_ud: ud2\n"
    "raise_gp: movabs 0x8000000000000000, %al\n"
    "raise_pf: movb $1, 16\n"
    "raise_np: mov absent(%rip), %fs\n"
    "raise_bp: int3\n"
    "ud2\n"
    ".popsection\n");

// The selector of a data segment that is not present, in a larger GDT.
static uint16_t absent_segment(void)
{
    static uint64_t gdt[16];
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) gdtr;
    uint16_t selector;

    asm volatile("sgdt %0" : "=m"(gdtr));
    selector = gdtr.limit + 1;
    memcpy(gdt, (const void *)gdtr.base, selector);
    gdt[selector / 8] = 0x0000120000000000;
    gdtr.base         = (uint64_t)gdt;
    gdtr.limit += 8;
    asm volatile("lgdt %0" : : "m"(gdtr) : "memory");
    return selector;
}

static const char *place;
static uint64_t
    below;  // by how much the stack is lower, and misaligned

// Nothing comes back from there.
static void jump(void)
{
    asm volatile("sub %1, %%rsp\n"
                 "and $-16, %%rsp\n"
                 "sub %1, %%rsp\n"
                 "mov %%rsp, at_rsp(%%rip)\n"
                 "stc\n"
                 "pushfq\n"
                 "popq at_flags(%%rip)\n"
                 "mov %2, %%eax\n"
                 "mov %3, %%r15d\n"
                 "jmp *%0\n"
                 :
                 : "r"(place), "r"(below), "i"(RAX), "i"(R15)
                 : "rax", "r15", "cc", "memory");
}

static void check_contains(int vector, const char *text,
                           const char *part)
{
    char told[200];

    snprintf(told, sizeof(told), "the report lacks: %s", part + 1);
    for (char *c = told; *c != '\0'; c++)
        *c = *c == '\n' ? '|' : *c;
    ktap_check(text && contains(text, part), "vector", vector, told);
}

// The report of what is raised at an address; RIP is to be shown.
static const char *report_of(int vector, const char *at,
                             const char *rip)
{
    const uint64_t rf = 1 << 16;  // set in what most faults push
    const char *text;
    char part[160];

    place = at;
    text  = captured_report(jump);
    snprintf(part, sizeof(part), "\n%s, vector %d\n",
             exception_name(vector), vector);
    check_contains(vector, text, part);
    snprintf(part, sizeof(part), "\nrax %016x  rbx ", RAX);
    check_contains(vector, text, part);
    snprintf(part, sizeof(part), "  r15 %016x\n", R15);
    check_contains(vector, text, part);
    snprintf(part, sizeof(part),
             "\nrip %016lx  rsp %016lx  cs 0008  ss ", (uint64_t)rip,
             at_rsp);
    check_contains(vector, text, part);
    snprintf(part, sizeof(part), "\nrflags %016lx", at_flags | rf);
    if (text && contains(text, part))
        return text;
    snprintf(part, sizeof(part), "\nrflags %016lx", at_flags);
    check_contains(vector, text, part);
    return text;
}

static bool has_error_code(int vector)
{
    return vector < EXCEPTIONS && (ERROR_CODES >> vector & 1);
}

TEST(int_with_an_error_code_missing)
{
    for (below = 0; below < 16; below += 4)
        for (int v = 0; v < EXCEPTIONS; v++) {
            const char *at = ints + 4 * v, *text;

            if (!has_error_code(v))
                continue;
            text = report_of(v, at, at + 2);
            ktap_check(text && (!contains(text, "error code ") ||
                                contains(text, "\nerror code 0x0")),
                       "vector", v,
                       "the report shows an error code other than 0");
        }
}

static void check_plain(int vector)
{
    const char *at   = ints + 4 * vector;
    const char *text = report_of(vector, at, at + 2);

    ktap_check(text && !contains(text, "error code"), "vector", vector,
               "the report shows an error code");
}

TEST(int_without_error_code)
{
    for (below = 0; below < 16; below += 8) {
        for (int v = 0; v < EXCEPTIONS; v++)
            if (!has_error_code(v))
                check_plain(v);
        for (int v = EXCEPTIONS; v < VECTORS; v += 31)
            check_plain(v);
    }
}

TEST(real_exceptions_are_as_before)
{
    char part[80];

    absent = absent_segment();
    snprintf(part, sizeof(part),
             "\nerror code 0x%x: entry %d of the GDT", absent,
             absent / 8);
    for (below = 0; below < 16; below += 4) {
        report_of(EXC_INVALID_OPCODE, raise_ud, raise_ud);
        report_of(EXC_BREAKPOINT, raise_bp, raise_bp + 1);
        report_of(EXC_GENERAL_PROTECTION, raise_gp, raise_gp);
        check_contains(EXC_GENERAL_PROTECTION, captured.text,
                       "\nerror code 0x0: no selector\n");
        report_of(EXC_PAGE_FAULT, raise_pf, raise_pf);
        check_contains(EXC_PAGE_FAULT, captured.text,
                       "\nerror code 0x2: write in ");
        report_of(EXC_SEGMENT_NOT_PRESENT, raise_np, raise_np);
        check_contains(EXC_SEGMENT_NOT_PRESENT, captured.text, part);
    }
}
