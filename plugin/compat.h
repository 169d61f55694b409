/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * What differs between Wireshark 4.0, 4.4 and 4.6, in one place: no other file has a version #if.
 *
 * Include it before anything else of Wireshark's. config.h is never included: 4.0 does not ship it.
 */
#ifndef RST_COMPAT_H
#define RST_COMPAT_H

#include <wireshark.h>

#include <epan/packet.h>
#include <epan/proto.h>

#define RST_WIRESHARK_VERSION (WIRESHARK_VERSION_MAJOR * 100 + WIRESHARK_VERSION_MINOR)

/* A field's value became a pointer in 4.2. */
#if RST_WIRESHARK_VERSION >= 402
#define RST_FIELD_VALUE(finfo) ((finfo)->value)
#else
#define RST_FIELD_VALUE(finfo) (&(finfo)->value)
#endif

/* The kind that plugin_describe() answers, asked for since 4.2; 4.0 never calls it. */
#ifndef WS_PLUGIN_DESC_DISSECTOR
#define WS_PLUGIN_DESC_DISSECTOR (1UL << 0)
#endif

#endif
