/* FPU state of processes: saved and restored at every switch, by FXSAVE where CPUID shows it, by FNSAVE elsewhere.
 *
 * Intel SDM volume 3, 13.1 and 13.4. The lazy protocol with CR0.TS is not used.
 */
#include "kernel.h"
#include "machine.h"

#define FEATURE_FXSR 0x01000000
#define FEATURE_SSE 0x02000000

uint32_t processor_features;

static uint8_t clean_state[512] __attribute__((aligned(16)));

void fpu_start(void) {
    uint32_t mxcsr = 0x1F80;
    processor_features = cpuid(1).edx;
    if (processor_features & FEATURE_FXSR) write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
    asm volatile("fninit");
    if (processor_features & FEATURE_SSE) asm volatile("ldmxcsr %0" ::"m"(mxcsr));
    if (processor_features & FEATURE_FXSR) {
        asm volatile("fxsave %0" : "=m"(clean_state));
    } else {
        asm volatile("fnsave %0" : "=m"(clean_state));
    }
}

void fpu_clean(struct process *process) { memcpy(process->fpu, clean_state, sizeof clean_state); }

void fpu_save(struct process *process) {
    if (processor_features & FEATURE_FXSR) {
        asm volatile("fxsave %0" : "=m"(process->fpu));
    } else {
        asm volatile("fnsave %0; fwait" : "=m"(process->fpu));
    }
}

void fpu_restore(const struct process *process) {
    if (processor_features & FEATURE_FXSR) {
        asm volatile("fxrstor %0" ::"m"(process->fpu));
    } else {
        asm volatile("frstor %0" ::"m"(process->fpu));
    }
}
