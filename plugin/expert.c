/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expert information: every RST has one item, whose severity says what the RST did to the
 * connection's users. What makes a RST harmless, suspicious or wanted goes before where it hit; the
 * filter name is "rst.expert." + the row's name.
 */
#include "expert.h"

#include <string.h>

#include <epan/expert.h>

#include <whyrst/types.h>

#include "fields.h"

/* Rows beyond the origins, which come first. */
enum row {
    ROW_DUPLICATE = WHYRST_ORIGIN_COUNT,
    ROW_INJECTED,
    ROW_CLIENT_CANCEL,
    ROW_SCAN,
    ROW_COUNT
};

static expert_field ids[ROW_COUNT];

#define ROW(row, name, group, severity, text)                                                      \
    [row] = {&ids[row], {"rst.expert." name, group, severity, text, EXPFILL}}

static ei_register_info rows[ROW_COUNT] = {
    ROW(WHYRST_ORIGIN_UNKNOWN, "unknown", PI_SEQUENCE, PI_NOTE,
        "RST: the capture does not show what it hit"),
    ROW(WHYRST_ORIGIN_AFTER_CLOSE, "after_close", PI_SEQUENCE, PI_CHAT,
        "RST after the connection's end: harmless"),
    ROW(WHYRST_ORIGIN_AFTER_FIN, "after_fin", PI_SEQUENCE, PI_NOTE,
        "RST during the connection's close"),
    ROW(WHYRST_ORIGIN_REFUSED_HANDSHAKE, "refused_handshake", PI_SEQUENCE, PI_WARN,
        "RST refused the connection"),
    ROW(WHYRST_ORIGIN_ABORTED_HANDSHAKE, "aborted_handshake", PI_SEQUENCE, PI_NOTE,
        "RST aborted the TCP handshake"),
    ROW(WHYRST_ORIGIN_IDLE_TIMEOUT, "idle_timeout", PI_SEQUENCE, PI_NOTE,
        "RST on an idle connection"),
    ROW(WHYRST_ORIGIN_BEFORE_DATA, "before_data", PI_SEQUENCE, PI_WARN,
        "RST before either side sent data"),
    ROW(WHYRST_ORIGIN_TLS_PHASE, "tls_phase", PI_SEQUENCE, PI_ERROR, "RST in the TLS handshake"),
    ROW(WHYRST_ORIGIN_MID_REQUEST, "mid_request", PI_SEQUENCE, PI_ERROR,
        "RST while a request was being sent"),
    ROW(WHYRST_ORIGIN_AWAITING_RESPONSE, "awaiting_response", PI_SEQUENCE, PI_ERROR,
        "RST instead of a response"),
    ROW(WHYRST_ORIGIN_MID_RESPONSE, "mid_response", PI_SEQUENCE, PI_ERROR,
        "RST in the middle of a response"),
    ROW(WHYRST_ORIGIN_AFTER_RESPONSE, "after_response", PI_SEQUENCE, PI_NOTE,
        "RST after a complete response"),
    ROW(ROW_DUPLICATE, "duplicate", PI_SEQUENCE, PI_CHAT, "RST captured a second time"),
    ROW(ROW_INJECTED, "injected", PI_SECURITY, PI_WARN, "RST forged by a device on the path"),
    ROW(ROW_CLIENT_CANCEL, "client_cancel", PI_SEQUENCE, PI_NOTE,
        "RST by a client that stopped wanting the answer"),
    ROW(ROW_SCAN, "scan", PI_SECURITY, PI_NOTE, "RST of a half-open port probe"),
};

/* Causes that say more about the severity than the origin does. */
static const struct {
    const char *cause;
    unsigned row;
} by_cause[] = {
    {"injected", ROW_INJECTED},
    {"time-wait", WHYRST_ORIGIN_AFTER_CLOSE},
    {"client-cancel", ROW_CLIENT_CANCEL},
    {"scan", ROW_SCAN},
};

/**
 * expert_register - registers the expert items of the protocol @proto
 */
void expert_register(int proto)
{
    for (unsigned i = 0; i < ROW_COUNT; i++) {
        ids[i] = (expert_field)EI_INIT;
    }
    expert_register_field_array(expert_register_protocol(proto), rows, ROW_COUNT);
}

static unsigned row_of(const struct whyrst_record *record)
{
    struct whyrst_value value;
    const char *cause = fields_text(record, WHYRST_FIELD_CAUSE);
    const char *origin = fields_text(record, WHYRST_FIELD_ORIGIN);

    if (whyrst_record_get(record, WHYRST_FIELD_DUPLICATE_OF, &value)) {
        return ROW_DUPLICATE;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(by_cause); i++) {
        if (strcmp(by_cause[i].cause, cause) == 0) {
            return by_cause[i].row;
        }
    }
    for (unsigned i = 0; i < WHYRST_ORIGIN_COUNT; i++) {
        if (strcmp(whyrst_origin_name((enum whyrst_origin)i), origin) == 0) {
            return i;
        }
    }
    return WHYRST_ORIGIN_UNKNOWN;
}

/**
 * expert_add - adds the expert item of the RST @record to @item
 */
void expert_add(packet_info *pinfo, proto_item *item, const struct whyrst_record *record)
{
    expert_add_info(pinfo, item, &ids[row_of(record)]);
}
