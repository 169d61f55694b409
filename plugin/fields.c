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

/* How a linked frame relates to the RST's: the mark that it bears in the packet list. */
static const struct {
    enum whyrst_field field;
    ft_framenum_type_t kind;
} links[] = {
    {WHYRST_FIELD_CLIENT_HELLO_FRAME, FT_FRAMENUM_REQUEST},
    {WHYRST_FIELD_TRIGGER_FRAME, FT_FRAMENUM_REQUEST},
    {WHYRST_FIELD_DUPLICATE_OF, FT_FRAMENUM_RETRANS_PREV},
};

static const void *link_kind(enum whyrst_field field)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(links); i++) {
        if (links[i].field == field) {
            return FRAMENUM_TYPE(links[i].kind);
        }
    }
    return NULL; /* a link without a meaning of its own; and for other types "no names of values" */
}

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
                 field_types[info->type].type, field_types[info->type].display,
                 link_kind((enum whyrst_field)field), 0, info->help, HFILL}};
        }
    }
    proto_register_field_array(proto, rows, count);
}

/**
 * fields_text - the value of a text field, "" when @record has none
 */
const char *fields_text(const struct whyrst_record *record, enum whyrst_field field)
{
    struct whyrst_value value;

    return whyrst_record_get(record, field, &value) && value.string ? value.string : "";
}

static proto_item *add_time(proto_tree *tree, tvbuff_t *tvb, int id, int64_t time_ns)
{
    nstime_t time;

    time.secs = (time_t)(time_ns / 1000000000);
    time.nsecs = (int)(time_ns % 1000000000);
    return proto_tree_add_time(tree, id, tvb, 0, 0, &time);
}

/*
 * A list is one value, since JSON parsers keep one of several equal keys; its label is the first
 * text, the one that matters most.
 */
static proto_item *add_list(proto_tree *tree, tvbuff_t *tvb, int id,
                            const struct whyrst_value *value)
{
    GString *joined = g_string_new(NULL);
    proto_item *item;

    for (size_t i = 0; i < value->count; i++) {
        g_string_append_printf(joined, "%s%s", i ? "; " : "", value->strings[i]);
    }
    if (value->count > 1) {
        item = proto_tree_add_string_format_value(tree, id, tvb, 0, 0, joined->str,
                                                  "%s (and %zu more)", value->strings[0],
                                                  value->count - 1);
    } else {
        item = proto_tree_add_string(tree, id, tvb, 0, 0, joined->str);
    }
    g_string_free(joined, TRUE);
    return item;
}

/**
 * fields_add - adds one generated item with @value to @tree; the texts of a list joined by "; "
 * @provisional: later packets may revise the value; say so to the reader
 *
 * Returns the item: NULL without a tree, and of no use but to be passed on.
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
        item = add_list(tree, tvb, id, value);
        break;
    case WHYRST_TYPE_NUMBER:
    case WHYRST_TYPE_NUMBERS:
        break; /* no record has them */
    }
    proto_item_set_generated(item);
    if (provisional) {
        proto_item_append_text(item, " (provisional)");
    }
    return item;
}
