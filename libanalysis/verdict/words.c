/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/words.h"

#include <stddef.h>

#include <arpa/inet.h>

#include <glib.h>

void words_duration(struct strbuf *s, int64_t ns)
{
    if (ns < INT64_C(1000000)) {
        strbuf_addf(s, "%.0f µs", (double)ns / 1e3);
    } else if (ns < INT64_C(1000000000)) {
        strbuf_addf(s, "%.1f ms", (double)ns / 1e6);
    } else {
        strbuf_addf(s, "%.1f s", (double)ns / 1e9);
    }
}

/* IANA registry "TLS Alerts". */
static const struct {
    uint8_t code;
    const char *name;
} alerts[] = {
    {0, "close_notify"},
    {10, "unexpected_message"},
    {20, "bad_record_mac"},
    {21, "decryption_failed"},
    {22, "record_overflow"},
    {30, "decompression_failure"},
    {40, "handshake_failure"},
    {41, "no_certificate"},
    {42, "bad_certificate"},
    {43, "unsupported_certificate"},
    {44, "certificate_revoked"},
    {45, "certificate_expired"},
    {46, "certificate_unknown"},
    {47, "illegal_parameter"},
    {48, "unknown_ca"},
    {49, "access_denied"},
    {50, "decode_error"},
    {51, "decrypt_error"},
    {60, "export_restriction"},
    {70, "protocol_version"},
    {71, "insufficient_security"},
    {80, "internal_error"},
    {86, "inappropriate_fallback"},
    {90, "user_canceled"},
    {100, "no_renegotiation"},
    {109, "missing_extension"},
    {110, "unsupported_extension"},
    {111, "certificate_unobtainable"},
    {112, "unrecognized_name"},
    {113, "bad_certificate_status_response"},
    {114, "bad_certificate_hash_value"},
    {115, "unknown_psk_identity"},
    {116, "certificate_required"},
    {117, "general_error"},
    {120, "no_application_protocol"},
    {121, "ech_required"},
};

void words_alert(struct strbuf *s, uint8_t level, uint8_t description)
{
    strbuf_add(s, level == 2 ? "fatal " : level == 1 ? "warning " : "");
    for (size_t i = 0; i < G_N_ELEMENTS(alerts); i++) {
        if (alerts[i].code == description) {
            strbuf_add(s, alerts[i].name);
            return;
        }
    }
    strbuf_addf(s, "alert %u", description);
}

void words_address(struct strbuf *s, uint8_t version, const uint8_t address[16])
{
    char text[INET6_ADDRSTRLEN];

    if (version != 4) {
        strbuf_add(s, inet_ntop(AF_INET6, address, text, sizeof text));
        return;
    }
    for (unsigned i = 0; i < 4; i++) { /* inet_ntop() would call sprintf() */
        strbuf_add(s, i ? "." : "");
        strbuf_add_number(s, address[i]);
    }
}
