// monitor.h: asking the kernel about itself.

#pragma once

// Reads commands and does what they say, for ever. A thread.
void monitor_run(void *argument);
