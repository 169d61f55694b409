/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a RST says of itself: the first byte is the buffer's size, the second how many bytes of the
 * payload the capture lacks, then comes the payload. The text is valid UTF-8 within its buffer, and
 * a longer buffer only lets it go on.
 */
#include <string.h>

#include <glib.h>

#include "fuzz.h"
#include "verdict/reset_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[1024];
    char *shorter;
    uint8_t *payload;
    struct whyrst_segment rst = {.flags = WHYRST_TCP_RST};
    size_t room;

    if (size < 2) {
        return 0;
    }
    room = 1u + data[0];
    payload = g_memdup2(data + 2, size - 2);
    rst.payload = payload;
    rst.payload_captured = (uint32_t)size - 2;
    rst.payload_length = rst.payload_captured + data[1];
    require(!reset_text_is_injector(&rst) || !reset_text_is_diagnostic(&rst));
    require(reset_text_read(&rst, text, sizeof text) == text);
    require(strlen(text) < sizeof text && g_utf8_validate(text, -1, NULL));
    require(!*text == (size == 2));
    shorter = g_malloc(room);
    reset_text_read(&rst, shorter, room);
    require(strlen(shorter) < room && g_str_has_prefix(text, shorter));
    require(g_utf8_validate(shorter, -1, NULL));
    require(*reset_text_mptcp(data[0]));
    g_free(shorter);
    g_free(payload);
    return 0;
}
