// nmi.h: the interrupt that cannot be held back.

#pragma once

// From now on an NMI is told, and the program goes on.
void nmi_init(void);
