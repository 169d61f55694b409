/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree that people read: the verdict first, what it rests on below it, in groups.
 *
 * Order within a group is that of the library's field table.
 */
#include "tree.h"

#include <string.h>

#include <whyrst/types.h>

#include "expert.h"
#include "fields.h"

enum group {
    GROUP_VERDICT, /* directly below the root; also what the table below does not name */
    GROUP_RST,
    GROUP_CONNECTION,
    GROUP_TLS,
    GROUP_HTTP,
    GROUP_COUNT
};

static const char *const group_titles[GROUP_COUNT] = {
    [GROUP_RST] = "This RST",
    [GROUP_CONNECTION] = "Connection",
    [GROUP_TLS] = "TLS",
    [GROUP_HTTP] = "HTTP",
};

static const uint8_t groups[WHYRST_FIELD_COUNT] = {
    [WHYRST_FIELD_TRIGGER_FRAME] = GROUP_RST,
    [WHYRST_FIELD_SEQUENCE_CHECK] = GROUP_RST,
    [WHYRST_FIELD_UNACKED_BYTES] = GROUP_RST,
    [WHYRST_FIELD_TAMPERING_SIGNATURE] = GROUP_RST,
    [WHYRST_FIELD_DUPLICATE_OF] = GROUP_RST,
    [WHYRST_FIELD_RESET_TEXT] = GROUP_RST,
    [WHYRST_FIELD_MPTCP_REASON] = GROUP_RST,

    [WHYRST_FIELD_SYN_FRAME] = GROUP_CONNECTION,
    [WHYRST_FIELD_TIME_SINCE_SYN] = GROUP_CONNECTION,
    [WHYRST_FIELD_IDLE_TIME] = GROUP_CONNECTION,
    [WHYRST_FIELD_IDLE_TIMER] = GROUP_CONNECTION,
    [WHYRST_FIELD_TTFB] = GROUP_CONNECTION,
    [WHYRST_FIELD_IRTT] = GROUP_CONNECTION,
    [WHYRST_FIELD_CLIENT_BYTES] = GROUP_CONNECTION,
    [WHYRST_FIELD_SERVER_BYTES] = GROUP_CONNECTION,
    [WHYRST_FIELD_CONN_STATE] = GROUP_CONNECTION,
    [WHYRST_FIELD_HISTORY] = GROUP_CONNECTION,

    [WHYRST_FIELD_JA4] = GROUP_TLS,
    [WHYRST_FIELD_JA4_R] = GROUP_TLS,
    [WHYRST_FIELD_JA4_RETRY] = GROUP_TLS,
    [WHYRST_FIELD_SNI] = GROUP_TLS,
    [WHYRST_FIELD_ALPN] = GROUP_TLS,
    [WHYRST_FIELD_TLS_VERSION] = GROUP_TLS,
    [WHYRST_FIELD_TLS_STAGE] = GROUP_TLS,
    [WHYRST_FIELD_TLS_ALERT] = GROUP_TLS,
    [WHYRST_FIELD_CLIENT_HELLO_FRAME] = GROUP_TLS,
    [WHYRST_FIELD_TIME_SINCE_CLIENT_HELLO] = GROUP_TLS,

    [WHYRST_FIELD_HTTP_METHOD] = GROUP_HTTP,
    [WHYRST_FIELD_HTTP_STATUS] = GROUP_HTTP,
};

/* Ids by which Wireshark remembers which subtrees are open; GROUP_VERDICT's is the root's. */
static int subtree_ids[GROUP_COUNT + 1];
#define LIST_SUBTREE subtree_ids[GROUP_COUNT]

/**
 * tree_register - registers the subtrees
 */
void tree_register(void)
{
    int *ids[G_N_ELEMENTS(subtree_ids)];

    for (unsigned i = 0; i < G_N_ELEMENTS(subtree_ids); i++) {
        subtree_ids[i] = -1;
        ids[i] = &subtree_ids[i];
    }
    proto_register_subtree_array(ids, G_N_ELEMENTS(ids));
}

/* The meaning of an origin, for those who meet the word for the first time. */
static void explain_origin(proto_item *item, const char *name)
{
    for (int origin = 0; origin < WHYRST_ORIGIN_COUNT; origin++) {
        if (strcmp(whyrst_origin_name((enum whyrst_origin)origin), name) == 0) {
            proto_item_append_text(item, " (%s)", whyrst_origin_text((enum whyrst_origin)origin));
        }
    }
}

/* A list of several texts, one below the other. */
static void show_list(tvbuff_t *tvb, proto_item *item, const struct whyrst_value *value)
{
    proto_tree *tree = proto_item_add_subtree(item, LIST_SUBTREE);

    for (size_t i = 0; value->count > 1 && i < value->count; i++) {
        proto_item *line;
        proto_tree_add_subtree(tree, tvb, 0, 0, LIST_SUBTREE, &line, value->strings[i]);
        proto_item_set_generated(line);
    }
}

static void show_field(tvbuff_t *tvb, proto_tree *tree, const struct whyrst_record *record,
                       enum whyrst_field field, const struct whyrst_value *value)
{
    bool hindsight = whyrst_field_info(field)->bits & WHYRST_HINDSIGHT;
    bool provisional = hindsight && !whyrst_record_is_final(record);
    proto_item *item = fields_add(tree, tvb, field, value, provisional);

    if (field == WHYRST_FIELD_ORIGIN) {
        explain_origin(item, value->string);
    }
    if (value->type == WHYRST_TYPE_STRINGS) {
        show_list(tvb, item, value);
    }
}

/* Adds the fields of one group; their subtree begins with the first that has a value. */
static void show_group(tvbuff_t *tvb, proto_tree *root, const struct whyrst_record *record,
                       enum group group)
{
    bool is_close = whyrst_record_kind(record) == WHYRST_RECORD_CLOSE;
    unsigned bits = WHYRST_ON_PLUGIN | (is_close ? WHYRST_ON_CLOSE : WHYRST_ON_RST);
    bool begun = group == GROUP_VERDICT;
    proto_tree *tree = root;

    for (int i = 0; i < WHYRST_FIELD_COUNT; i++) {
        enum whyrst_field field = (enum whyrst_field)i;
        struct whyrst_value value;

        if (groups[field] != group || (whyrst_field_info(field)->bits & bits) != bits ||
            !whyrst_record_get(record, field, &value)) {
            continue;
        }
        if (!begun) {
            proto_item *item;
            tree = proto_tree_add_subtree(root, tvb, 0, 0, subtree_ids[group], &item,
                                          group_titles[group]);
            proto_item_set_generated(item);
            begun = true;
        }
        show_field(tvb, tree, record, field, &value);
    }
}

/* Whoever saves the displayed packets gets the frames that the record points to as well. */
static void keep_linked_frames(packet_info *pinfo, const struct whyrst_record *record)
{
    struct whyrst_value value;

    for (int i = 0; i < WHYRST_FIELD_COUNT; i++) {
        enum whyrst_field field = (enum whyrst_field)i;
        if (whyrst_field_info(field)->type == WHYRST_TYPE_FRAME &&
            whyrst_record_get(record, field, &value)) {
            RST_DEPENDS_ON(pinfo, (uint32_t)value.integer);
        }
    }
}

/**
 * tree_show - adds the items of one record to the frame's tree
 */
void tree_show(int proto, tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree,
               const struct whyrst_record *record)
{
    bool is_rst = whyrst_record_kind(record) == WHYRST_RECORD_RST;
    char summary[ITEM_LABEL_LENGTH] = "connection closed by FIN";

    if (is_rst) {
        whyrst_record_summary(record, summary, sizeof summary);
    }
    proto_item *root =
        proto_tree_add_protocol_format(tree, proto, tvb, 0, 0, "RST analysis: %s", summary);
    proto_item_set_generated(root);

    proto_tree *root_tree = proto_item_add_subtree(root, subtree_ids[GROUP_VERDICT]);
    show_group(tvb, root_tree, record, GROUP_VERDICT);
    if (is_rst) {
        expert_add(pinfo, root, record);
        keep_linked_frames(pinfo, record);
    }
    for (int group = GROUP_VERDICT + 1; group < GROUP_COUNT; group++) {
        show_group(tvb, root_tree, record, (enum group)group);
    }
}
