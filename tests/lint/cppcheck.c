// cppcheck.c: an element behind the last one.

int last(void);

int last(void)
{
    int numbers[4] = {0};

    for (int i = 0; i <= 4; i++)
        numbers[i] = i;
    return numbers[0];
}
