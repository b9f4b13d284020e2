// banks.c: machine checks of a CPU of our own, with registers that an
// error has left its traces in. Intel SDM volume 3B, "Machine-Check
// MSRs".

#include "03-exceptions/captured.h"

#include "cpu.h"
#include "exceptions.h"
#include "printf.h"

enum {
    BANKS_MOST = 32,
    FEATURES   = 1,       // a leaf of CPUID
    HAS_MCE    = 1 << 7,  // and in its edx
    HAS_MCA    = 1 << 14,
    CR4_OTHERS = 0x20,
    NEHALEM    = 0x106a4,  // eax: family 6, model 0x1a
    CORE_2     = 0x10676,  // family 6, model 0x17
    OPTERON    = 0x40f13,  // family 15
};

struct bank {
    uint64_t control, status, address, misc;
};

static struct {
    uint32_t version, features;
    uint64_t capabilities, status, control, cr4;
    struct bank banks[BANKS_MOST];
    bool wrong;  // what is not there has been used
} cpu;

static uint64_t *msr(uint32_t number)
{
    uint64_t *banks = (uint64_t *)cpu.banks;

    if (cpu.features & HAS_MCA) {
        if (number == 0x17b && cpu.capabilities & 0x100)
            return &cpu.control;
        if (number == 0x17a)
            return &cpu.status;
        if (number - 0x400 < 4 * BANKS_MOST &&
            number - 0x400 < 4 * (cpu.capabilities & 0xff))
            return &banks[number - 0x400];
        if (number == 0x179)
            return &cpu.capabilities;
    }
    cpu.wrong = true;
    return &cpu.capabilities;
}

static uint64_t our_read_msr(uint32_t number)
{
    return *msr(number);
}

static void our_write_msr(uint32_t number, uint64_t value)
{
    if (CHECK(number != 0x179))
        *msr(number) = value;
}

static struct cpuid_result our_cpuid(uint32_t leaf)
{
    CHECK_EQ(leaf, FEATURES);
    return (struct cpuid_result){.eax = cpu.version,
                                 .edx = cpu.features};
}

static uint64_t our_read_cr4(void)
{
    return cpu.cr4;
}

static void our_write_cr4(uint64_t value)
{
    cpu.cr4 = value;
}

#define read_msr           our_read_msr
#define write_msr          our_write_msr
#define cpuid(leaf)        our_cpuid(leaf)
#define read_cr4           our_read_cr4
#define write_cr4          our_write_cr4
#define machine_check_init our_machine_check_init
#include <machine_check.c>
#undef read_msr
#undef write_msr
#undef cpuid
#undef read_cr4
#undef write_cr4
#undef machine_check_init

void machine_check_init(void);

// A new CPU, initialized.
static void start(uint32_t features, uint64_t capabilities)
{
    memset(&cpu, 0, sizeof(cpu));
    cpu.version      = NEHALEM;
    cpu.features     = features;
    cpu.capabilities = capabilities;
    cpu.cr4          = CR4_OTHERS;
    captured_start();
    our_machine_check_init();
}

static void raise(void)
{
    asm volatile("int $18" : : : "memory");
}

static const char *report(void)
{
    const char *text = captured_report(raise);

    exception_set_handler(EXC_MACHINE_CHECK, NULL);
    CHECK(!cpu.wrong);
    return text;
}

#define TITLE "\n#MC machine check, vector 18\nrax "
#define MAYBE \
    "\nmachine check: rip may have nothing to do with the error\n"
#define RELATED "\nmachine check: rip has to do with the error\n"

TEST(every_bank_is_enabled)
{
    start(HAS_MCE | HAS_MCA, 0x100 | 7);
    CHECK_EQ(cpu.control, ~0ul);
    for (int i = 0; i < BANKS_MOST; i++)
        CHECK_EQ(cpu.banks[i].control, i < 7 ? ~0ul : 0);
    CHECK_EQ(cpu.cr4, CR4_OTHERS | 1 << 6);
    CHECK(!cpu.wrong);
}

TEST(common_control_may_be_missing)
{
    start(HAS_MCE | HAS_MCA, 0x1000000 | 3);
    CHECK_EQ(cpu.banks[2].control, ~0ul);
    CHECK_EQ(cpu.cr4, CR4_OTHERS | 1 << 6);
    CHECK(!cpu.wrong);
}

TEST(banks_may_be_missing)
{
    start(HAS_MCE, 0);
    CHECK_EQ(cpu.cr4, CR4_OTHERS | 1 << 6);
    CHECK_BEGINS(report(), TITLE);
}

TEST(machine_checks_may_be_missing)
{
    for (int i = 0; i < 2; i++) {
        start(i * HAS_MCA, 0);
        CHECK_EQ(cpu.cr4, CR4_OTHERS);
        CHECK(!cpu.wrong);
    }
}

TEST(no_error_is_a_report_alone)
{
    start(HAS_MCE | HAS_MCA, 0x100 | 10);
    cpu.banks[4].status = ~(1ul << 63);  // not valid
    CHECK_BEGINS(report(), MAYBE TITLE);
}

TEST(status_of_the_machine_is_told_and_cleared)
{
    start(HAS_MCE | HAS_MCA, 0x100 | 10);
    cpu.status = 5;  // in progress, and rip can be gone on from
    CHECK_BEGINS(report(), MAYBE TITLE);
    CHECK_EQ(cpu.status, 0);
    start(HAS_MCE | HAS_MCA, 0x100 | 10);
    cpu.status = 6;
    CHECK_BEGINS(report(), RELATED TITLE);
    CHECK_EQ(cpu.status, 0);
}

// MC_CTL of the 33rd would be a register of virtualization.
TEST(no_more_than_32_banks_are_used)
{
    start(HAS_MCE | HAS_MCA, 0x100 | 0xff);
    CHECK_EQ(cpu.banks[31].control, ~0ul);
    CHECK(!cpu.wrong);
    CHECK_BEGINS(report(), MAYBE TITLE);
}

static uint64_t control_of_bank_0(uint32_t version)
{
    memset(&cpu, 0, sizeof(cpu));
    cpu.version      = version;
    cpu.features     = HAS_MCE | HAS_MCA;
    cpu.capabilities = 2;
    our_machine_check_init();
    exception_set_handler(EXC_MACHINE_CHECK, NULL);
    CHECK_EQ(cpu.banks[1].control, ~0ul);
    return cpu.banks[0].control;
}

TEST(bank_0_of_old_cpus_is_left_alone)
{
    CHECK_EQ(control_of_bank_0(CORE_2), 0);
    CHECK_EQ(control_of_bank_0(NEHALEM), ~0ul);
    CHECK_EQ(control_of_bank_0(OPTERON), ~0ul);
}

TEST(each_bank_with_an_error_is_told)
{
    start(HAS_MCE | HAS_MCA, 0x100 | 10);
    cpu.banks[0] = (struct bank){0, 0xb200000000000005, 0x1111, 0x2222};
    cpu.banks[3] = (struct bank){0, 0xb600000000000135, 0x1234000, 1};
    cpu.banks[5] = (struct bank){0, 0x3600000000000135, 0x1234000, 1};
    cpu.banks[9] = (struct bank){0, 1ul << 63 | 1ul << 58, 0, 0x3333};
    cpu.banks[10] = cpu.banks[3];  // there is no such bank
    CHECK_BEGINS(report(), MAYBE
                 "machine check: bank 0, status b200000000000005\n"
                 "machine check: bank 3, status b600000000000135, "
                 "address 0000000001234000\n"
                 "machine check: bank 9, status 8400000000000000, "
                 "address 0000000000000000\n" TITLE);
}

// What the firmware has left is told, and makes room.
TEST(errors_from_before_are_told_and_cleared)
{
    memset(&cpu, 0, sizeof(cpu));
    captured_start();
    cpu.version          = NEHALEM;
    cpu.features         = HAS_MCE | HAS_MCA;
    cpu.capabilities     = 0x100 | 10;
    cpu.banks[2].status  = 1ul << 63 | 1ul << 58;
    cpu.banks[2].address = 0x5555;
    our_machine_check_init();
    CHECK_TEXT(captured.text,
               "machine check: bank 2, status 8400000000000000, "
               "address 0000000000005555\n");
    CHECK_EQ(cpu.banks[2].status, 0);
    exception_set_handler(EXC_MACHINE_CHECK, NULL);
}

// The CPU there is

TEST(real_machine_check_is_reported)
{
    captured_start();
    machine_check_init();
    CHECK(read_cr4() & 1 << 6);
    CHECK(contains(report(), TITLE));
}
