// pic.h: the two 8259A interrupt controllers of a PC.

#pragma once

#include <stdbool.h>

enum { PIC_LINES = 16 };

// Lets line 0 raise this vector, line 1 the next one, and so on, in
// place of those of exceptions; a multiple of 8. Interrupts have to be
// disabled. All lines are masked then.
void pic_init(int first_vector);

// A masked line raises nothing. If it has been raised meanwhile, its
// interrupt comes when it is unmasked.
void pic_mask(int line);
void pic_unmask(int line);

// Was there no request, when the CPU asked which line it was? To be
// called before pic_end_of_interrupt. For what is spurious there is no
// end of interrupt; what has to be told the controllers is told here.
bool pic_is_spurious(int line);

// The line's interrupt has been handled. Until then neither it nor one
// of lower priority reaches the CPU.
void pic_end_of_interrupt(int line);
