/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/reset_text.h"

#include <string.h>

#include <glib.h>

#include "bytes/cursor.h"
#include "bytes/strbuf.h"

/* draft-boucadair-tcpm-rst-diagnostic-payload-17: two magic numbers, for a code and for text. */
#define MAGIC_CODE 0x33AAu
#define MAGIC_TEXT 0xF317u

/* Text longer than this is no reason (RFC 1122 section 4.2.2.12 gives no bound; the draft: 255). */
#define TEXT_MAX 255u

static const char *const codes[] = {
    NULL,
    "Illegal Option",
    "Desynchronized state",
    "New data received after CLOSE",
    "ABORT process",
    "Unexpected ACK in non-synchronized state",
    "Unexpected SYN in window",
    "Unexpected security compartment",
    "Malformed Message",
    "Not Authorized",
    "Resource Exceeded",
    "Network Failure",
    "Reset received from the peer",
    "Destination Unreachable",
    "Connection Timeout",
    "Too much outstanding data",
    "Unacceptable performance",
    "Middlebox interference",
};

static const char *const mptcp_reasons[] = {
    "Unspecified error",           "MPTCP-specific error",      "Lack of resources",
    "Administratively prohibited", "Too much outstanding data", "Unacceptable performance",
    "Middlebox interference",
};

/* A provincial filter's payload, seen since 2023 with ClientHellos and HTTP requests. */
static const uint8_t injector[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 0};

bool reset_text_is_injector(const struct whyrst_segment *rst)
{
    return rst->payload_length == sizeof injector && rst->payload_captured == sizeof injector &&
           memcmp(rst->payload, injector, sizeof injector) == 0;
}

bool reset_text_is_diagnostic(const struct whyrst_segment *rst)
{
    struct cursor c = cursor_make(rst->payload, rst->payload_captured);
    uint16_t magic = cursor_be16(&c);

    return (magic == MAGIC_CODE && rst->payload_length == 8 && rst->payload_captured == 8) ||
           (magic == MAGIC_TEXT && cursor_left(&c) > 0);
}

static void add_code(struct strbuf *s, struct cursor *c)
{
    uint16_t code = cursor_be16(c);
    uint32_t enterprise = cursor_be32(c);

    if (enterprise != 0) {
        strbuf_addf(s, "reason %u of enterprise %u", code, enterprise);
    } else if (code < G_N_ELEMENTS(codes) && codes[code]) {
        strbuf_add(s, codes[code]);
    } else {
        strbuf_addf(s, "reason %u", code);
    }
}

/* Mostly printable: a reason in words, no stray payload. */
static bool is_text(const uint8_t *bytes, size_t length)
{
    size_t odd = 0;

    for (size_t i = 0; i < length; i++) {
        odd += !g_ascii_isprint((char)bytes[i]) && !g_ascii_isspace((char)bytes[i]);
    }
    return length > 0 && odd == 0;
}

const char *reset_text_read(const struct whyrst_segment *rst, char *buffer, size_t size)
{
    struct strbuf s = strbuf_make(buffer, size);
    struct cursor c = cursor_make(rst->payload, rst->payload_captured);

    if (reset_text_is_diagnostic(rst)) {
        if (cursor_be16(&c) == MAGIC_CODE) {
            add_code(&s, &c);
        } else {
            strbuf_add_wire(&s, c.at, MIN(cursor_left(&c), TEXT_MAX));
        }
    } else if (is_text(c.at, MIN(cursor_left(&c), TEXT_MAX))) {
        strbuf_add_wire(&s, c.at, MIN(cursor_left(&c), TEXT_MAX));
    } else if (cursor_left(&c) > 0) {
        strbuf_addf(&s, "%u bytes:", rst->payload_length);
        for (size_t i = 0; i < 16 && cursor_left(&c) > 0; i++) {
            strbuf_addf(&s, " %02x", cursor_u8(&c));
        }
    }
    return buffer;
}

const char *reset_text_mptcp(uint8_t reason)
{
    return reason < G_N_ELEMENTS(mptcp_reasons) ? mptcp_reasons[reason] : "unknown reason";
}
