# init.gdb: how `make debug` sets up GDB, once it is attached to QEMU.

set confirm off
set pagination off
set disassembly-flavor intel
set print pretty on

python import bottom, disassembler, screen, idt, gdt, pt, unwind, trapframe, backwards, tour

# The CPU stands at its first instruction, in the BIOS. Let the BIOS and GRUB
# run, up to the first instruction of the kernel.
python import symbols; gdb.execute(f"tbreak *{symbols.entry_point():#x}")
continue
