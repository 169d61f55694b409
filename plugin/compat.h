/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * What differs between Wireshark 4.0, 4.4 and 4.6, in one place: no other file has a version #if.
 *
 * Include it before anything else of Wireshark's. config.h is never included: 4.0 does not ship it.
 */
#ifndef RST_COMPAT_H
#define RST_COMPAT_H

#include <wireshark.h>

#include <epan/frame_data.h>
#include <epan/packet.h>
#include <epan/proto.h>
#include <epan/stats_tree.h>
#include <epan/strutil.h>
#include <wsutil/str_util.h>

#define RST_WIRESHARK_VERSION (WIRESHARK_VERSION_MAJOR * 100 + WIRESHARK_VERSION_MINOR)

/* A field's value became a pointer in 4.2. */
#if RST_WIRESHARK_VERSION >= 402
#define RST_FIELD_VALUE(finfo) ((finfo)->value)
#else
#define RST_FIELD_VALUE(finfo) (&(finfo)->value)
#endif

/* Preferences became C99's bool, a byte, in 4.4: a gboolean is an int. */
#if RST_WIRESHARK_VERSION >= 404
typedef bool rst_preference_bool;
#else
typedef gboolean rst_preference_bool;
#endif

/* That showing this frame needs frame @number too is noted on the frame since 4.4. */
#if RST_WIRESHARK_VERSION >= 404
#define RST_DEPENDS_ON(pinfo, number) mark_frame_as_depended_upon((pinfo)->fd, number)
#else
#define RST_DEPENDS_ON(pinfo, number) mark_frame_as_depended_upon(pinfo, number)
#endif

/* The kind that plugin_describe() answers, asked for since 4.2; 4.0 never calls it. */
#ifndef WS_PLUGIN_DESC_DISSECTOR
#define WS_PLUGIN_DESC_DISSECTOR (1UL << 0)
#endif
#ifndef WS_PLUGIN_DESC_TAP_LISTENER
#define WS_PLUGIN_DESC_TAP_LISTENER (1UL << 4)
#endif

/* Makes @text fit for a terminal: format_text() took bytes of another type up to 4.0. */
#if RST_WIRESHARK_VERSION >= 402
#define RST_FORMAT_TEXT(scope, text) format_text(scope, text, strlen(text))
#else
#define RST_FORMAT_TEXT(scope, text) format_text(scope, (const guchar *)(text), strlen(text))
#endif

/* Whether a statistic of -z could be started is asked since 4.6. */
#if RST_WIRESHARK_VERSION >= 406
typedef bool rst_started;
#define RST_STARTED(started) (started)
#else
typedef void rst_started;
#define RST_STARTED(started) (void)(started)
#endif

/* Between the parts of a menu path: 4.0 has no name for it, and another separator. */
#ifdef STATS_TREE_MENU_SEPARATOR
#define RST_MENU_SEPARATOR STATS_TREE_MENU_SEPARATOR
#else
#define RST_MENU_SEPARATOR "/"
#endif

#endif
