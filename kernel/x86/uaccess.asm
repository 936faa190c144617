; kernel/x86/uaccess.asm - copying where the other side may fault.
;
; Every instruction that touches foreign memory has an entry in the exception
; table: its address, and where to go on.  User addresses are checked by sign
; only: the kernel half has bit 63 set, what lies between is not canonical and
; faults like a page that is not there.  Ring 3's pages are opened by stac and
; closed by clac, on CPUs that have SMAP.
%include "kernel/x86/entry.inc"

default rel
bits 64

; The instruction that follows goes to %1 if it faults.
%macro FAULTS_TO 1
%%insn:
    [section __ex_table progbits alloc noexec nowrite align=8]
    dq %%insn, %1
    __SECT__
%endmacro

; stac and clac are patched in where the CPU has SMAP (entry.inc).
%macro USER_OPEN 0
    PATCH_IF_SMAP 0xcb010f  ; stac
%endmacro

%macro USER_CLOSE 0
    PATCH_IF_SMAP 0xca010f  ; clac
%endmacro

; Goes to %3 unless [%1, %1 + rdx) lies in the lower half; uses %2.
%macro CHECK_RANGE 3
    mov %2, %1
    add %2, rdx
    jc %3
    js %3
%endmacro

section .text

; size_t copy_from_user(void *to, const void __user *from, size_t n)
; size_t copy_to_user(void __user *to, const void *from, size_t n)
; In   rdi: to   rsi: from   rdx: bytes
; Out  rax: bytes not copied; 0 is success
global copy_from_user
global copy_to_user
align 16
copy_from_user:
    CHECK_RANGE rsi, rax, user_refused
    jmp user_copy
align 16
copy_to_user:
    CHECK_RANGE rdi, rax, user_refused
user_copy:
    USER_OPEN
    mov rcx, rdx
    shr rcx, 3
    and edx, 7
    FAULTS_TO user_words_faulted
    rep movsq
    mov ecx, edx
    FAULTS_TO user_bytes_faulted
    rep movsb
user_bytes_faulted:
    USER_CLOSE
    mov rax, rcx
    ret
user_words_faulted:         ; the bytes before the bad page still go
    lea rcx, [rdx + rcx * 8]
    FAULTS_TO user_bytes_faulted
    rep movsb
    jmp user_bytes_faulted
user_refused:
    mov rax, rdx
    ret

; size_t clear_user(void __user *to, size_t n)
; Out  rax: bytes not cleared
global clear_user
align 16
clear_user:
    mov rdx, rsi
    CHECK_RANGE rdi, rax, user_refused
    USER_OPEN
    xor eax, eax
    mov rcx, rdx
    shr rcx, 3
    and edx, 7
    FAULTS_TO clear_words_faulted
    rep stosq
    mov ecx, edx
    FAULTS_TO user_bytes_faulted
    rep stosb
    jmp user_bytes_faulted
clear_words_faulted:
    lea rcx, [rdx + rcx * 8]
    FAULTS_TO user_bytes_faulted
    rep stosb
    jmp user_bytes_faulted

; int get_user_N(const void __user *from, void *to)
; int put_user_N(u64 value, void __user *to)
; Out  eax: 0 or -EFAULT
%macro GET_USER 2           ; bytes, register
global get_user_%1
align 16
get_user_%1:
    test rdi, rdi
    js scalar_refused
    USER_OPEN
    FAULTS_TO scalar_faulted
    mov %2, [rdi]
    USER_CLOSE
    mov [rsi], %2
    xor eax, eax
    ret
%endmacro

%macro PUT_USER 2
global put_user_%1
align 16
put_user_%1:
    test rsi, rsi
    js scalar_refused
    USER_OPEN
    FAULTS_TO scalar_faulted
    mov [rsi], %2
    USER_CLOSE
    xor eax, eax
    ret
%endmacro

GET_USER 1, dl
GET_USER 2, dx
GET_USER 4, edx
GET_USER 8, rdx
PUT_USER 1, dil
PUT_USER 2, di
PUT_USER 4, edi
PUT_USER 8, rdi

; int get_user_4_words(const void __user *from, u64 to[4])
; Out  eax: 0 or -EFAULT
global get_user_4_words
align 16
get_user_4_words:
    test rdi, rdi
    js scalar_refused
    USER_OPEN
    FAULTS_TO scalar_faulted
    mov rax, [rdi]
    FAULTS_TO scalar_faulted
    mov rcx, [rdi + 8]
    FAULTS_TO scalar_faulted
    mov rdx, [rdi + 16]
    FAULTS_TO scalar_faulted
    mov r8, [rdi + 24]
    USER_CLOSE
    mov [rsi], rax
    mov [rsi + 8], rcx
    mov [rsi + 16], rdx
    mov [rsi + 24], r8
    xor eax, eax
    ret

; int user_cmpxchg32(u32 __user *at, u32 *old, u32 new)
; Out  eax: 0 swapped; 1 not, *old is what it holds; -EFAULT
global user_cmpxchg32
align 16
user_cmpxchg32:
    test rdi, rdi
    js scalar_refused
    mov eax, [rsi]
    USER_OPEN
    FAULTS_TO scalar_faulted
    lock cmpxchg [rdi], edx
    setnz cl                ; USER_CLOSE may change the flags
    USER_CLOSE
    mov [rsi], eax
    movzx eax, cl
    ret

scalar_faulted:
    USER_CLOSE
scalar_refused:
    mov eax, -14            ; -EFAULT
    ret

; int fpu_xsave_user(void __user *image)
; int fpu_xrstor_user(const void __user *image)
; All of the CPU's extended state to or from ring 3's memory, 64-aligned, in
; XSAVE's standard format.  XRSTOR itself refuses (#GP) what is not valid; the
; registers are then undefined.
; Out  eax: 0 or -EFAULT
global fpu_xsave_user
global fpu_xrstor_user
align 16
fpu_xsave_user:
    test rdi, rdi
    js scalar_refused
    USER_OPEN
    xor eax, eax            ; XSAVE does not write all of its header
    add rdi, 512
    mov ecx, 8
    FAULTS_TO scalar_faulted
    rep stosq
    sub rdi, 576
    mov eax, -1
    mov edx, eax
    FAULTS_TO scalar_faulted
    xsave64 [rdi]
    USER_CLOSE
    xor eax, eax
    ret
align 16
fpu_xrstor_user:
    test rdi, rdi
    js scalar_refused
    mov eax, -1
    mov edx, eax
    USER_OPEN
    FAULTS_TO scalar_faulted
    xrstor64 [rdi]
    USER_CLOSE
    xor eax, eax
    ret

; ssize_t user_string(char *to, const char __user *from, size_t n)
; Copies up to and with the NUL; to = NULL only counts.
; Out  rax: bytes before the NUL; n if there was none; -EFAULT
; A word is read only if aligned, so it never reaches into another page.
global user_string
align 16
user_string:
    test rsi, rsi
    js scalar_refused_word
    USER_OPEN
    mov r8, rdx             ; bytes asked for
    mov r9, 0x0101010101010101
    mov r10, 0x8080808080808080
.next:
    test rdx, rdx
    jz .done
    cmp rdx, 8
    jb .byte
    test sil, 7
    jnz .byte
    FAULTS_TO string_faulted
    mov rax, [rsi]
    mov rcx, rax            ; (x - 0x01..) & ~x & 0x80..: has a zero byte
    sub rcx, r9
    mov r11, rax
    not r11
    and rcx, r11
    test rcx, r10
    jnz .byte
    test rdi, rdi
    jz .counted_word
    mov [rdi], rax
    add rdi, 8
.counted_word:
    add rsi, 8
    sub rdx, 8
    jmp .next
.byte:
    FAULTS_TO string_faulted
    mov al, [rsi]
    test rdi, rdi
    jz .counted_byte
    mov [rdi], al
    inc rdi
.counted_byte:
    test al, al
    jz .done
    inc rsi
    dec rdx
    jmp .next
.done:
    USER_CLOSE
    mov rax, r8
    sub rax, rdx
    ret
string_faulted:
    USER_CLOSE
scalar_refused_word:
    mov rax, -14            ; -EFAULT
    ret

; int copy_nofault(void *to, const void *from, size_t n)
; Kernel addresses, either of which may be bad.
; Out  eax: 0 or -EFAULT
global copy_nofault
align 16
copy_nofault:
    mov rcx, rdx
    shr rcx, 3
    and edx, 7
    FAULTS_TO nofault_failed
    rep movsq
    mov ecx, edx
    FAULTS_TO nofault_failed
    rep movsb
    xor eax, eax
    ret
nofault_failed:
    mov eax, -14            ; -EFAULT
    ret
