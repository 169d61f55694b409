/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The display-filter fields: each row of the library's field table that is for the plugin becomes
 * "rst." + name, with the row's title and help text. Words are string fields, not enumerations,
 * since -T fields and -T json print the number of an enumeration.
 */
#include "fields.h"

/* Indexed by enum whyrst_field; -1 where a row is not for the plugin. */
static int field_ids[WHYRST_FIELD_COUNT];

/* How Wireshark types the library's types. */
static const struct {
    enum ftenum type;
    int display;
} field_types[] = {
    [WHYRST_TYPE_STRING] = {FT_STRING, BASE_NONE},
    [WHYRST_TYPE_INTEGER] = {FT_UINT64, BASE_DEC},
    [WHYRST_TYPE_FRAME] = {FT_FRAMENUM, BASE_NONE},
    [WHYRST_TYPE_DURATION] = {FT_RELATIVE_TIME, BASE_NONE},
    [WHYRST_TYPE_TIME] = {FT_ABSOLUTE_TIME, ABSOLUTE_TIME_UTC},
    [WHYRST_TYPE_ADDRESS] = {FT_STRING, BASE_NONE},
    [WHYRST_TYPE_STRINGS] = {FT_STRING, BASE_NONE},
};

/**
 * fields_register - registers the fields of the protocol @proto
 *
 * Wireshark keeps the rows that it is given, so they and the names live as long as the process.
 */
void fields_register(int proto)
{
    static hf_register_info rows[WHYRST_FIELD_COUNT];
    int count = 0;

    for (int field = 0; field < WHYRST_FIELD_COUNT; field++) {
        const struct whyrst_field_info *info = whyrst_field_info((enum whyrst_field)field);

        field_ids[field] = -1;
        if (info->bits & WHYRST_ON_PLUGIN) {
            rows[count++] = (hf_register_info){
                &field_ids[field],
                {info->title, wmem_strdup_printf(wmem_epan_scope(), "rst.%s", info->name),
                 field_types[info->type].type, field_types[info->type].display, NULL, 0, info->help,
                 HFILL}};
        }
    }
    proto_register_field_array(proto, rows, count);
}

static proto_item *add_time(proto_tree *tree, tvbuff_t *tvb, int id, int64_t time_ns)
{
    nstime_t time;

    time.secs = (time_t)(time_ns / 1000000000);
    time.nsecs = (int)(time_ns % 1000000000);
    return proto_tree_add_time(tree, id, tvb, 0, 0, &time);
}

static proto_item *finish_item(proto_item *item, bool provisional)
{
    proto_item_set_generated(item);
    if (provisional) {
        proto_item_append_text(item, " (provisional)");
    }
    return item;
}

/**
 * fields_add - adds one generated item with @value to @tree; of a list, one item for each text
 * @provisional: later packets may revise the value; say so to the reader
 *
 * Returns the last item added: NULL without a tree, and of no use but to be passed on.
 */
proto_item *fields_add(proto_tree *tree, tvbuff_t *tvb, enum whyrst_field field,
                       const struct whyrst_value *value, bool provisional)
{
    int id = field_ids[field];
    proto_item *item = NULL;

    switch (value->type) {
    case WHYRST_TYPE_STRING:
    case WHYRST_TYPE_ADDRESS:
        item = proto_tree_add_string(tree, id, tvb, 0, 0, value->string);
        break;
    case WHYRST_TYPE_INTEGER:
        item = proto_tree_add_uint64(tree, id, tvb, 0, 0, value->integer);
        break;
    case WHYRST_TYPE_FRAME:
        item = proto_tree_add_uint(tree, id, tvb, 0, 0, (uint32_t)value->integer);
        break;
    case WHYRST_TYPE_DURATION:
    case WHYRST_TYPE_TIME:
        item = add_time(tree, tvb, id, value->time_ns);
        break;
    case WHYRST_TYPE_STRINGS:
        for (size_t i = 0; i < value->count; i++) {
            item = proto_tree_add_string(tree, id, tvb, 0, 0, value->strings[i]);
            finish_item(item, provisional);
        }
        return item;
    }
    return finish_item(item, provisional);
}
