// serial.h: COM1, the first serial port: 115200 baud, 8 data bits, no parity,
// 1 stop bit.

#pragma once

#include <stdbool.h>

// Programs the port and tests it. False: there is none, or it is broken.
bool serial_init(void);

// Sends a character, after a newline's carriage return. Waits while the port is
// busy; a port that stays busy for good loses the character.
void serial_putc(char c);
