// faults.h: mistakes on purpose, to see what the kernel says.

#pragma once

#include <stdbool.h>

// Raises the exception of a name. False: there is none of that name.
bool fault_raise(const char *name);

// Prints the names, and what there is to each.
void faults_print(void);
