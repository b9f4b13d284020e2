// backtrace.h: who called whom on the way to an exception.

#pragma once

#include "exceptions.h"

// Prints where the program was interrupted and the calls that led
// there, the last one first: a line each, 12 at most. A function that
// has called itself gets one line, and how many times.
void backtrace(const struct trap_frame *frame);
