/* For assembler: instructions of the VMM that may fail on guest memory. Each notes itself and where to go on in the section
 * vmm_accesses, where vmm_from_window (backend.h) looks it up.
 */
#ifndef GUEST_ACCESS_H
#define GUEST_ACCESS_H

    /* An instruction that reads guest memory: where it cannot, to `slow`. */
    .macro guest_access slow, instruction:vararg
9:  \instruction
    .pushsection vmm_accesses, "a"
    .long 9b, \slow
    .popsection
    .endm

#endif
