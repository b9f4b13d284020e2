// ktap.h: tests that run inside the kernel. A file of tests takes the
// place of the chapter's main.c:
//
//     #include "ktap.h"
//
//     TEST(sum_is_right)
//     {
//         CHECK(answer != NULL);
//         CHECK_EQ(1 + 1, 2);
//     }
//
// The results go out through COM1 as KTAP, the Kernel Test Anything
// Protocol.

#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ktap_test {
    const char *name;
    void (*run)(void);
};

// Puts a test into the section that ktap.c walks through.
#define TEST(name) \
    static void test_##name(void); \
    static const struct ktap_test ktap_##name __attribute__(( \
        used, section("ktap"), aligned(16))) = {#name, test_##name}; \
    static void test_##name(void)

// A check that fails is told, and the test goes on. The value of a check
// is whether it held.
#define CHECK(condition) \
    ktap_check((condition) ? true : false, __FILE__, __LINE__, \
               #condition)

// The same for two integers or pointers, which are told too.
#define CHECK_EQ(a, b) \
    ktap_check_equal((uint64_t)(a), (uint64_t)(b), __FILE__, __LINE__, \
                     #a " == " #b)

// The same for two strings.
#define CHECK_TEXT(a, b) \
    ktap_check_text(a, b, __FILE__, __LINE__, #a " is " #b)

bool ktap_check(bool holds, const char *file, unsigned line,
                const char *what);
bool ktap_check_equal(uint64_t a, uint64_t b, const char *file,
                      unsigned line, const char *what);
bool ktap_check_text(const char *a, const char *b, const char *file,
                     unsigned line, const char *what);

// Reports a measurement to make bench, which boots tests/bench/.
void ktap_value(const char *name, uint64_t value, const char *unit);

extern uint64_t ktap_argument;  // what boot.asm passes to kernel_main

// Where physical memory begins: 0 before 05-paging.
extern uint64_t ktap_direct_map;

static inline void *ktap_physical(uint64_t address)
{
    return (void *)(ktap_direct_map + address);
}
