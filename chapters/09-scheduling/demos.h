// demos.h: threads to look at. Each writes into a row of the screen's
// upper right corner.

#pragma once

#include <stdbool.h>
#include <stdint.h>

// Starts a demo of this name. False: there is none of that name.
bool demo_start(const char *name);

// Ends the demo with this thread id, and waits until it has. False:
// there is none.
bool demo_stop(uint64_t id);

// Prints the names, and what there is to each.
void demos_print(void);
