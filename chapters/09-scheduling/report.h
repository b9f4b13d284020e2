// report.h: an exception, for the eyes of a person.

#pragma once

#include "exceptions.h"

// Prints all there is to know about an exception: 24 rows at most. The
// frame, and what its registers point to, may be as broken as the
// program was that raised the exception.
void report_exception(const struct trap_frame *frame);

// Prints the registers of a frame, the flags by name: 7 rows.
void report_registers(const struct trap_frame *frame);
