// trace.h: where the kernel goes, instruction by instruction.

#pragma once

// Prints the place of each of the next instructions, this many, before
// it is executed.
void trace(int instructions);
