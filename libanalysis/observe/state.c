/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an observer knows by now, as others are told. */
#include <glib.h>

#include "observe/http1.h"
#include "observe/prologue.h"
#include "observe/reading.h"
#include "observe/tls.h"

struct observe_proxy *observer_take_proxy(struct observer *o)
{
    struct observe_proxy *proxy = o->prologue ? g_steal_pointer(&o->prologue->proxy) : NULL;

    return proxy || !o->http ? proxy : g_steal_pointer(&o->http->proxy);
}

/** What the connection is called while detection is at work. */
static enum observe_protocol undetected(const struct observer *o)
{
    return o->unknown[OBSERVE_CLIENT] || o->unknown[OBSERVE_SERVER] ? OBSERVE_OPAQUE
                                                                    : OBSERVE_NOTHING;
}

static bool has_payload(const struct observer *o)
{
    return o->payload[OBSERVE_CLIENT].bytes > 0 || o->payload[OBSERVE_SERVER].bytes > 0;
}

static void describe_current(const struct observer *o, struct observe_state *out)
{
    switch (o->current) {
    case READER_TLS:
        out->protocol = OBSERVE_TLS;
        tls_describe(o->tls, o->streams, out);
        break;
    case READER_HTTP1:
        out->protocol = http1_is_connect(o->http) ? OBSERVE_PROLOGUE : OBSERVE_HTTP1;
        http1_describe(o->http, o->streams, out);
        break;
    case READER_PROLOGUE:
        out->protocol = OBSERVE_PROLOGUE;
        prologue_describe(o->prologue, o->streams, out);
        break;
    case READER_OPAQUE:
        out->protocol = OBSERVE_OPAQUE;
        break;
    default:
        out->protocol = undetected(o);
        out->phase = has_payload(o) ? OBSERVE_PHASE_UNKNOWN : OBSERVE_PHASE_NO_DATA;
        out->exact = out->phase == OBSERVE_PHASE_NO_DATA;
        break;
    }
}

void observer_state(const struct observer *o, struct observe_state *out)
{
    *out = (struct observe_state){0};
    out->server_first = o->server_first;
    out->tunnel = o->tunnel;
    for (int side = 0; side < 2; side++) {
        out->side[side].app_bytes = o->payload[side].bytes;
        out->side[side].last_app_frame = o->payload[side].frame;
        out->side[side].last_app_time_ns = o->payload[side].time_ns;
    }
    if (o->prologue) {
        out->proxy = o->prologue->proxy;
    }
    if (o->http) {
        out->proxy = out->proxy ? out->proxy : o->http->proxy;
        http1_describe_last(o->http, out);
    }
    describe_current(o, out);
}
