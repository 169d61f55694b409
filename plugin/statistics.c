/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statistics > TCP Resets: trees that count the records that go through the tap "rst"; Wireshark
 * adds rates and shares. A RST that was captured twice counts once.
 */
#include "compat.h"

#include "statistics.h"

#include <string.h>

#include <epan/tap.h>

#include <whyrst/record.h>

#include "fields.h"

/* The name of each tree's first line, by which its packet function finds it again. */
#define RESETS  "Resets"
#define SERVERS "Servers"
#define CLOSES  "Connections ended"

/* Whatever the tap hands over that counts as a reset of its own, NULL for the rest. */
static const struct whyrst_record *as_reset(const void *data)
{
    const struct whyrst_record *record = data;
    struct whyrst_value value;
    bool counts = whyrst_record_kind(record) == WHYRST_RECORD_RST &&
                  !whyrst_record_get(record, WHYRST_FIELD_DUPLICATE_OF, &value);

    return counts ? record : NULL;
}

/* The one record that ends its connection: further RSTs after the end do not. */
static bool is_end(const struct whyrst_record *record)
{
    return whyrst_record_kind(record) == WHYRST_RECORD_CLOSE ||
           (as_reset(record) &&
            strcmp(fields_text(record, WHYRST_FIELD_ORIGIN), "after-close") != 0);
}

static const char *server_name(packet_info *pinfo, const struct whyrst_record *record)
{
    const char *address = fields_text(record, WHYRST_FIELD_SERVER_IP);
    struct whyrst_value port = {0};

    whyrst_record_get(record, WHYRST_FIELD_SERVER_PORT, &port);
    return wmem_strdup_printf(pinfo->pool, strchr(address, ':') ? "[%s]:%u" : "%s:%u", address,
                              (unsigned)port.integer);
}

static int create_root(stats_tree *tree, const char *name)
{
    return stats_tree_create_node(tree, name, 0, STAT_DT_INT, TRUE);
}

/* Counts one record on the line @name below @parent; the new line may have lines of its own. */
static int tick(stats_tree *tree, const char *name, int parent, bool has_children)
{
    return tick_stat_node(tree, name, parent, has_children);
}

static void init_resets(stats_tree *tree)
{
    create_root(tree, RESETS);
}

static tap_packet_status count_by(stats_tree *tree, const void *data, enum whyrst_field field,
                                  enum whyrst_field second, const char *absent)
{
    const struct whyrst_record *record = as_reset(data);

    if (!record) {
        return TAP_PACKET_DONT_REDRAW;
    }
    const char *text = fields_text(record, field);
    int root = tick(tree, RESETS, 0, true);
    int line = tick(tree, *text ? text : absent, root, true);
    tick(tree, fields_text(record, second), line, false);
    return TAP_PACKET_REDRAW;
}

static tap_packet_status by_origin(stats_tree *tree, packet_info *pinfo _U_,
                                   epan_dissect_t *dissection _U_, const void *data,
                                   tap_flags_t flags _U_)
{
    return count_by(tree, data, WHYRST_FIELD_ORIGIN, WHYRST_FIELD_CAUSE, "unknown");
}

static tap_packet_status by_cause(stats_tree *tree, packet_info *pinfo _U_,
                                  epan_dissect_t *dissection _U_, const void *data,
                                  tap_flags_t flags _U_)
{
    return count_by(tree, data, WHYRST_FIELD_CAUSE, WHYRST_FIELD_ORIGIN, "unknown");
}

static tap_packet_status by_sender(stats_tree *tree, packet_info *pinfo _U_,
                                   epan_dissect_t *dissection _U_, const void *data,
                                   tap_flags_t flags _U_)
{
    return count_by(tree, data, WHYRST_FIELD_SENDER, WHYRST_FIELD_CAUSE, "unknown");
}

static tap_packet_status by_ja4(stats_tree *tree, packet_info *pinfo _U_,
                                epan_dissect_t *dissection _U_, const void *data,
                                tap_flags_t flags _U_)
{
    return count_by(tree, data, WHYRST_FIELD_JA4, WHYRST_FIELD_ORIGIN, "no ClientHello seen");
}

static tap_packet_status by_server(stats_tree *tree, packet_info *pinfo,
                                   epan_dissect_t *dissection _U_, const void *data,
                                   tap_flags_t flags _U_)
{
    const struct whyrst_record *record = as_reset(data);

    if (!record) {
        return TAP_PACKET_DONT_REDRAW;
    }
    int root = tick(tree, RESETS, 0, true);
    int server = tick(tree, server_name(pinfo, record), root, true);
    tick(tree, fields_text(record, WHYRST_FIELD_ORIGIN), server, false);
    return TAP_PACKET_REDRAW;
}

static void init_closes(stats_tree *tree)
{
    create_root(tree, CLOSES);
    create_root(tree, SERVERS);
}

/* FIN against RST: of all connections, and for each server. */
static tap_packet_status by_close_type(stats_tree *tree, packet_info *pinfo,
                                       epan_dissect_t *dissection _U_, const void *data,
                                       tap_flags_t flags _U_)
{
    const struct whyrst_record *record = data;

    if (!is_end(record)) {
        return TAP_PACKET_DONT_REDRAW;
    }
    const char *type = fields_text(record, WHYRST_FIELD_CLOSE_TYPE);
    tick(tree, type, tick(tree, CLOSES, 0, true), false);
    int servers = tick(tree, SERVERS, 0, true);
    tick(tree, type, tick(tree, server_name(pinfo, record), servers, true), false);
    return TAP_PACKET_REDRAW;
}

/**
 * statistics_register - registers the trees: in tshark -z NAME,tree
 */
void statistics_register(void)
{
    static const struct {
        const char *name;
        const char *menu;
        stat_tree_packet_cb packet;
        stat_tree_init_cb init;
    } trees[] = {
        {"rst", "TCP Resets" RST_MENU_SEPARATOR "By origin", by_origin, init_resets},
        {"rst_cause", "TCP Resets" RST_MENU_SEPARATOR "By cause", by_cause, init_resets},
        {"rst_sender", "TCP Resets" RST_MENU_SEPARATOR "By sender", by_sender, init_resets},
        {"rst_server", "TCP Resets" RST_MENU_SEPARATOR "By server", by_server, init_resets},
        {"rst_ja4", "TCP Resets" RST_MENU_SEPARATOR "By JA4", by_ja4, init_resets},
        {"rst_close", "TCP Resets" RST_MENU_SEPARATOR "Close types", by_close_type, init_closes},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(trees); i++) {
        stats_tree_register_plugin("rst", trees[i].name, trees[i].menu, 0, trees[i].packet,
                                   trees[i].init, NULL);
    }
}
