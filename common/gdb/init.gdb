# init.gdb: how `make debug` sets up GDB, once it is attached to QEMU.

set confirm off
set pagination off
set disassembly-flavor intel
set print pretty on
set filename-display basename

# `kernel` lists their commands in this order.
python
import nasm
import disassembler, screen
import backtrace, unwind, reset
import idt, gdt, pt, regions, trapframe, threads
import backwards, tour, recorder
import overview
import symbols

# The CPU stands at its first instruction, in the BIOS. Let the BIOS and GRUB
# run, up to the first instruction of the kernel. Its label may not be the only
# thing that is called start.
gdb.execute(f"tbreak *{symbols.entry_point():#x}")
end
continue
