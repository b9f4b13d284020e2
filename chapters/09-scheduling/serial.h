// serial.h: COM1, the first serial port: 115200 baud, 8 data bits, no
// parity, 1 stop bit.

#pragma once

#include <stdbool.h>

// Programs and tests the port. False: there is none, or it is broken.
bool serial_init(void);

// Sends a character; a newline gets a carriage return before it. Waits
// while the port is busy, and drops the character if it stays so.
void serial_putc(char c);

// From now on what comes in is heard, and goes to input.h. Not if there
// is no port.
void serial_listen(void);
