// line.c: all that a console can do is to print, and to go back by one
// column with a backspace. That is enough.

#include "line.h"

#include <stdbool.h>

#include "input.h"
#include "printf.h"
#include "string.h"

struct line {
    char *text;
    size_t size, cursor;  // cursor: characters before it
};

static void go_back(size_t columns)
{
    while (columns-- > 0)
        printf("\b");
}

// Prints what is behind the cursor, and blanks over what was there.
static void show_rest(const struct line *line, size_t blanks)
{
    line->text[line->size] = '\0';
    printf("%s%*s", line->text + line->cursor, (int)blanks, "");
    go_back(line->size - line->cursor + blanks);
}

static void go_to(struct line *line, size_t cursor)
{
    if (cursor > line->size)  // SIZE_MAX too, the one before the first
        return;
    while (line->cursor < cursor)
        printf("%c", line->text[line->cursor++]);
    go_back(line->cursor - cursor);
    line->cursor = cursor;
}

static void insert(struct line *line, char c)
{
    char *here = line->text + line->cursor;

    if (line->size == LINE_MAX)
        return;
    memmove(here + 1, here, line->size - line->cursor);
    *here = c;
    line->size++;
    line->cursor++;
    printf("%c", c);
    show_rest(line, 0);
}

// Deletes the characters from one to another, with the cursor at the
// first one then.
static void erase(struct line *line, size_t from, size_t to)
{
    if (from >= to || to > line->size)
        return;
    go_to(line, from);
    memmove(line->text + from, line->text + to, line->size - to);
    line->size -= to - from;
    show_rest(line, to - from);
}

static bool is_printable(int key)
{
    return key >= ' ' && key <= '~';
}

static void edit(struct line *line, int key)
{
    size_t cursor = line->cursor;

    switch (key) {
    case KEY_LEFT:
        go_to(line, cursor - 1);
        break;
    case KEY_RIGHT:
        go_to(line, cursor + 1);
        break;
    case KEY_HOME:
    case CTRL('A'):
        go_to(line, 0);
        break;
    case KEY_END:
    case CTRL('E'):
        go_to(line, line->size);
        break;
    case '\b':
        erase(line, cursor - 1, cursor);
        break;
    case KEY_DELETE:
        erase(line, cursor, cursor + 1);
        break;
    case CTRL('U'):
        erase(line, 0, cursor);
        break;
    case CTRL('K'):
        erase(line, cursor, line->size);
        break;
    default:
        if (is_printable(key))
            insert(line, key);
    }
}

void line_read(char *buffer)
{
    struct line line = {.text = buffer};
    int key;

    while ((key = input_get()) != '\n' && key != CTRL('C'))
        edit(&line, key);
    printf(key == '\n' ? "\n" : "^C\n");
    if (key != '\n')
        line.size = 0;
    buffer[line.size] = '\0';
}
