/* Paging: error codes, accessed and dirty bits, no write protection of the supervisor. */
paging:
  post 0x30
  movl $PAGE_TABLE, %edi
  movl $7, %eax
  movl $1024, %ecx
1:
  stosl
  addl $0x1000, %eax
  loop 1b
  movl $PAGE_TABLE + 7, PAGE_DIRECTORY
  movl $0, PAGE_TABLE + 4 * 0x10           /* not present */
  movl $0x11005, PAGE_TABLE + 4 * 0x11     /* read only */
  movl $0x12003, PAGE_TABLE + 4 * 0x12     /* supervisor */
  movl $PAGE_DIRECTORY, %eax
  movl %eax, %cr3
  movl %cr0, %eax
  orl $0x80000000, %eax
  movl %eax, %cr0
  jmp 1f
1:
.macro address_is value
  movl %cr2, %eax
  cmpl $\value, %eax
  must e
.endm
  faults 14, 0, movb 0x10123, %al
  address_is 0x10123
  faults 14, 2, incl 0x10456
  address_is 0x10456
  faults 14, 0, movl 0xfffe, %eax
  address_is 0x10000
  faults 14, 2, movl %eax, 0xfffd
  address_is 0x10000
  user_faults 14, 4, movb 0x10000, %al
  user_faults 14, 6, movb %al, 0x10000
  user_faults 14, 7, movb %al, 0x11000
  user_faults 14, 5, movb 0x12000, %al
  user_faults 14, 7, movb %al, 0x12fff
  address_is 0x12fff
  /* Nothing of a write that faults on its second page is done. */
  movl $0x11223344, 0xfff8
  movl $0x55667788, 0xfffc
  faults 14, 2, movl %eax, 0xfffe
  is 0xfffc, 0x55667788
  /* Accessed and dirty. */
  movl $0x14007, PAGE_TABLE + 4 * 0x14
  movl %cr3, %eax
  movl %eax, %cr3
  movb 0x14000, %al
  is PAGE_TABLE+4*0x14, 0x14027
  movb %al, 0x14000
  is PAGE_TABLE+4*0x14, 0x14067
  /* The supervisor writes to read-only pages. */
  movl $0x1234, 0x11000
  is 0x11000, 0x1234
  is PAGE_TABLE+4*0x11, 0x11065
  /* A REP that faults in the middle keeps what it did. */
  movl $0x5a, %eax
  movl $0xfffc, %edi
  movl $10, %ecx
  faults 14, 2, rep stosb
  cmpl $6, %ecx
  must e
  cmpl $0x10000, %edi
  must e
  is 0xfffc, 0x5a5a5a5a
  movl %cr0, %eax
  andl $0x7fffffff, %eax
  movl %eax, %cr0
  jmp 1f
1:
  name paging
