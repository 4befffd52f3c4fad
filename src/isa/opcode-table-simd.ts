// The opcode map of MMX, SSE, SSE2 and of the state and cache instructions that came with them (SDM vol. 2, appendix
// A), as text; see opcode-lines.ts. The size of an XMM operand is what the instruction uses of it: scalars 4 or 8
// bytes, the low half 8, else 16. MOVQ to a register clears the upper half, as MOVSS and MOVSD from memory do.

export const simdOpcodes = `
[MMX]
0F60 mx punpcklbw Pq Qd
0F61 mx punpcklwd Pq Qd
0F62 mx punpckldq Pq Qd
0F63 mx packsswb Pq Qq
0F64 mx pcmpgtb Pq Qq
0F65 mx pcmpgtw Pq Qq
0F66 mx pcmpgtd Pq Qq
0F67 mx packuswb Pq Qq
0F68 mx punpckhbw Pq Qq
0F69 mx punpckhwd Pq Qq
0F6A mx punpckhdq Pq Qq
0F6B mx packssdw Pq Qq
0F6E mx movd Pq Ed
0F6F np movq Pq Qq
0F71/2 mx psrlw Nq Ub
0F71/4 mx psraw Nq Ub
0F71/6 mx psllw Nq Ub
0F72/2 mx psrld Nq Ub
0F72/4 mx psrad Nq Ub
0F72/6 mx pslld Nq Ub
0F73/2 mx psrlq Nq Ub
0F73/6 mx psllq Nq Ub
0F74 mx pcmpeqb Pq Qq
0F75 mx pcmpeqw Pq Qq
0F76 mx pcmpeqd Pq Qq
0F77 np emms
0F7E mx movd Ed Pq
0F7F np movq Qq Pq
0FD1 mx psrlw Pq Qq
0FD2 mx psrld Pq Qq
0FD3 mx psrlq Pq Qq
0FD5 mx pmullw Pq Qq
0FD8 mx psubusb Pq Qq
0FD9 mx psubusw Pq Qq
0FDB mx pand Pq Qq
0FDC mx paddusb Pq Qq
0FDD mx paddusw Pq Qq
0FDF mx pandn Pq Qq
0FE1 mx psraw Pq Qq
0FE2 mx psrad Pq Qq
0FE5 mx pmulhw Pq Qq
0FE8 mx psubsb Pq Qq
0FE9 mx psubsw Pq Qq
0FEB mx por Pq Qq
0FEC mx paddsb Pq Qq
0FED mx paddsw Pq Qq
0FEF mx pxor Pq Qq
0FF1 mx psllw Pq Qq
0FF2 mx pslld Pq Qq
0FF3 mx psllq Pq Qq
0FF5 mx pmaddwd Pq Qq
0FF8 mx psubb Pq Qq
0FF9 mx psubw Pq Qq
0FFA mx psubd Pq Qq
0FFC mx paddb Pq Qq
0FFD mx paddw Pq Qq
0FFE mx paddd Pq Qq
[SSE]
0F70 np pshufw Pq Qq Ub
0FC4 mx pinsrw Pq RdMw Ub
0FC5 mx pextrw Gd Nq Ub
0FD7 mx pmovmskb Gd Nq
0FDA mx pminub Pq Qq
0FDE mx pmaxub Pq Qq
0FE0 mx pavgb Pq Qq
0FE3 mx pavgw Pq Qq
0FE4 mx pmulhuw Pq Qq
0FE7 np movntq Mq Pq
0FEA mx pminsw Pq Qq
0FEE mx pmaxsw Pq Qq
0FF6 mx psadbw Pq Qq
0FF7 np maskmovq Pq Nq
0F10 np movups Vps Wps
0F10 f3 movss Vss Wss
0F11 np movups Wps Vps
0F11 f3 movss Wss Vss
0F12 np movlps Vq Mq
0F12 np movhlps Vq Udq
0F13 np movlps Mq Vq
0F14 np unpcklps Vps Wps
0F15 np unpckhps Vps Wps
0F16 np movhps Vdq Mq
0F16 np movlhps Vdq Uq
0F17 np movhps Mq Vdq
0F28 np movaps Vps Wps
0F29 np movaps Wps Vps
0F2A np cvtpi2ps Vq Qq
0F2A f3 cvtsi2ss Vss Ed
0F2B np movntps Mps Vps
0F2C np cvttps2pi Pq Wq
0F2C f3 cvttss2si Gd Wss
0F2D np cvtps2pi Pq Wq
0F2D f3 cvtss2si Gd Wss
0F2E np ucomiss Vss Wss
0F2F np comiss Vss Wss
0F50 np movmskps Gd Ups
0F51+1 np sqrtps|rsqrtps|rcpps|andps|andnps|orps|xorps|addps|mulps Vps Wps
0F51+1 f3 sqrtss|rsqrtss|rcpss Vss Wss
0F58+1 f3 addss|mulss Vss Wss
0F5C+1 np subps|minps|divps|maxps Vps Wps
0F5C+1 f3 subss|minss|divss|maxss Vss Wss
0FAE/2+1 np ldmxcsr|stmxcsr Md
0FAE:F8-FF np sfence
0FC2 np cmpps Vps Wps Ub
0FC2 f3 cmpss Vss Wss Ub
0FC6 np shufps Vps Wps Ub
[FXSR]
0FAE/0+1 np fxsave|fxrstor Mx
[CLFSH]
0FAE/7 np clflush Mb
[SSE2]
0F10 66 movupd Vpd Wpd
0F10 f2 movsd Vsd Wsd
0F11 66 movupd Wpd Vpd
0F11 f2 movsd Wsd Vsd
0F12 66 movlpd Vq Mq
0F13 66 movlpd Mq Vq
0F14 66 unpcklpd Vpd Wpd
0F15 66 unpckhpd Vpd Wpd
0F16 66 movhpd Vdq Mq
0F17 66 movhpd Mq Vdq
0F28 66 movapd Vpd Wpd
0F29 66 movapd Wpd Vpd
0F2A 66 cvtpi2pd Vpd Qq
0F2A f2 cvtsi2sd Vsd Ed
0F2B 66 movntpd Mpd Vpd
0F2C 66 cvttpd2pi Pq Wpd
0F2C f2 cvttsd2si Gd Wsd
0F2D 66 cvtpd2pi Pq Wpd
0F2D f2 cvtsd2si Gd Wsd
0F2E 66 ucomisd Vsd Wsd
0F2F 66 comisd Vsd Wsd
0F50 66 movmskpd Gd Upd
0F51 66 sqrtpd Vpd Wpd
0F51 f2 sqrtsd Vsd Wsd
0F54+1 66 andpd|andnpd|orpd|xorpd|addpd|mulpd Vpd Wpd
0F58+1 f2 addsd|mulsd Vsd Wsd
0F5A np cvtps2pd Vpd Wq
0F5A 66 cvtpd2ps Vps Wpd
0F5A f3 cvtss2sd Vsd Wss
0F5A f2 cvtsd2ss Vss Wsd
0F5B np cvtdq2ps Vps Wdq
0F5B 66 cvtps2dq Vdq Wps
0F5B f3 cvttps2dq Vdq Wps
0F5C+1 66 subpd|minpd|divpd|maxpd Vpd Wpd
0F5C+1 f2 subsd|minsd|divsd|maxsd Vsd Wsd
0F6C+1 66 punpcklqdq|punpckhqdq Vdq Wdq
0F6F 66 movdqa Vdq Wdq
0F6F f3 movdqu Vdq Wdq
0F70 66 pshufd Vdq Wdq Ub
0F70 f3 pshufhw Vdq Wdq Ub
0F70 f2 pshuflw Vdq Wdq Ub
0F73/3 66 psrldq Udq Ub
0F73/7 66 pslldq Udq Ub
0F7E f3 movq Vq Wq
0F7F 66 movdqa Wdq Vdq
0F7F f3 movdqu Wdq Vdq
0FAE:E8-EF np lfence
0FAE:F0-F7 np mfence
0FC2 66 cmppd Vpd Wpd Ub
0FC2 f2 cmpsd Vsd Wsd Ub
0FC3 np movnti Md Gd
0FC6 66 shufpd Vpd Wpd Ub
0FD4 mx paddq Pq Qq
0FD6 66 movq Wq Vq
0FD6 f3 movq2dq Vdq Nq
0FD6 f2 movdq2q Pq Uq
0FE6 66 cvttpd2dq Vdq Wpd
0FE6 f3 cvtdq2pd Vpd Wq
0FE6 f2 cvtpd2dq Vdq Wpd
0FE7 66 movntdq Mdq Vdq
0FF4 mx pmuludq Pq Qq
0FF7 66 maskmovdqu Vdq Udq
0FFB mx psubq Pq Qq
`
