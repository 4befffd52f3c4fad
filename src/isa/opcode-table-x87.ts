// The opcode map of the x87 FPU (SDM vol. 2, appendix A.5), as text; see opcode-lines.ts. With it the aliases that the
// processors have and the manual does not: D9 /3, DD /1, DF /1 /2 /3, DC /2 /3, DE /2 and FFREEP. The control
// instructions of the 8087 and 80287 (FENI, FDISI, FSETPM) do nothing, as SDM vol. 1, 8.3.12 says. FISTTP is SSE3.

export const x87Opcodes = `
[FPU]
9B fwait
D8/0+1 fadd|fmul|fcom|fcomp|fsub|fsubr|fdiv|fdivr Md
D8/0+1 fadd|fmul ST STi
D8/2+1 fcom|fcomp STi
D8/4+1 fsub|fsubr|fdiv|fdivr ST STi
D9/0 fld Md
D9/2+1 fst|fstp Md
D9/4 fldenv Menv
D9/5 fldcw Mw
D9/6 fnstenv Menv
D9/7 fnstcw Mw
D9/0+1 fld|fxch STi
D9:D0 fnop
D9/3 fstpnce STi
D9:E0+1 fchs|fabs
D9:E4+1 ftst|fxam
D9:E8+1 fld1|fldl2t|fldl2e|fldpi|fldlg2|fldln2|fldz
D9:F0+1 f2xm1|fyl2x|fptan|fpatan|fxtract|fprem1|fdecstp|fincstp
D9:F8+1 fprem|fyl2xp1|fsqrt|fsincos|frndint|fscale|fsin|fcos
DA/0+1 fiadd|fimul|ficom|ficomp|fisub|fisubr|fidiv|fidivr Md
DA:E9 fucompp
DB/0 fild Md
DB/2+1 fist|fistp Md
DB/5 fld Mt
DB/7 fstp Mt
DB:E0+1 fneni|fndisi|fnclex|fninit|fnsetpm
DC/0+1 fadd|fmul|fcom|fcomp|fsub|fsubr|fdiv|fdivr Mq
DC/0+1 fadd|fmul STi ST
DC/2+1 fcom|fcomp STi
DC/4+1 fsubr|fsub|fdivr|fdiv STi ST
DD/0 fld Mq
DD/2+1 fst|fstp Mq
DD/4 frstor Mstate
DD/6 fnsave Mstate
DD/7 fnstsw Mw
DD/0+1 ffree|fxch|fst|fstp|fucom|fucomp STi
DE/0+1 fiadd|fimul|ficom|ficomp|fisub|fisubr|fidiv|fidivr Mw
DE/0+1 faddp|fmulp STi ST
DE/2 fcomp STi
DE:D9 fcompp
DE/4+1 fsubrp|fsubp|fdivrp|fdivp STi ST
DF/0 fild Mw
DF/2+1 fist|fistp Mw
DF/4 fbld Mt
DF/5 fild Mq
DF/6 fbstp Mt
DF/7 fistp Mq
DF/0+1 ffreep|fxch|fstp|fstp STi
DF:E0 fnstsw AX
[FPU+CMOV]
DA/0+1 fcmovb|fcmove|fcmovbe|fcmovu ST STi
DB/0+1 fcmovnb|fcmovne|fcmovnbe|fcmovnu ST STi
DB/5+1 fucomi|fcomi ST STi
DF/5+1 fucomip|fcomip ST STi
`
