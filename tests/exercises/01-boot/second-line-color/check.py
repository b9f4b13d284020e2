"""The second line is yellow on blue, and nothing else has changed."""

TEXT = "This is C, in 64-bit mode."
LIGHT_GREY, YELLOW_ON_BLUE = 0x07, 0x1E


def check_second_line(boot):
    with boot() as machine:
        assert machine.run_to_end().kind == "halted", "the kernel does not halt"
        lines = [line.rstrip() for line in machine.screen()]
        assert lines[:2] == ["Trapframe", TEXT], f"the text is now {lines[:2]}"
        assert not any(lines[2:]), "there is text below the second line"

        rows = machine.attributes()
        colors = sorted(set(rows[1][: len(TEXT)]))
        told = ", ".join(f"0x{color:02x}" for color in colors)
        assert colors == [YELLOW_ON_BLUE], f"the text's cells have {told}, not 0x1e"
        for number, row in enumerate(rows):
            allowed = {LIGHT_GREY, YELLOW_ON_BLUE} if number == 1 else {LIGHT_GREY}
            assert set(row) <= allowed, f"row {number} has other colors, too"
