/*
 * mm/asid.c - see the header.
 */
#include <mm/asid.h>

static unsigned int find(const struct asid_table *table, u64 owner)
{
    unsigned int i = 0;

    while (i < NR_ASIDS && table->slot[i].owner != owner)
        i++;
    return i;
}

bool asid_choose(struct asid_table *table, u64 owner, u64 generation)
{
    unsigned int i = find(table, owner);
    struct asid_slot *slot;
    bool flush = true;

    if (i < NR_ASIDS) {
        flush = table->slot[i].seen < generation;
    } else {
        i = table->next;
        table->next = (i + 1) % NR_ASIDS;
    }
    slot = &table->slot[i];
    slot->owner = owner;
    slot->seen = generation;
    table->current = i;
    return flush;
}

void asid_forget_others(struct asid_table *table)
{
    for (unsigned int i = 0; i < NR_ASIDS; i++)
        if (i != table->current)
            table->slot[i].owner = 0;
}
