/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Bytes for tests, written as hex digits with blanks wherever they help. */
#ifndef UNIT_HEX_H
#define UNIT_HEX_H

#include <glib.h>

/** Appends the bytes that @hex spells. */
static inline void hex_append(GByteArray *bytes, const char *hex)
{
    int high = -1;

    for (; *hex; hex++) {
        int digit = g_ascii_xdigit_value(*hex);

        if (digit < 0) {
            continue;
        }
        if (high < 0) {
            high = digit;
        } else {
            guint8 byte = (guint8)(high << 4 | digit);

            g_byte_array_append(bytes, &byte, 1);
            high = -1;
        }
    }
    g_assert_cmpint(high, ==, -1);
}

static inline GByteArray *hex_bytes(const char *hex)
{
    GByteArray *bytes = g_byte_array_new();

    hex_append(bytes, hex);
    return bytes;
}

#endif
