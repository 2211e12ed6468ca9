#include "loader.h"

#include <dlfcn.h>
#include <stddef.h>

/*
 * dlopen(3) without RTLD_DEEPBIND: a library that is opened with it sees glibc's malloc before ours,
 * and frees there what it was given by others.
 *
 * Who calls matters: the loader finds the RUNPATH and the $ORIGIN of the caller by the return address.
 * So these jump to the next definition with the caller's frame as it is, which C cannot promise.
 */
__attribute__((used, visibility("hidden"))) int loader_mask = ~0;
__attribute__((used, visibility("hidden"))) void *loader_next_dlopen;
__attribute__((used, visibility("hidden"))) void *loader_next_dlmopen;

__asm__(".pushsection .text\n"
        ".globl dlopen\n"
        ".type dlopen, @function\n"
        "dlopen:\n"
        "    .cfi_startproc\n"
        "    cmpq $0, loader_next_dlopen(%rip)\n"
        "    je 1f\n"
        "2:  andl loader_mask(%rip), %esi\n"
        "    jmp *loader_next_dlopen(%rip)\n"
        "1:  pushq %rdi\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    pushq %rsi\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    subq $8, %rsp\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    call loader_resolve\n"
        "    addq $8, %rsp\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    popq %rsi\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    popq %rdi\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    jmp 2b\n"
        "    .cfi_endproc\n"
        ".size dlopen, .-dlopen\n"
        ".globl dlmopen\n"
        ".type dlmopen, @function\n"
        "dlmopen:\n"
        "    .cfi_startproc\n"
        "    cmpq $0, loader_next_dlmopen(%rip)\n"
        "    je 1f\n"
        "2:  andl loader_mask(%rip), %edx\n"
        "    jmp *loader_next_dlmopen(%rip)\n"
        "1:  pushq %rdi\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    pushq %rsi\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    pushq %rdx\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    call loader_resolve\n"
        "    popq %rdx\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    popq %rsi\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    popq %rdi\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    jmp 2b\n"
        "    .cfi_endproc\n"
        ".size dlmopen, .-dlmopen\n"
        ".popsection\n");

__attribute__((used)) void loader_resolve(void)
{
    loader_next_dlopen = dlsym(RTLD_NEXT, "dlopen");
    loader_next_dlmopen = dlsym(RTLD_NEXT, "dlmopen");
}

void loader_start(void)
{
    loader_mask = ~RTLD_DEEPBIND;
}
