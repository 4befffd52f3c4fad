/* Unit tests of the front end on the host: operations, virtual frames, delivery, faults at the site's start, descriptors,
 * halting, the task gate of #DF. Expectations are those of the Intel SDM (volume 2 for instructions, volume 3, 6.12 for
 * frames). One line for each test: "ok NAME" or "not ok NAME: WHAT".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../devices/devices.h"
#include "../front/front.h"
#include "../stub/stub.h"

__attribute__((regparm(1))) void vmm_operation(uint32_t number);
void vmm_before_resume(void);
void shadow_test(uint32_t seed);

#define GDT 0x20000
#define IDT 0x21000
#define TASK 0x22000
#define FAULT_TASK 0x23000
#define STACK 0x30000
#define KERNEL_STACK 0x38000
#define SITE 0x40000
#define HANDLER 0x50000
#define SITE_BYTES 8

#define KCS 0x08
#define KDS 0x10
#define UCS 0x1B
#define UDS 0x23
#define TSS_SELECTOR 0x28
#define FAULT_TSS 0x30
#define NOT_PRESENT 0x38

static const char *name;
static int failed, failures;

#define CHECK(condition) \
    do { \
        if (!(condition)) printf("not ok %s: line %d: %s\n", name, __LINE__, #condition), failed = 1; \
    } while (0)

static uint32_t word(uint32_t linear) { return *(volatile uint32_t *)linear; }
static void set_word(uint32_t linear, uint32_t value) { *(volatile uint32_t *)linear = value; }

static void descriptor(uint32_t selector, uint32_t base, uint32_t limit, uint32_t rights) {
    set_word(GDT + (selector & ~7u), base << 16 | (limit & 0xFFFF));
    set_word(GDT + (selector & ~7u) + 4, (base & 0xFF000000) | (base >> 16 & 0xFF) | rights | (limit & 0xF0000));
}
static void gate(uint32_t vector, uint32_t selector, uint32_t offset, uint32_t rights) {
    set_word(IDT + vector * 8, selector << 16 | (offset & 0xFFFF));
    set_word(IDT + vector * 8 + 4, (offset & 0xFFFF0000) | rights);
}

/* A kernel with flat segments, interrupt gates for all exceptions, a trap gate at 0x41 and a user gate at 0x80. */
static void reset(void) {
    memset((void *)GDT, 0, 0x4000);
    descriptor(KCS, 0, 0xFFFFF, 0xC09A00);
    descriptor(KDS, 0, 0xFFFFF, 0xC09200);
    descriptor(UCS, 0, 0xFFFFF, 0xC0FA00);
    descriptor(UDS, 0, 0xFFFFF, 0xC0F200);
    descriptor(TSS_SELECTOR, TASK, 0x67, 0x8900);
    descriptor(FAULT_TSS, FAULT_TASK, 0x67, 0x8900);
    descriptor(NOT_PRESENT, 0, 0xFFFFF, 0xC01200);
    for (uint32_t vector = 0; vector < 0x40; vector++) gate(vector, KCS, HANDLER + vector, 0x8E00);
    gate(0x40, KCS, HANDLER + 0x40, 0x8E00);
    gate(0x41, KCS, HANDLER + 0x41, 0x8F00);
    gate(0x80, KCS, HANDLER + 0x80, 0xEE00);
    set_word(TASK + 4, KERNEL_STACK);
    set_word(TASK + 8, KDS);
    vcpu.gdt_base = GDT, vcpu.gdt_limit = 0x3F;
    vcpu.idt_base = IDT, vcpu.idt_limit = 0x7FF;
    vcpu.interrupt_flag = 0;
    vcpu.eflags = 2;
    vcpu.cpl = 0;
    vcpu.halted = 0;
    ESP = STACK;
    for (uint32_t i = 0; i < 4; i++) load_segment(i == 1 ? SEGMENT_FS : i == 2 ? SEGMENT_SS : i, KDS);
    struct descriptor code;
    check_code(KCS, 0, &code);
    set_segment(SEGMENT_CS, KCS, &code);
}

static void operate(uint32_t number, struct operand o) {
    o.site_bytes = SITE_BYTES;
    *(struct operand *)OPERAND_TABLE = o;
    set_word(SITE + 4, 0);
    vcpu.eip = SITE + 6;
    vmm_operation(number);
}
#define OPERATE(number, ...) operate(number, (struct operand){.base = OPERAND_NONE, .index = OPERAND_NONE, ##__VA_ARGS__})

static void flags_survive(void) {
    static const uint32_t plain[] = {OPERATION_CLI, OPERATION_STI, OPERATION_WBINVD, OPERATION_INVLPG, OPERATION_CLTS};
    for (uint32_t i = 0; i < sizeof plain / 4; i++)
        for (uint32_t flags = 0; flags < 2; flags++) {
            vcpu.eflags = flags ? FLAGS_ARITHMETIC | FLAG_DF | 2 : 2;
            OPERATE(plain[i]);
            CHECK(vcpu.eflags == (flags ? FLAGS_ARITHMETIC | FLAG_DF | 2 : 2u));
            CHECK(vcpu.eip == SITE + SITE_BYTES);
        }
}

static void pushed_flags(void) {
    vcpu.eflags = FLAG_CF | FLAG_IF | 2;
    OPERATE(OPERATION_PUSHF);
    CHECK(ESP == STACK - 4 && word(ESP) == (FLAG_CF | 2));
    vcpu.interrupt_flag = 1;
    OPERATE(OPERATION_PUSHF, .flags = OPERAND_16);
    CHECK(ESP == STACK - 6 && (word(ESP) & 0xFFFF) == (FLAG_CF | FLAG_IF | 2));
    ESP = STACK - 4;
    set_word(ESP, FLAG_ZF | FLAG_IF | FLAG_IOPL | FLAG_VM | FLAG_ID);
    vcpu.interrupt_flag = 0;
    OPERATE(OPERATION_POPF);
    CHECK(ESP == STACK && vcpu.interrupt_flag == 1 && vcpu.iopl == 3);
    CHECK((virtual_flags() & ~FLAG_IOPL) == (FLAG_ZF | FLAG_IF | FLAG_ID | 2));
    vcpu.iopl = 0;
}

static void faults_at_the_start(void) {
    EAX = 0x7F8;
    OPERATE(OPERATION_MOV_TO_SEGMENT, .reg = SEGMENT_GS, .rm = REGISTER_EAX);
    CHECK(vcpu.eip == HANDLER + GP && ESP == STACK - 16);
    CHECK(word(ESP) == 0x7F8 && word(ESP + 4) == SITE && word(ESP + 8) == KCS);
    reset();
    EAX = NOT_PRESENT;
    OPERATE(OPERATION_MOV_TO_SEGMENT, .reg = SEGMENT_DS, .rm = REGISTER_EAX);
    CHECK(vcpu.eip == HANDLER + NP && word(ESP) == NOT_PRESENT && vcpu.selectors[SEGMENT_DS] == KDS);
    reset();
    ECX = 0x0BADC0DE;
    OPERATE(OPERATION_RDMSR);
    CHECK(vcpu.eip == HANDLER + GP && word(ESP) == 0 && word(ESP + 4) == SITE);
    reset();
    /* A POP that faults leaves ESP where it was. */
    ESP -= 4;
    set_word(ESP, 0x7F8);
    OPERATE(OPERATION_POP_SEGMENT, .opcode = 0x1F, .reg = SEGMENT_DS);
    CHECK(vcpu.eip == HANDLER + GP && word(ESP + 4) == SITE && ESP == STACK - 4 - 16);
}

static void frames(void) {
    vcpu.interrupt_flag = 1;
    vcpu.eflags = FLAG_CF | 2;
    OPERATE(OPERATION_INT, .immediate = 0x41);
    CHECK(vcpu.eip == HANDLER + 0x41 && ESP == STACK - 12 && vcpu.interrupt_flag == 1);
    CHECK(word(ESP) == SITE + SITE_BYTES && word(ESP + 4) == KCS && word(ESP + 8) == (FLAG_CF | FLAG_IF | 2));
    OPERATE(OPERATION_IRET);
    CHECK(vcpu.eip == SITE + SITE_BYTES && ESP == STACK && vcpu.interrupt_flag == 1);
    OPERATE(OPERATION_INT, .immediate = 0x40);
    CHECK(vcpu.eip == HANDLER + 0x40 && vcpu.interrupt_flag == 0);
    reset();
    vcpu.idt_limit = 0x3F;
    OPERATE(OPERATION_INTO);
    CHECK(vcpu.eip == SITE + SITE_BYTES);
}

static void to_user_and_back(void) {
    OPERATE(OPERATION_LTR, .rm = REGISTER_EAX);
    reset();
    EAX = TSS_SELECTOR;
    OPERATE(OPERATION_LTR, .rm = REGISTER_EAX);
    ESP -= 20;
    set_word(ESP, 0x1234), set_word(ESP + 4, UCS), set_word(ESP + 8, FLAG_IF | FLAG_ZF | 2);
    set_word(ESP + 12, 0x5678), set_word(ESP + 16, UDS);
    OPERATE(OPERATION_IRET);
    CHECK(vcpu.cpl == 3 && vcpu.eip == 0x1234 && ESP == 0x5678 && vcpu.interrupt_flag == 1);
    /* Kernel data segments do not stay loaded. */
    CHECK(vcpu.selectors[SEGMENT_DS] == 0 && vcpu.selectors[SEGMENT_CS] == UCS);
    vcpu.eip = 0x1236;
    CHECK(deliver_software(0x80));
    CHECK(vcpu.cpl == 0 && vcpu.eip == HANDLER + 0x80 && ESP == KERNEL_STACK - 20 && vcpu.interrupt_flag == 0);
    CHECK(word(ESP) == 0x1236 && word(ESP + 4) == UCS && word(ESP + 8) == (FLAG_IF | FLAG_ZF | 2));
    CHECK(word(ESP + 12) == 0x5678 && word(ESP + 16) == UDS);
    /* A gate that user code may not use: #GP with the gate's number. */
    reset();
    vcpu.cpl = 3;
    CHECK(!deliver_software(0x41) && pending_fault.vector == GP && pending_fault.error == 0x41 * 8 + 2);
}

static void descriptors(void) {
    EAX = TSS_SELECTOR;
    OPERATE(OPERATION_LTR, .rm = REGISTER_EAX);
    CHECK(vcpu.eip == SITE + SITE_BYTES && word(GDT + 0x2C) >> 8 == 0x8B);
    OPERATE(OPERATION_LTR, .rm = REGISTER_EAX);
    CHECK(vcpu.eip == HANDLER + GP && word(ESP) == TSS_SELECTOR);
    reset();
    CHECK(!(word(GDT + (UDS & ~7u) + 4) & 0x100));
    EAX = UDS;
    OPERATE(OPERATION_MOV_TO_SEGMENT, .reg = SEGMENT_ES, .rm = REGISTER_EAX);
    CHECK(word(GDT + (UDS & ~7u) + 4) & 0x100);
    EBX = 0xFFFFFFFF;
    OPERATE(OPERATION_LAR, .reg = REGISTER_EBX, .rm = REGISTER_EAX);
    CHECK((EBX & 0xF0FF00) == 0xC0F300 && vcpu.eflags & FLAG_ZF);
    OPERATE(OPERATION_LSL, .reg = REGISTER_EBX, .rm = REGISTER_EAX);
    CHECK(EBX == 0xFFFFFFFF);
    EAX = 0x7F8;
    OPERATE(OPERATION_VERW, .rm = REGISTER_EAX);
    CHECK(!(vcpu.eflags & FLAG_ZF));
}

static void control_registers(void) {
    vcpu.eflags = 2;
    EAX = vcpu.cr[0] | CR0_TS;
    OPERATE(OPERATION_MOV_TO_CONTROL, .reg = 0, .rm = REGISTER_EAX);
    CHECK(vcpu.cr[0] & CR0_TS);
    OPERATE(OPERATION_SMSW, .rm = REGISTER_EBX);
    CHECK((EBX & 0xFFFF) == (vcpu.cr[0] & 0xFFFF));
    OPERATE(OPERATION_CLTS);
    CHECK(!(vcpu.cr[0] & CR0_TS));
    EAX = 0xFFFFFFFF;
    OPERATE(OPERATION_MOV_TO_CONTROL, .reg = 4, .rm = REGISTER_EAX);
    CHECK(vcpu.eip == HANDLER + GP);
    reset();
    EAX = 1;
    OPERATE(OPERATION_CPUID);
    CHECK(EAX == 0x695 && !(EDX & (1 << 3 | 1 << 9 | 1 << 11 | 1 << 13)) && EDX & 1 << 26);
}

/* A pending interrupt comes in at the end of STI, POPF and HLT, not before. */
static void pending_interrupts(void) {
    static const uint8_t words[][2] = {{0x20, 0x11}, {0x21, 0x20}, {0x21, 4}, {0x21, 1}, {0x21, 0}, {0x43, 0x34}, {0x40, 0}, {0x40, 0x40}};
    for (uint32_t i = 0; i < sizeof words / 2; i++) devices_write(words[i][0], 1, words[i][1]);
    pic_line(4, 1);
    CHECK(vcpu.attention & ATTENTION_INTERRUPT);
    vcpu.eip = SITE;
    vmm_before_resume();
    CHECK(vcpu.eip == SITE);
    OPERATE(OPERATION_STI);
    CHECK(vcpu.eip == SITE + SITE_BYTES);
    devices_read(0x20, 1);
    while (vcpu.attention & ATTENTION_INTERRUPT) {
        uint32_t esp = ESP, before = vcpu.eip;
        vcpu.interrupt_flag = 1;
        vmm_before_resume();
        CHECK(vcpu.eip >= HANDLER + 0x20 && vcpu.eip <= HANDLER + 0x27 && word(ESP) == before && ESP == esp - 12);
        CHECK(word(ESP + 8) & FLAG_IF && vcpu.interrupt_flag == 0);
        devices_write(0x20, 1, 0x20);
        pic_line(4, 0);
    }
    reset();
    OPERATE(OPERATION_STI_HLT);
    CHECK(vcpu.halted && vcpu.eip == SITE + SITE_BYTES);
    uint32_t idled = stub_idled;
    vmm_before_resume();
    CHECK(!vcpu.halted && vcpu.eip == HANDLER + 0x20 && word(ESP) == SITE + SITE_BYTES && stub_idled > idled);
    devices_write(0x20, 1, 0x20);
}

static void double_fault(void) {
    gate(DF, FAULT_TSS, 0, 0x8500);
    gate(GP, KCS, HANDLER, 0x0E00);
    set_word(FAULT_TASK + 32, 0x7777), set_word(FAULT_TASK + 36, 2), set_word(FAULT_TASK + 56, STACK + 0x4000);
    set_word(FAULT_TASK + 76, KCS), set_word(FAULT_TASK + 80, KDS), set_word(FAULT_TASK + 84, KDS);
    set_word(FAULT_TASK + 72, KDS), set_word(FAULT_TASK + 28, vcpu.cr[3]);
    EAX = TSS_SELECTOR;
    OPERATE(OPERATION_LTR, .rm = REGISTER_EAX);
    EAX = 0x7F8;
    EBX = 0xB0B;
    /* #GP for the load, #NP for its gate: contributory both. */
    OPERATE(OPERATION_MOV_TO_SEGMENT, .reg = SEGMENT_GS, .rm = REGISTER_EAX);
    CHECK(vcpu.eip == 0x7777 && vcpu.selectors[SEGMENT_TR] == FAULT_TSS && word(TASK + 32) == SITE);
    CHECK(word(TASK + 52) == 0xB0B && (word(FAULT_TASK) & 0xFFFF) == TSS_SELECTOR && vcpu.eflags & FLAG_NT);
    CHECK(ESP == STACK + 0x4000 - 4 && word(ESP) == 0);
    ESP += 4;
    OPERATE(OPERATION_IRET);
    CHECK(vcpu.eip == SITE && EBX == 0xB0B && vcpu.selectors[SEGMENT_TR] == TSS_SELECTOR);
}

static void stores(void) {
    EDI = STACK + 0x100;
    EAX = 0x12345678;
    OPERATE(OPERATION_STORE, .opcode = 0x89, .reg = REGISTER_EAX, .rm = OPERAND_MEMORY, .base = REGISTER_EDI, .displacement = 4);
    CHECK(word(STACK + 0x104) == 0x12345678);
    OPERATE(OPERATION_STORE, .opcode = 0xFBA, .reg = 6, .rm = OPERAND_MEMORY, .base = REGISTER_EDI, .displacement = 4, .immediate = 3);
    CHECK(word(STACK + 0x104) == 0x12345670 && vcpu.eflags & FLAG_CF);
    OPERATE(OPERATION_STORE, .opcode = 0x80, .reg = 4, .rm = OPERAND_MEMORY, .base = REGISTER_EDI, .displacement = 4, .immediate = 0xFFFFFF8F);
    CHECK(word(STACK + 0x104) == 0x12345600 && vcpu.eflags & FLAG_ZF && !(vcpu.eflags & FLAG_CF));
    ESI = STACK + 0x104, EDI = STACK + 0x200, ECX = 3;
    OPERATE(OPERATION_STORE, .opcode = 0xA5, .flags = OPERAND_REPEATED);
    CHECK(word(STACK + 0x200) == 0x12345600 && ECX == 0 && EDI == STACK + 0x20C && ESI == STACK + 0x110);
}

static void port_strings(void) {
    EDX = 0x21, EDI = STACK + 0x300, ECX = 3;
    devices_write(0x21, 1, 0x5A);
    OPERATE(OPERATION_INS, .opcode = 0x6C, .flags = OPERAND_REPEATED);
    CHECK((word(STACK + 0x300) & 0xFFFFFF) == 0x5A5A5A && ECX == 0 && EDI == STACK + 0x303);
    EDX = 0xE9, ESI = STACK + 0x310, ECX = 2;
    set_word(ESI, 0x6B6F);
    stub_console[0] = 0;
    OPERATE(OPERATION_OUTS, .opcode = 0x6E, .flags = OPERAND_REPEATED);
    CHECK(!strcmp(stub_console, "ok"));
    devices_write(0x21, 1, 0);
}

/* An event in the section that leaves the VMM makes it start again; elsewhere it is only noted. */
static void restarts(void) {
    uint32_t count = vcpu.restarts, site = SITE + SITE_BYTES;
    CHECK(vmm_resume_point((uint32_t)vmm_exit_start, &site) == (uint32_t)vmm_resume);
    CHECK(vmm_resume_point((uint32_t)vmm_exit_end - 1, &site) == (uint32_t)vmm_resume);
    CHECK(vmm_resume_point((uint32_t)vmm_exit_end, &site) == (uint32_t)vmm_exit_end);
    CHECK(vmm_resume_point((uint32_t)vmm_resume, &site) == (uint32_t)vmm_resume);
    CHECK(vcpu.restarts == count + 2 && site == SITE + SITE_BYTES);
    const struct tail *tail = __start_vmm_tails;
    CHECK(vmm_resume_point(tail->start, &site) == tail->start && site == SITE + SITE_BYTES);
    CHECK(vmm_resume_point(tail->ret - 1, &site) == tail->start && site == SITE + SITE_BYTES);
    CHECK(vmm_resume_point(tail->ret, &site) == tail->ret && site == (uint32_t)direct_interrupted);
    CHECK(vcpu.eip == SITE + SITE_BYTES);
    CHECK(vmm_resume_point(tail->ret, &site) == tail->ret && site == (uint32_t)direct_interrupted);
    CHECK(vcpu.eip == SITE + SITE_BYTES);
}

static void page_fault_of(uint32_t esp) {
    vcpu.cpl = 3;
    vcpu.interrupt_flag = 1;
    vcpu.eflags = FLAG_CF | FLAG_RF | FLAG_DF | 2;
    vcpu.eip = 0x1234;
    vcpu.selectors[SEGMENT_CS] = UCS;
    vcpu.selectors[SEGMENT_SS] = UDS;
    ESP = esp;
    memset((void *)(KERNEL_STACK - 64), 0xEE, 64);
    pending_fault = (struct pending_fault){PF, ERROR_USER | ERROR_WRITE, 0x5678};
}

/* The short way of a page fault leaves what the long one does, and takes only what that one has checked. */
static void page_faults(void) {
    static struct virtual_cpu expected, got;
    static uint32_t frame[16];
    page_fault_of(0x9000);
    inject_fault();
    CHECK(vcpu.eip == HANDLER + PF && ESP == KERNEL_STACK - 24 && word(ESP) == (ERROR_USER | ERROR_WRITE) && vcpu.cr[2] == 0x5678);
    memcpy(&expected, (void *)VIRTUAL_CPU, sizeof expected);
    memcpy(frame, (void *)(KERNEL_STACK - 64), 64);
    /* Only pages of the kernel half are remembered, which there are none of without paging. */
    entry_page = KERNEL_STACK - 0x1000;
    page_fault_of(0x9000);
    CHECK(short_fault(&pending_fault));
    memcpy(&got, (void *)VIRTUAL_CPU, sizeof got);
    expected.delivered[1]++;
    CHECK(!memcmp(&expected, &got, sizeof got) && !memcmp(frame, (void *)(KERNEL_STACK - 64), 64));
    const uint32_t changed[] = {IDT + 8 * PF, GDT + KCS + 4, GDT + KDS + 4, TASK + 8};
    for (uint32_t i = 0; i < sizeof changed / 4; i++) {
        uint32_t old = word(changed[i]);
        page_fault_of(0x9000);
        set_word(changed[i], old ^ 0x20);
        CHECK(!short_fault(&pending_fault) && vcpu.cpl == 3 && ESP == 0x9000 && word(KERNEL_STACK - 4) == 0xEEEEEEEE);
        set_word(changed[i], old);
    }
    /* Stacks in another page, and at the end of this one. */
    for (uint32_t esp = KERNEL_STACK - 0x2000; esp <= KERNEL_STACK + 0x1000; esp += 0x1000) {
        page_fault_of(0x9000);
        set_word(TASK + 4, esp);
        CHECK(short_fault(&pending_fault) == (esp == KERNEL_STACK));
    }
    page_fault_of(0x9000);
    set_word(TASK + 4, KERNEL_STACK - 0x1000 + 1020);
    CHECK(!short_fault(&pending_fault));
}

static void run(const char *test, void (*call)(void)) {
    name = test;
    failed = 0;
    reset();
    call();
    failures += failed;
    if (!failed) printf("ok %s\n", test);
}

int main(int count, char **arguments) {
    setvbuf(stdout, 0, _IONBF, 0);
    stub_start();
    run("arithmetic flags survive", flags_survive);
    run("PUSHF and POPF show the virtual flags", pushed_flags);
    run("faults come at the site's start", faults_at_the_start);
    run("frames hold virtual CS and IF", frames);
    run("to user mode and back", to_user_and_back);
    run("descriptor tables", descriptors);
    run("control registers and CPUID", control_registers);
    run("pending interrupts are delivered by STI and HLT", pending_interrupts);
    run("#DF through a task gate, and back", double_fault);
    run("declared stores", stores);
    run("string I/O", port_strings);
    run("sections that start again", restarts);
    run("page faults by the short way", page_faults);
    name = "shadow spaces";
    reset();
    shadow_test(count > 1 ? (uint32_t)atoi(arguments[1]) : 1);
    return failures != 0;
}
