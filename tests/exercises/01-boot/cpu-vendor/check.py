"""Row 2 shows the CPU's vendor, whoever that is."""


def shows(boot, cpu, vendor):
    with boot("-cpu", cpu) as machine:
        assert machine.run_to_end().kind == "halted", "the kernel does not halt"
        row = machine.screen()[2].rstrip()
        assert vendor in row, f"-cpu {cpu}: row 2 is {row!r}, without {vendor}"


def check_vendor_of_qemu64(boot):
    shows(boot, "qemu64", "AuthenticAMD")


def check_vendor_of_a_cpu_that_does_not_exist(boot):
    shows(boot, "qemu64,vendor=ebx.edx.ecx.", "ebx.edx.ecx.")
