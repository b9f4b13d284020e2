// line.h: a line that can be edited while it is typed.

#pragma once

#include <stddef.h>

enum { LINE_MAX = 64 };  // characters

// Reads a line into a buffer of LINE_MAX + 1 bytes, without the
// newline, and shows it where the cursor is; prompt and line have to
// fit into a row. Keys: left, right, Home, End, Backspace, Delete, and
// as in many shells Ctrl-A and Ctrl-E for begin and end, Ctrl-U and
// Ctrl-K for deleting up to them, Ctrl-C for leaving the line, which is
// empty then.
void line_read(char *buffer);
