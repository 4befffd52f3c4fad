/* What a failing part ends in, and the reset vector. */
.macro fail
  movw $0x190, %dx
  movb $0xee, %al
  outb %al, %dx
  pop FOUND_IP                  /* where, for a debugger */
  cli
  hlt
.endm
.code32
failed_32:
  fail
.code16
failed_16:
  fail
.org 0xfff0, 0xff
  ljmpw $0xf000, $_start
.balign 16, 0xff
