#include <mm/physmap.h>
__attribute__((weak)) void physmap_add(phys_addr_t s, phys_addr_t e, enum phys_type t){}
__attribute__((weak)) void physmap_reserve(phys_addr_t s, phys_addr_t e, const char*t){}
