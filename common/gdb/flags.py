"""flags.py: RFLAGS in letters."""

NAMES = {
    0: "CF", 2: "PF", 4: "AF", 6: "ZF", 7: "SF", 8: "TF", 9: "IF", 10: "DF",
    11: "OF", 14: "NT", 16: "RF", 17: "VM", 18: "AC", 19: "VIF", 20: "VIP", 21: "ID",
}  # fmt: skip

DF = 1 << 10


def letters(rflags):
    """The flags that are set: letters(0x246) is "PF ZF IF"."""
    named = [name for bit, name in NAMES.items() if rflags >> bit & 1]
    if rflags >> 12 & 3:
        named.append(f"IOPL={rflags >> 12 & 3}")
    return " ".join(named) or "none set"
