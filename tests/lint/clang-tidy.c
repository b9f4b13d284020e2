// clang-tidy.c: both sides are the same.

struct pair {
    long a, b;
};

int is_itself(const struct pair *pair);

int is_itself(const struct pair *pair)
{
    if (pair->a == pair->a)
        return 1;
    return 0;
}
