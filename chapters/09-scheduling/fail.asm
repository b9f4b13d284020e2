; fail.asm: the last words of a kernel that cannot start.
;
; fail   esi: the reason, a string that ends with a zero byte. Shows it
;        on the VGA text screen, sends it to COM1, and halts for good.
;        Needs only a stack: it runs before paging and before C.

global fail

SCREEN          equ 0xb8000
CELLS           equ 80 * 25
GREY_BLANK      equ 0x0720              ; a space, light grey on black
WHITE_ON_RED    equ 0x4f

COM1            equ 0x3f8
UART_DATA       equ COM1 + 0            ; or the divisor, low byte
UART_IER        equ COM1 + 1            ; or the divisor, high byte
UART_FCR        equ COM1 + 2
UART_LCR        equ COM1 + 3
UART_LSR        equ COM1 + 5

LCR_8N1         equ 0x03                ; 8 data bits, no parity, 1 stop
LCR_DLAB        equ 0x80                ; the divisor can be reached
LSR_THRE        equ 0x20                ; ready for the next byte
BAUD_115200     equ 1                   ; divisor of 115200 Hz
PATIENCE        equ 100000              ; polls before it gives up

%macro outb 2                           ; port, value
        mov     dx, %1
        mov     al, %2
        out     dx, al
%endmacro

section .boot progbits alloc exec nowrite
bits 32

fail:
        call    clear_screen
        call    setup_serial
        mov     edi, SCREEN
.next:
        lodsb
        test    al, al
        jz      .end
        mov     ah, WHITE_ON_RED
        stosw
        call    send
        jmp     .next
.end:
        mov     al, `\r`
        call    send
        mov     al, `\n`
        call    send
.halt:
        cli
        hlt
        jmp     .halt

clear_screen:
        mov     edi, SCREEN
        mov     ecx, CELLS
        mov     ax, GREY_BLANK
        rep stosw
        ret

setup_serial:
        outb    UART_LCR, LCR_DLAB
        outb    UART_DATA, BAUD_115200
        outb    UART_IER, 0             ; the divisor's high byte
        outb    UART_LCR, LCR_8N1
        outb    UART_IER, 0             ; no interrupts
        outb    UART_FCR, 0             ; no FIFO: one byte at a time
        ret

; al: the byte to send. A port that is never ready loses it. An absent
; one reads as all ones, ready at once.
send:
        mov     bl, al
        mov     ecx, PATIENCE
        mov     dx, UART_LSR
.wait:
        in      al, dx
        test    al, LSR_THRE
        loopz   .wait
        mov     al, bl
        mov     dx, UART_DATA
        out     dx, al
        ret
