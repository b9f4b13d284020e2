"""vectors.py: the exceptions' mnemonics, and which push an error code.

Intel SDM volume 3A, "Exception and Interrupt Vectors"; AMD APM volume 2,
"Vectors", for 28 to 30.
"""

MNEMONICS = {
    0: "#DE", 1: "#DB", 2: "NMI", 3: "#BP", 4: "#OF", 5: "#BR", 6: "#UD", 7: "#NM",
    8: "#DF", 10: "#TS", 11: "#NP", 12: "#SS", 13: "#GP", 14: "#PF", 16: "#MF",
    17: "#AC", 18: "#MC", 19: "#XM", 20: "#VE", 21: "#CP", 28: "#HV", 29: "#VC",
    30: "#SX",
}  # fmt: skip
WITH_ERROR_CODE = (8, 10, 11, 12, 13, 14, 17, 21, 29, 30)
EXCEPTIONS = range(32)


def mnemonic(vector):
    return MNEMONICS.get(vector, "")
