// nmi.c: the CPU holds NMIs back until the next iretq, not until lretq.
// The host sends two NMIs, and after each a character.

#include "../../panics/open.h"

#include "03-exceptions/tables.h"
#include "cpu.h"
#include "exceptions.h"
#include "idt.h"
#include "printf.h"

uint64_t nmis;
extern const char by_iretq[], by_lretq[];

asm(".pushsection .text\n"
    "by_iretq:\n"
    "incq nmis(%rip)\n"
    "iretq\n"

    // Puts rflags, rip and cs right below where rsp was; rsp there.
    "by_lretq:\n"
    "incq nmis(%rip)\n"
    "push %rax\n"
    "push %rbx\n"
    "mov 40(%rsp), %rbx\n"  // rsp
    "push 32(%rsp)\n"       // rflags
    "push 32(%rsp)\n"       // cs
    "push 32(%rsp)\n"       // rip
    "pop -16(%rbx)\n"
    "pop -8(%rbx)\n"
    "pop -24(%rbx)\n"
    "lea -24(%rbx), %rbx\n"
    "mov %rbx, 16(%rsp)\n"
    "pop %rbx\n"
    "pop %rax\n"
    "pop %rsp\n"
    "popfq\n"
    "lretq\n"
    ".popsection\n");

static void lead_to(const char *stub)
{
    uint8_t *gate = gate_of(EXC_NMI);

    memcpy(gate, &stub, 2);
    memcpy(gate + 6, (const char *)&stub + 2, 6);
}

static void wait_for_character(void)
{
    enum { UART_DATA = 0x3f8, UART_LSR = 0x3fd, DATA_READY = 1 };

    while (!(inb(UART_LSR) & DATA_READY))
        ;
    inb(UART_DATA);
}

static void send_two(const char *how, const char *stub)
{
    lead_to(stub);
    nmis = 0;
    printf("%s: send one\n", how);
    wait_for_character();
    printf("%s: %lu, send another\n", how, nmis);
    wait_for_character();
    printf("%s: %lu", how, nmis);
    breakpoint();
    printf(", and after an iretq %lu\n", nmis);
}

static void resume(struct trap_frame *frame)
{
    (void)frame;
}

TEST(reports)
{
    open_console();
    idt_init();
    exception_set_handler(EXC_BREAKPOINT, resume);
    send_two("iretq", by_iretq);
    send_two("lretq", by_lretq);
    printf("done\n");
}
