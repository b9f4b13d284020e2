// machine_check.c: hardware errors are noted in banks of registers. One
// that cannot be corrected raises #MC, and there is no way back: what
// the registers and the memory hold may be wrong. Intel SDM volume 3B,
// "Machine-Check Architecture".

#include "machine_check.h"

#include <stdbool.h>

#include "cpu.h"
#include "exceptions.h"
#include "printf.h"

enum {
    CPUID_VERSION = 1,        // the leaf
    CPUID_MCE     = 1 << 7,   // edx: there is the exception
    CPUID_MCA     = 1 << 14,  // edx: and there are banks

    CR4_MCE = 1 << 6,

    MCG_CAP       = 0x179,
    MCG_CAP_COUNT = 0xff,    // of banks
    MCG_CTL_P     = 1 << 8,  // there is MCG_CTL
    MCG_STATUS    = 0x17a,
    MCG_EIPV      = 1 << 1,  // rip has to do with the error
    MCG_CTL       = 0x17b,

    MC_CTL    = 0x400,  // of bank 0; each bank has four registers
    MC_STATUS = 0x401,
    MC_ADDR   = 0x402,
    BANK_SIZE = 4,
    BANKS_MAX = 32,  // other registers follow
};

#define MC_STATUS_VAL   (1ul << 63)  // there is an error
#define MC_STATUS_ADDRV (1ul << 58)  // MC_ADDR says where
#define ALL_ERRORS      (~0ul)

static bool has_banks(void)
{
    return cpuid(CPUID_VERSION).edx & CPUID_MCA;
}

static int banks(void)
{
    int count = read_msr(MCG_CAP) & MCG_CAP_COUNT;

    return count < BANKS_MAX ? count : BANKS_MAX;
}

// In family 6 before model 0x1a, as in a Core 2, MC_CTL of bank 0 is
// the firmware's. "IA32_MCi_CTL MSRs".
static bool bank_0_is_the_firmwares(void)
{
    uint32_t version = cpuid(CPUID_VERSION).eax;
    int family       = version >> 8 & 0xf;
    int model        = (version >> 12 & 0xf0) | (version >> 4 & 0xf);

    return family == 6 && model < 0x1a;
}

static void print_bank(int bank)
{
    uint64_t status = read_msr(MC_STATUS + BANK_SIZE * bank);

    if (!(status & MC_STATUS_VAL))
        return;
    printf("machine check: bank %d, status %016lx", bank, status);
    if (status & MC_STATUS_ADDRV)
        printf(", address %016lx",
               read_msr(MC_ADDR + BANK_SIZE * bank));
    printf("\n");
}

// As long as MCG_STATUS is set, another machine check is the end.
static void print_banks(void)
{
    bool related = read_msr(MCG_STATUS) & MCG_EIPV;

    printf("\nmachine check: rip %s to do with the error\n",
           related ? "has" : "may have nothing");
    for (int bank = 0; bank < banks(); bank++)
        print_bank(bank);
    write_msr(MCG_STATUS, 0);
}

static void handle(struct trap_frame *frame)
{
    if (has_banks())
        print_banks();
    exception_unhandled(frame);
}

// An error from before the start would keep a new one out of its bank.
static void enable_bank(int bank)
{
    print_bank(bank);
    if (bank > 0 || !bank_0_is_the_firmwares())
        write_msr(MC_CTL + BANK_SIZE * bank, ALL_ERRORS);
    write_msr(MC_STATUS + BANK_SIZE * bank, 0);
}

static void enable_banks(void)
{
    if (read_msr(MCG_CAP) & MCG_CTL_P)
        write_msr(MCG_CTL, ALL_ERRORS);
    for (int bank = 0; bank < banks(); bank++)
        enable_bank(bank);
}

void machine_check_init(void)
{
    if (!(cpuid(CPUID_VERSION).edx & CPUID_MCE))
        return;
    if (has_banks())
        enable_banks();
    exception_set_handler(EXC_MACHINE_CHECK, handle);
    write_cr4(read_cr4() | CR4_MCE);
}
