// The opcode map of integer and system instructions (SDM vol. 2, appendix A), as text. What a line means is said in
// opcode-lines.ts, the operand codes in operand-codes.ts. What has no line is #UD; so are UD0, UD1, UD2 and RSM.
// PAUSE is NOP. Undocumented encodings that every processor has are here: SALC, INT1, 82, the /1 and /6 aliases of F6, F7 and shifts.

export const integerOpcodes = `
00+8 add|or|adc|sbb|and|sub|xor|cmp Eb Gb
01+8 add|or|adc|sbb|and|sub|xor|cmp Ev Gv
02+8 add|or|adc|sbb|and|sub|xor|cmp Gb Eb
03+8 add|or|adc|sbb|and|sub|xor|cmp Gv Ev
04+8 add|or|adc|sbb|and|sub|xor|cmp AL Ib
05+8 add|or|adc|sbb|and|sub|xor|cmp eAX Iz
06 push ES
07 pop ES
0E push CS
16 push SS
17 pop SS
1E push DS
1F pop DS
27 daa
2F das
37 aaa
3F aas
40-47 inc Zv
48-4F dec Zv
50-57 push Zv
58-5F pop Zv
60 pusha
61 popa
62 bound Gv Ma
68 push Iz
69 imul Gv Ev Iz
6A push Ibs
6B imul Gv Ev Ibs
6C ins :b
6D ins :v
6E outs :b
6F outs :v
70+1 jo|jno|jb|jae|je|jne|jbe|ja|js|jns|jp|jnp|jl|jge|jle|jg Jb
80/0+1 add|or|adc|sbb|and|sub|xor|cmp Eb Ib
81/0+1 add|or|adc|sbb|and|sub|xor|cmp Ev Iz
82/0+1 add|or|adc|sbb|and|sub|xor|cmp Eb Ib
83/0+1 add|or|adc|sbb|and|sub|xor|cmp Ev Ibs
84 test Eb Gb
85 test Ev Gv
86 xchg Eb Gb
87 xchg Ev Gv
88 mov Eb Gb
89 mov Ev Gv
8A mov Gb Eb
8B mov Gv Ev
8C/0+1 mov|mov|mov|mov|mov|mov RvMw Sw
8D lea Gv M
8E/0 mov Sw Ew
8E/2+1 mov|mov|mov|mov Sw Ew
8F/0 pop Ev
90 nop
91-97 xchg Zv eAX
98 cbw/cwde
99 cwd/cdq
9A callf Ap
9C pushf
9D popf
9E sahf
9F lahf
A0 mov AL Ob
A1 mov eAX Ov
A2 mov Ob AL
A3 mov Ov eAX
A4 movs :b
A5 movs :v
A6 cmps :b
A7 cmps :v
A8 test AL Ib
A9 test eAX Iz
AA stos :b
AB stos :v
AC lods :b
AD lods :v
AE scas :b
AF scas :v
B0-B7 mov Zb Ib
B8-BF mov Zv Iz
C0/0+1 rol|ror|rcl|rcr|shl|shr|shl|sar Eb Ub
C1/0+1 rol|ror|rcl|rcr|shl|shr|shl|sar Ev Ub
C2 ret Iw
C3 ret
C4 les Gv Mp
C5 lds Gv Mp
C6/0 mov Eb Ib
C7/0 mov Ev Iz
C8 enter Iw Ub
C9 leave
CA retf Iw
CB retf
CC int3
CD int Ub
CE into
CF iret
D0/0+1 rol|ror|rcl|rcr|shl|shr|shl|sar Eb 1
D1/0+1 rol|ror|rcl|rcr|shl|shr|shl|sar Ev 1
D2/0+1 rol|ror|rcl|rcr|shl|shr|shl|sar Eb CL
D3/0+1 rol|ror|rcl|rcr|shl|shr|shl|sar Ev CL
D4 aam Ub
D5 aad Ub
D6 salc
D7 xlat :b
E0+1 loopne|loope|loop|jecxz Jb
E4 in AL Ub
E5 in eAX Ub
E6 out Ub AL
E7 out Ub eAX
E8 call Jz
E9 jmp Jz
EA jmpf Ap
EB jmp Jb
EC in AL DX
ED in eAX DX
EE out DX AL
EF out DX eAX
F1 int1
F4 hlt
F5 cmc
F6/0+1 test|test Eb Ib
F6/2+1 not|neg|mul|imul|div|idiv Eb
F7/0+1 test|test Ev Iz
F7/2+1 not|neg|mul|imul|div|idiv Ev
F8+1 clc|stc|cli|sti|cld|std
FE/0+1 inc|dec Eb
FF/0+1 inc|dec Ev
FF/2 call Ev
FF/3 callf Mp
FF/4 jmp Ev
FF/5 jmpf Mp
FF/6 push Ev
0F01/0+1 sgdt|sidt|lgdt|lidt Ms
0F01/4 smsw RvMw
0F01/6 lmsw Ew
0F06 clts
0F20/0 mov Rd Cd
0F20/2+1 mov|mov|mov Rd Cd
0F21 mov Rd Dd
0F22/0 mov Cd Rd
0F22/2+1 mov|mov|mov Cd Rd
0F23 mov Dd Rd
0F33 rdpmc
0F80+1 jo|jno|jb|jae|je|jne|jbe|ja|js|jns|jp|jnp|jl|jge|jle|jg Jz
0F90+1 seto|setno|setb|setae|sete|setne|setbe|seta|sets|setns|setp|setnp|setl|setge|setle|setg Eb
0FA0 push FS
0FA1 pop FS
0FA3 bt Ev Gv
0FA4 shld Ev Gv Ub
0FA5 shld Ev Gv CL
0FA8 push GS
0FA9 pop GS
0FAB bts Ev Gv
0FAC shrd Ev Gv Ub
0FAD shrd Ev Gv CL
0FAF imul Gv Ev
0FB2 lss Gv Mp
0FB3 btr Ev Gv
0FB4 lfs Gv Mp
0FB5 lgs Gv Mp
0FB6 movzx Gv Eb
0FB7 movzx Gv Ew
0FBA/4+1 bt|bts|btr|btc Ev Ub
0FBB btc Ev Gv
0FBC bsf Gv Ev
0FBD bsr Gv Ev
0FBE movsx Gv Eb
0FBF movsx Gv Ew
[INTEL486]
0F01/7 invlpg Mb
0F08 invd
0F09 wbinvd
0FB0 cmpxchg Eb Gb
0FB1 cmpxchg Ev Gv
0FC0 xadd Eb Gb
0FC1 xadd Ev Gv
0FC8-CF bswap Zv
[CPUID]
0FA2 cpuid
[PROTECTED]
63 arpl Ew Gw
0F00/0+1 sldt|str RvMw
0F00/2+1 lldt|ltr|verr|verw Ew
0F02 lar Gv Ew
0F03 lsl Gv Ew
[MSR]
0F30 wrmsr
0F32 rdmsr
[TSC]
0F31 rdtsc
[SEP]
0F34 sysenter
0F35 sysexit
[CMOV]
0F0D nop e
0F18-1F nop e
0F40+1 cmovo|cmovno|cmovb|cmovae|cmove|cmovne|cmovbe|cmova|cmovs|cmovns|cmovp|cmovnp|cmovl|cmovge|cmovle|cmovg Gv Ev
[CX8]
0FC7/1 cmpxchg8b Mq
`
