# symbols.awk: from what nm -n says about a kernel to the table of symbols that
# is linked into it (symbols.c), in NASM's language.

$2 ~ /[Tt]/ {
    print "section .rodata"
    print "name" NR ": db '" $3 "', 0"
    print "section .symbols"
    print "dq 0x" $1 ", name" NR
}
