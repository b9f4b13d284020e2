// line.c: any keys, typed into lines. A model edits a string; what the
// kernel shows of it on the VGA's screen has to be the same after each
// key, with the cursor at its place.

#include "line.h"

#include "console.h"
#include "host/host.h"
#include "host/memory.h"
#include "input.h"
#include "vga.h"

enum { ROWS = 25, COLUMNS = 80, CELLS = 0xb8000 };

int kernel_printf(const char *format, ...);

static const char prompt[] = "kernel> ";

static struct bytes keys;
static char text[LINE_MAX + 1];  // the model's line
static size_t length, cursor;
static int row;
static uint8_t crtc_index, crtc[256];

void outb(uint16_t port, uint8_t value)
{
    CHECK(port == 0x3d4 || port == 0x3d5);
    if (port == 0x3d4)
        crtc_index = value;
    else
        crtc[crtc_index] = value;
}

void mutex_lock(void *mutex)
{
    (void)mutex;
}

void mutex_unlock(void *mutex)
{
    (void)mutex;
}

static void check_screen(void)
{
    const uint16_t *cells = host_memory(CELLS);
    int shown_at          = crtc[0x0e] << 8 | crtc[0x0f];
    char shown[COLUMNS + 1], wanted[COLUMNS + 1];

    for (int i = 0; i < COLUMNS; i++)
        shown[i] = (char)cells[row * COLUMNS + i];
    shown[COLUMNS] = '\0';
    snprintf(wanted, sizeof(wanted), "%s%-*s", prompt,
             COLUMNS - (int)strlen(prompt), text);
    CHECK(strcmp(shown, wanted) == 0);
    CHECK(shown_at == row * COLUMNS + (int)(strlen(prompt) + cursor));
}

static void cut(size_t from, size_t to)
{
    memmove(text + from, text + to, length - to + 1);
    length -= to - from;
    cursor = from;
}

static void insert(char c)
{
    if (length == LINE_MAX)
        return;
    memmove(text + cursor + 1, text + cursor, length - cursor + 1);
    text[cursor++] = c;
    length++;
}

static void model(int key)
{
    if (key == KEY_LEFT && cursor > 0)
        cursor--;
    if (key == KEY_RIGHT && cursor < length)
        cursor++;
    if (key == KEY_HOME || key == CTRL('A'))
        cursor = 0;
    if (key == KEY_END || key == CTRL('E'))
        cursor = length;
    if (key == '\b' && cursor > 0)
        cut(cursor - 1, cursor);
    if (key == KEY_DELETE && cursor < length)
        cut(cursor, cursor + 1);
    if (key == CTRL('U'))
        cut(0, cursor);
    if (key == CTRL('K'))
        cut(cursor, length);
    if (key >= ' ' && key <= '~')
        insert(key);
}

// From 0x80 on keys that are no characters, and some that are no keys.
static int next_key(void)
{
    uint8_t byte;

    if (!bytes_left(&keys))
        return '\n';
    byte = take_byte(&keys);
    if (byte < 0x80)
        return byte;
    return byte < 0xf0 ? KEY_UP + byte % 16 : (byte - 0xf8) * 0x1010;
}

int input_get(void)
{
    int key;

    check_screen();
    key = next_key();
    model(key);
    if (key == CTRL('C'))
        text[0] = '\0';
    return key;
}

static void read_line(void *argument)
{
    char *buffer = malloc(LINE_MAX + 1);

    (void)argument;
    memset(buffer, 'x', LINE_MAX + 1);
    text[0] = '\0';
    length = cursor = 0;
    kernel_printf("%s", prompt);
    line_read(buffer);
    CHECK(strlen(buffer) <= LINE_MAX && strcmp(buffer, text) == 0);
    free(buffer);
    row = row < ROWS - 1 ? row + 1 : row;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool added;

    keys = (struct bytes){data, data + size};
    if (!added)
        console_add_sink(vga_putc);
    added = true;
    host_only(CELLS, 2 * ROWS * COLUMNS);
    vga_init();
    row = 0;
    do
        CHECK(host_run(read_line, NULL));
    while (bytes_left(&keys));
    host_all(CELLS, 2 * ROWS * COLUMNS);
    return 0;
}
