/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Wireshark plugin's entry points: what the loader looks for, the registration of the protocol
 * "rst" as a post-dissector, and its two steps for each frame.
 *
 * Theory of operation. Wireshark dissects every frame once in order (first pass), and the frames it
 * shows as often as it likes afterwards. In the first pass the TCP segments of a frame go to the
 * engine (segments.c finds them, results.c keeps what the engine answers for the frame); in every
 * pass the frame's records are shown (tree.c). Verdicts that later packets revised show in the next
 * pass: tshark -2, the GUI and sharkd have one, tshark alone does not.
 *
 * Fields are added in every pass, whether or not somebody looks at the tree, and no returned item
 * is ever tested: this is what columns, -T fields and filters need.
 */
/* Makes WS_DLL_PUBLIC export. */
#define WS_BUILD_DLL

#include "compat.h"

#include <string.h>

#include <epan/column-utils.h>
#include <epan/tap.h>

#include "expert.h"
#include "fields.h"
#include "reset_table.h"
#include "results.h"
#include "segments.h"
#include "settings.h"
#include "statistics.h"
#include "together.h"
#include "tree.h"

WS_DLL_PUBLIC_DEF const char plugin_version[] = WHYRST_VERSION;
WS_DLL_PUBLIC_DEF const int plugin_want_major = WIRESHARK_VERSION_MAJOR;
WS_DLL_PUBLIC_DEF const int plugin_want_minor = WIRESHARK_VERSION_MINOR;

WS_DLL_PUBLIC void plugin_register(void);
WS_DLL_PUBLIC uint32_t plugin_describe(void);

static int proto_rst = -1;
static dissector_handle_t rst_handle;
static int rst_tap = -1;

/* Who sent it, where the packets tell. */
static void add_to_info_column(packet_info *pinfo, const struct whyrst_record *record)
{
    const char *sender = fields_text(record, WHYRST_FIELD_SENDER);
    bool is_known = strcmp(sender, whyrst_sender_name(WHYRST_SENDER_UNKNOWN)) != 0;

    if (whyrst_record_kind(record) == WHYRST_RECORD_RST) {
        col_append_fstr(pinfo->cinfo, COL_INFO, " [RST: %s%s%s]",
                        fields_text(record, WHYRST_FIELD_ORIGIN), is_known ? ", " : "",
                        is_known ? sender : "");
    }
}

static int dissect_rst(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data _U_)
{
    struct whyrst_record *record;

    if (!PINFO_FD_VISITED(pinfo)) {
        results_add_frame(proto_rst, pinfo, tree);
    }
    for (uint32_t i = 0; (record = results_of_frame(proto_rst, pinfo, i)); i++) {
        tree_show(proto_rst, tvb, pinfo, tree, record);
        if (settings_info_column()) {
            add_to_info_column(pinfo, record);
        }
        tap_queue_packet(rst_tap, pinfo, record);
    }
    together_tap_frame(pinfo);
    return (int)tvb_captured_length(tvb);
}

static void proto_register_rst(void)
{
    proto_rst = proto_register_protocol("RST analysis", "RST", "rst");
    fields_register(proto_rst);
    expert_register(proto_rst);
    tree_register();
    settings_register(proto_rst);
    results_register();
    rst_handle = register_dissector("rst", dissect_rst, proto_rst);
    register_postdissector(rst_handle);
    rst_tap = register_tap("rst");
    statistics_register();
    reset_table_register();
    together_register();
    together_tree_register();
}

/* Wireshark calls this again whenever preferences change; once is enough. */
static void proto_reg_handoff_rst(void)
{
    static bool done;

    if (!done) {
        segments_register(rst_handle);
        done = true;
    }
}

/**
 * plugin_register - called by Wireshark's loader, once
 */
void plugin_register(void)
{
    static proto_plugin plugin = {
        .register_protoinfo = proto_register_rst,
        .register_handoff = proto_reg_handoff_rst,
    };

    static tap_plugin taps = {.register_tap_listener = together_text_register};

    proto_register_plugin(&plugin);
    tap_register_plugin(&taps);
}

/**
 * plugin_describe - what kind of plugin this is, for Help > About and tshark -G plugins
 */
uint32_t plugin_describe(void)
{
    return WS_PLUGIN_DESC_DISSECTOR | WS_PLUGIN_DESC_TAP_LISTENER;
}
