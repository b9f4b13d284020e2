// machine_check.h: the CPU's word that hardware has failed.

#pragma once

// From now on a machine check is reported. Without this it would shut
// down the CPU. Does nothing if the CPU has no machine checks.
void machine_check_init(void);
