// undefined.c: what -fsanitize=undefined calls where a program does
// what the C standard leaves undefined. The names and structures are
// those of LLVM's runtime library, compiler-rt, which gcc has taken
// over. With -fno-sanitize-recover most names end in _abort.

#include "found.h"

#include <stdbool.h>

struct place {
    const char *file;
    uint32_t line, column;
};

struct type {
    uint16_t kind;  // 0: an integer
    uint16_t info;  // its sign, and the logarithm of its bits
    char name[];    // quoted
};

// Each begins with the place; of some no more is of interest here.
struct operation {
    struct place place;
    const struct type *type;
};

struct shift {
    struct place place;
    const struct type *left, *right;
};

struct index {
    struct place place;
    const struct type *array, *index;
};

struct access {
    struct place place;
    const struct type *type;
    uint8_t log_alignment, kind;
};

static const char *const accesses[] = {
    "load of",          "store to",           "reference to",
    "member access to", "member call on",     "constructor call on",
    "downcast of",      "downcast of",        "upcast of",
    "cast of",          "nonnull binding to", "dynamic operation on",
};

static void begin(const struct place *place, const char *what)
{
    found();
    say(place->file);
    say(":");
    say_number(place->line);
    say(":");
    say_number(place->column);
    say(": ");
    say(what);
}

// A value is itself, or the address of one that is longer.
static void say_value(const struct type *type, uint64_t value)
{
    unsigned unused = 64 - (1u << (type->info >> 1));
    int64_t number  = (int64_t)(value << unused) >> unused;

    say(" ");
    if (type->kind != 0 || type->info >> 1 > 6)
        return say_hex(value);
    if (!(type->info & 1))
        return say_number(value << unused >> unused);
    say(number < 0 ? "-" : "");
    say_number(number < 0 ? -(uint64_t)number : (uint64_t)number);
}

static _Noreturn void end_with(const struct type *type)
{
    say(", ");
    say(type->name);
    found_end();
}

static _Noreturn void overflow(const struct operation *operation,
                               const char *what, uint64_t left,
                               uint64_t right)
{
    begin(&operation->place, "overflow:");
    say_value(operation->type, left);
    say(what);
    say_value(operation->type, right);
    end_with(operation->type);
}

static _Noreturn void plain(const struct place *place, const char *what)
{
    begin(place, what);
    found_end();
}

// The compiler declares none of them.
#define HANDLER(name) \
    _Noreturn void __ubsan_handle_##name; \
    void __ubsan_handle_##name

HANDLER(add_overflow_abort(struct operation *operation, uint64_t left,
                           uint64_t right))
{
    overflow(operation, " +", left, right);
}

HANDLER(sub_overflow_abort(struct operation *operation, uint64_t left,
                           uint64_t right))
{
    overflow(operation, " -", left, right);
}

HANDLER(mul_overflow_abort(struct operation *operation, uint64_t left,
                           uint64_t right))
{
    overflow(operation, " *", left, right);
}

HANDLER(divrem_overflow_abort(struct operation *operation,
                              uint64_t left, uint64_t right))
{
    overflow(operation, " /", left, right);
}

HANDLER(negate_overflow_abort(struct operation *operation,
                              uint64_t value))
{
    overflow(operation, " -", 0, value);
}

HANDLER(pointer_overflow_abort(struct place *place, uint64_t base,
                               uint64_t result))
{
    begin(place, "pointer overflow: ");
    say_hex(base);
    say(" becomes ");
    say_hex(result);
    found_end();
}

HANDLER(shift_out_of_bounds_abort(struct shift *shift, uint64_t left,
                                  uint64_t right))
{
    begin(&shift->place, "shift:");
    say_value(shift->left, left);
    say(" by");
    say_value(shift->right, right);
    end_with(shift->left);
}

HANDLER(out_of_bounds_abort(struct index *index, uint64_t value))
{
    begin(&index->place, "index:");
    say_value(index->index, value);
    end_with(index->array);
}

HANDLER(type_mismatch_v1_abort(struct access *access, uint64_t address))
{
    uint64_t alignment = 1ul << access->log_alignment;

    begin(&access->place, accesses[access->kind]);
    say(address == 0                ? " a null pointer"
        : address & (alignment - 1) ? " a misaligned address "
                                    : " too small an object at ");
    if (address != 0)
        say_hex(address);
    end_with(access->type);
}

HANDLER(load_invalid_value_abort(struct operation *load,
                                 uint64_t value))
{
    begin(&load->place, "no value of its type:");
    say_value(load->type, value);
    end_with(load->type);
}

HANDLER(vla_bound_not_positive_abort(struct operation *bound,
                                     uint64_t value))
{
    begin(&bound->place, "length of an array:");
    say_value(bound->type, value);
    end_with(bound->type);
}

HANDLER(builtin_unreachable(struct place *place))
{
    plain(place, "a place that cannot be reached");
}

HANDLER(missing_return(struct place *place))
{
    plain(place, "the end of a function that returns a value");
}

HANDLER(invalid_builtin_abort(struct place *place))
{
    plain(place, "a builtin of 0 that has no value for it");
}

HANDLER(nonnull_arg_abort(struct place *place))
{
    plain(place, "a null pointer as an argument that may be none");
}

HANDLER(nonnull_return_v1_abort(void *data, struct place *place))
{
    (void)data;
    plain(place, "a null pointer is returned that may be none");
}
