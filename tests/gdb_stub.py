"""gdb_stub.py: the few words of GDB's remote protocol that tests need.

    stub = machine.gdb()                # Machine(..., gdb=True)
    stub.run_to(0x101000)               # an address in 32-bit or 64-bit code
    stub.write_register("rax", 0)
    stub.go_on()

GDB manual, "GDB Remote Serial Protocol".  Standard library only.
"""

import time

# QEMU numbers the registers of an x86-64 machine in this order.
REGISTERS = (
    "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip "
    "eflags cs ss ds es fs gs fs_base gs_base k_gs_base cr0 cr2 cr3 cr4 cr8 efer"
).split()
NARROW = "eflags cs ss ds es fs gs".split()  # 32 bits, for GDB


class Stub:
    """A connection to QEMU's stub. The machine is stopped but in run_to, and
    from go_on to stop."""

    def __init__(self, connection, deadline):
        self.connection = connection
        self.deadline = deadline
        self.buffer = b""
        # QEMU knows single registers only to those who asked which there are.
        self.ask("qXfer:features:read:target.xml:0,1")

    def _byte(self):
        if not self.buffer:
            self.connection.settimeout(max(0.1, self.deadline - time.monotonic()))
            self.buffer = self.connection.recv(4096)
            if not self.buffer:
                raise EOFError("QEMU has ended")
        byte, self.buffer = self.buffer[:1], self.buffer[1:]
        return byte

    def _send(self, command):
        checksum = sum(command.encode()) & 0xFF
        self.connection.sendall(f"${command}#{checksum:02x}".encode())

    def _receive(self):
        while self._byte() != b"$":
            pass
        packet = b""
        while True:
            byte = self._byte()
            if byte == b"#":
                break
            packet += byte
        self._byte(), self._byte()  # the checksum: sockets lose nothing
        self.connection.sendall(b"+")
        return packet.decode()

    def ask(self, command):
        """Send COMMAND; the stub's answer. ValueError if it is refused."""
        self._send(command)
        answer = self._receive()
        if answer[:1] == "E" or not answer:
            raise ValueError(f"the stub refused {command}: {answer}")
        return answer

    def run_to(self, address):
        """Go on until the instruction at ADDRESS is next."""
        self.ask(f"Z1,{address:x},1")
        self.ask("c")
        self.ask(f"z1,{address:x},1")

    def step(self):
        """Execute one instruction."""
        self.ask("s")

    def go_on(self):
        """Let the machine run, without waiting for it."""
        self._send("c")

    def stop(self):
        """Stop the machine that go_on has let run."""
        self.connection.sendall(b"\x03")
        self._receive()

    def read_register(self, name):
        """The value of a register."""
        answer = self.ask(f"p{REGISTERS.index(name):x}")
        return int.from_bytes(bytes.fromhex(answer), "little")

    def write_register(self, name, value):
        """Change a register."""
        size = 4 if name in NARROW else 8
        data = value.to_bytes(size, "little").hex()
        self.ask(f"P{REGISTERS.index(name):x}={data}")

    def read_memory(self, address, size):
        """SIZE bytes at a virtual ADDRESS."""
        return bytes.fromhex(self.ask(f"m{address:x},{size:x}"))

    def write_memory(self, address, data):
        """Write DATA, bytes, at a virtual ADDRESS."""
        self.ask(f"M{address:x},{len(data):x}:{data.hex()}")
