// gcc.c: a pointer that is null if there is no choice.

int value(int choice);

int value(int choice)
{
    static int number;
    int *pointer = 0;

    if (choice)
        pointer = &number;
    return *pointer;
}
