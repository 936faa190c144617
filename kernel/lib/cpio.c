/*
 * kernel/lib/cpio.c - entries of a newc archive in memory.
 *
 * An entry is a header of 110 characters (magic and 13 fields of 8 hex
 * digits), the name with at least one NUL, and the contents; name and contents
 * end on a multiple of 4 counted from the start of the archive.
 */
#include <kernel/lib/cpio.h>
#include <kernel/lib/string.h>

#define CPIO_MAGIC_LEN 6
#define CPIO_FIELDS 13
#define CPIO_HEADER_LEN (CPIO_MAGIC_LEN + CPIO_FIELDS * 8)
#define CPIO_NAME_MAX 8192 /* a path and NULs that push data to a page */

/* Order of the fields. */
enum {
    F_INO,
    F_MODE,
    F_UID,
    F_GID,
    F_NLINK,
    F_MTIME,
    F_SIZE,
    F_DEV_MAJOR,
    F_DEV_MINOR,
    F_RDEV_MAJOR,
    F_RDEV_MINOR,
    F_NAME_LEN,
    F_CHECKSUM,
};

void cpio_start(struct cpio_reader *reader, const void *data, size_t size)
{
    *reader = (struct cpio_reader){.data = data, .size = size};
}

static bool fail(struct cpio_reader *reader, const char *why)
{
    reader->error = why;
    return false;
}

static bool parse_field(const u8 *text, u32 *value)
{
    int i;

    *value = 0;
    for (i = 0; i < 8; i++) {
        u8 c = text[i] | 0x20; /* letters to lower case, digits stay */

        if (c >= '0' && c <= '9' && text[i] == c)
            *value = *value << 4 | (u32)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *value = *value << 4 | (u32)(c - 'a' + 10);
        else
            return false;
    }
    return true;
}

static bool is_compressed(const u8 *p, size_t left)
{
    static const u8 xz[] = {0xfd, '7', 'z', 'X', 'Z', 0};

    return (left >= 2 && p[0] == 0x1f && p[1] == 0x8b) ||      /* gzip */
           (left >= 4 && !memcmp(p, "\x28\xb5\x2f\xfd", 4)) || /* zstd */
           (left >= 6 && !memcmp(p, xz, sizeof(xz))) ||
           (left >= 4 && !memcmp(p, "\x04\x22\x4d\x18", 4)); /* lz4 */
}

static bool parse_header(struct cpio_reader *reader, u32 *field)
{
    const u8 *p = reader->data + reader->pos;
    size_t left = reader->size - reader->pos;
    int i;

    if (is_compressed(p, left))
        return fail(reader, "compressed, and only plain cpio is understood");
    if (left < CPIO_HEADER_LEN)
        return fail(reader, "archive cut off inside a header");
    if (memcmp(p, "070701", CPIO_MAGIC_LEN) &&
        memcmp(p, "070702", CPIO_MAGIC_LEN))
        return fail(reader, "no cpio newc magic (070701)");
    for (i = 0; i < CPIO_FIELDS; i++)
        if (!parse_field(p + CPIO_MAGIC_LEN + 8 * i, &field[i]))
            return fail(reader, "a header field that is no hex number");
    return true;
}

/* Where name and contents are; reader->pos moves behind them. */
static bool locate(struct cpio_reader *reader, const u32 *field,
                   struct cpio_entry *entry)
{
    size_t name_at = reader->pos + CPIO_HEADER_LEN;
    size_t name_len = field[F_NAME_LEN], data_at;

    if (!name_len || name_len > CPIO_NAME_MAX)
        return fail(reader, "a name that is empty or too long");
    if (name_len > reader->size - name_at)
        return fail(reader, "archive cut off inside a name");
    entry->name = (const char *)reader->data + name_at;
    if (entry->name[name_len - 1])
        return fail(reader, "a name that does not end with NUL");
    data_at = ALIGN_UP(name_at + name_len, 4);
    if (data_at > reader->size || field[F_SIZE] > reader->size - data_at) {
        if (field[F_SIZE] || data_at > reader->size + 3)
            return fail(reader, "archive cut off inside a file");
        data_at = reader->size; /* padding after the last name may lack */
    }
    entry->data = reader->data + data_at;
    reader->pos = min(ALIGN_UP(data_at + field[F_SIZE], 4), reader->size);
    return true;
}

static void fill(struct cpio_entry *entry, const u32 *field)
{
    entry->size = field[F_SIZE];
    entry->ino = field[F_INO];
    entry->nlink = field[F_NLINK];
    entry->mode = field[F_MODE];
    entry->uid = field[F_UID];
    entry->gid = field[F_GID];
    entry->mtime = field[F_MTIME];
    entry->dev_major = field[F_DEV_MAJOR];
    entry->dev_minor = field[F_DEV_MINOR];
    entry->rdev_major = field[F_RDEV_MAJOR];
    entry->rdev_minor = field[F_RDEV_MINOR];
}

bool cpio_next(struct cpio_reader *reader, struct cpio_entry *entry)
{
    u32 field[CPIO_FIELDS];

    while (!reader->error) {
        if (!reader->in_archive)
            while (reader->pos < reader->size && !reader->data[reader->pos])
                reader->pos++;
        if (reader->pos >= reader->size) {
            if (reader->in_archive)
                fail(reader, "archive cut off before its TRAILER!!! entry");
            return false;
        }
        if (!parse_header(reader, field) || !locate(reader, field, entry))
            return false;
        reader->in_archive = strcmp(entry->name, "TRAILER!!!") != 0;
        if (reader->in_archive) {
            fill(entry, field);
            return true;
        }
    }
    return false;
}
