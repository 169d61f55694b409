/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statistics > TCP Reset List, and tshark -z rst,table[,FILTER]: one row for each RST with
 * what matters about it. Rows take the library's names of the fields from one table here.
 */
#include "compat.h"

#include "reset_table.h"

#include <string.h>

#include <epan/stat_tap_ui.h>
#include <epan/tap.h>

#include <whyrst/record.h>

#define TABLE_NAME "TCP resets"

/* The columns, in order. Wireshark's own text table is as wide as the formats say. */
static const struct {
    enum whyrst_field field;
    enum whyrst_field port; /* to be appended to an address, else FRAME */
    const char *title;
} columns[] = {
    {WHYRST_FIELD_FRAME, WHYRST_FIELD_FRAME, "Frame"},
    {WHYRST_FIELD_CLIENT_IP, WHYRST_FIELD_CLIENT_PORT, "Client"},
    {WHYRST_FIELD_SERVER_IP, WHYRST_FIELD_SERVER_PORT, "Server"},
    {WHYRST_FIELD_ORIGIN, WHYRST_FIELD_FRAME, "Origin"},
    {WHYRST_FIELD_CAUSE, WHYRST_FIELD_FRAME, "Cause"},
    {WHYRST_FIELD_SENDER, WHYRST_FIELD_FRAME, "Sender"},
    {WHYRST_FIELD_CONFIDENCE, WHYRST_FIELD_FRAME, "Confidence"},
    {WHYRST_FIELD_SNI, WHYRST_FIELD_FRAME, "Server name"},
    {WHYRST_FIELD_JA4, WHYRST_FIELD_FRAME, "JA4"},
};
#define COLUMN_COUNT G_N_ELEMENTS(columns)

static stat_tap_table_item fields[COLUMN_COUNT];

static void make_table(stat_tap_table_ui *ui)
{
    stat_tap_table *table = stat_tap_find_table(ui, TABLE_NAME);

    if (table) {
        if (ui->stat_tap_reset_table_cb) {
            ui->stat_tap_reset_table_cb(table);
        }
        return;
    }
    stat_tap_add_table(ui, stat_tap_init_table(TABLE_NAME, COLUMN_COUNT, 0, NULL));
}

static stat_tap_table_item_type make_item(const struct whyrst_record *record, unsigned column)
{
    stat_tap_table_item_type item = {.type = TABLE_ITEM_STRING};
    struct whyrst_value value = {0}, port;

    if (!whyrst_record_get(record, columns[column].field, &value)) {
        item.value.string_value = g_strdup("-");
    } else if (value.type == WHYRST_TYPE_INTEGER) {
        item.type = TABLE_ITEM_UINT;
        item.value.uint_value = (unsigned)value.integer;
    } else if (columns[column].port != WHYRST_FIELD_FRAME &&
               whyrst_record_get(record, columns[column].port, &port)) {
        item.value.string_value = g_strdup_printf(strchr(value.string, ':') ? "[%s]:%u" : "%s:%u",
                                                  value.string, (unsigned)port.integer);
    } else {
        item.value.string_value = g_strdup(value.string);
    }
    return item;
}

static tap_packet_status add_row(void *data, packet_info *pinfo _U_, epan_dissect_t *dissection _U_,
                                 const void *tapped, tap_flags_t flags _U_)
{
    stat_data_t *statistics = data;
    stat_tap_table *table = g_array_index(statistics->stat_tap_data->tables, stat_tap_table *, 0);
    const struct whyrst_record *record = tapped;
    stat_tap_table_item_type row[COLUMN_COUNT];

    if (whyrst_record_kind(record) != WHYRST_RECORD_RST) {
        return TAP_PACKET_DONT_REDRAW;
    }
    for (unsigned i = 0; i < COLUMN_COUNT; i++) {
        row[i] = make_item(record, i);
    }
    stat_tap_init_table_row(table, table->num_elements, COLUMN_COUNT, row);
    return TAP_PACKET_REDRAW;
}

static void free_item(stat_tap_table *table _U_, unsigned row _U_, unsigned column _U_,
                      stat_tap_table_item_type *item)
{
    if (item->type == TABLE_ITEM_STRING) {
        g_free((char *)item->value.string_value);
        item->value.string_value = NULL;
    }
}

/* Rows were appended one by one, so a table that starts again has none. */
static void empty_table(stat_tap_table *table)
{
    for (unsigned row = 0; row < table->num_elements; row++) {
        for (unsigned column = 0; column < table->num_fields; column++) {
            free_item(table, row, column, stat_tap_get_field_data(table, row, column));
        }
        g_free(table->elements[row]);
    }
    table->num_elements = 0;
}

/**
 * reset_table_register - registers the table
 */
void reset_table_register(void)
{
    static stat_tap_table_ui ui = {
        .group = REGISTER_PACKET_STAT_GROUP_UNSORTED, /* the Statistics menu itself */
        .title = "TCP Reset List",
        .tap_name = "rst",
        .cli_string = "rst,table",
        .stat_tap_init_cb = make_table,
        .packet_func = add_row,
        .stat_tap_reset_table_cb = empty_table,
        .stat_tap_free_table_item_cb = free_item,
        .nfields = COLUMN_COUNT,
        .fields = fields,
    };

    for (unsigned i = 0; i < COLUMN_COUNT; i++) {
        bool is_number = whyrst_field_info(columns[i].field)->type == WHYRST_TYPE_INTEGER;
        fields[i] = (stat_tap_table_item){
            is_number ? TABLE_ITEM_UINT : TABLE_ITEM_STRING,
            is_number ? TAP_ALIGN_RIGHT : TAP_ALIGN_LEFT,
            columns[i].title,
            is_number ? "%u" : "%s",
        };
    }
    register_stat_tap_table_ui(&ui);
}
